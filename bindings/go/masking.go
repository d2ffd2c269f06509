package agentidp

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
)

// What generated values with secrets are shown by: a masked copy, whatever asks for it.

// mask stands where a secret was.
const mask = "***"

func masked[T ~string](secret T) T {
	if secret == "" {
		return ""
	}
	return mask
}

func maskedPointer[T any](value *T, hide func(T) T) *T {
	if value == nil {
		return nil
	}
	hidden := hide(*value)
	return &hidden
}

func maskedNullable[T any](value Nullable[T], hide func(T) T) Nullable[T] {
	return Nullable[T]{value: maskedPointer(value.value, hide), set: value.set}
}

func maskedList[T any](list []T, hide func(T) T) []T {
	hidden := make([]T, len(list))
	for i, value := range list {
		hidden[i] = hide(value)
	}
	return hidden
}

func maskedMap[T any](values map[string]T, hide func(T) T) map[string]T {
	hidden := make(map[string]T, len(values))
	for key, value := range values {
		hidden[key] = hide(value)
	}
	return hidden
}

// maskedExtra hides fields that this package does not know, where their neighbours are secrets.
func maskedExtra(extra map[string]json.RawMessage) map[string]json.RawMessage {
	return maskedMap(extra, func(json.RawMessage) json.RawMessage { return json.RawMessage(`"` + mask + `"`) })
}

// format writes a value that holds secrets, whatever the verb: %#v must not show them either.
func format(s fmt.State, text string) { _, _ = io.WriteString(s, text) }

func logged(text string) slog.Value { return slog.StringValue(text) }
