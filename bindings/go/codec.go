package agentidp

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/sentryagent/idp-sdk-go/internal/wire"
)

// What the generated models are made of: reading and writing one field, list or map at a time.

// model is what a generated model's pointer can do.
type model[T any] interface {
	*T
	read(*wire.Reader)
	fields(*wire.Writer)
}

func unmarshal(text []byte, read func(*wire.Reader)) error {
	r := wire.NewReader(text)
	read(r)
	return r.End()
}

func marshal(fields func(*wire.Writer)) ([]byte, error) {
	w := wire.NewWriter(nil)
	object(w, fields)
	return w.Bytes()
}

func object(w *wire.Writer, fields func(*wire.Writer)) {
	w.Open('{')
	fields(w)
	w.Close('}')
}

// show is a value for people: its name and its JSON, in which secrets are masked already.
func show(name string, fields func(*wire.Writer)) string {
	text, err := marshal(fields)
	if err != nil {
		return name + "{!" + err.Error() + "}"
	}
	return name + string(text)
}

func keep(extra *map[string]json.RawMessage, key string, r *wire.Reader) {
	if *extra == nil {
		*extra = map[string]json.RawMessage{}
	}
	(*extra)[strings.Clone(key)] = r.Raw()
}

func readEnum[T ~string](r *wire.Reader) T { return T(r.String()) }

func readModel[T any, P model[T]](r *wire.Reader) T {
	var value T
	P(&value).read(r)
	return value
}

func readOptional[T any](r *wire.Reader, item func(*wire.Reader) T) *T {
	if r.Null() {
		return nil
	}
	value := item(r)
	return &value
}

func readNullable[T any](r *wire.Reader, item func(*wire.Reader) T) Nullable[T] {
	return Nullable[T]{value: readOptional(r, item), set: true}
}

func readList[T any](r *wire.Reader, item func(*wire.Reader) T) []T {
	if !r.Array() {
		return nil
	}
	list := []T{}
	for r.More() {
		list = append(list, item(r))
	}
	return list
}

// pageItems is for how many items room is made in advance.
const pageItems = 100

// readModels is readList without copying each model twice.
func readModels[T any, P model[T]](r *wire.Reader) []T {
	if !r.Array() {
		return nil
	}
	list := []T{}
	for before := r.Rest(); r.More(); {
		var zero T
		list = append(list, zero)
		P(&list[len(list)-1]).read(r)
		if len(list) == 1 {
			// Items of a page are of one size, more or less.
			list = slices.Grow(list, min(r.Rest()/max(before-r.Rest(), 1), pageItems))
		}
	}
	return list
}

func readMap[T any](r *wire.Reader, item func(*wire.Reader) T) map[string]T {
	if !r.Object() {
		return nil
	}
	m := map[string]T{}
	for key, ok := r.Key(); ok; key, ok = r.Key() {
		m[strings.Clone(key)] = item(r)
	}
	return m
}

func writeEnum[T ~string](w *wire.Writer, value T) { w.String(string(value)) }

func writeModel[T any, P model[T]](w *wire.Writer, value T) { object(w, P(&value).fields) }

func writeAny(w *wire.Writer, value any) { w.Any(value) }

func writeList[T any](w *wire.Writer, list []T, item func(*wire.Writer, T)) {
	w.Open('[')
	for _, value := range list {
		w.Item()
		item(w, value)
	}
	w.Close(']')
}

func writeMap[T any](w *wire.Writer, m map[string]T, item func(*wire.Writer, T)) {
	w.Open('{')
	for _, key := range wire.Sorted(m) {
		w.Key(key)
		item(w, m[key])
	}
	w.Close('}')
}

func writeNullable[T any](w *wire.Writer, value Nullable[T], item func(*wire.Writer, T)) {
	if value, ok := value.Get(); ok {
		item(w, value)
	} else {
		w.Null()
	}
}
