package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"

	agentidp "github.com/sentryagent/idp-sdk-go"
)

// secretive is a value with secrets: only its wire form has them.
type secretive interface{ WireJSON() ([]byte, error) }

var (
	// received are the last values with secrets, by their type.
	received  sync.Map
	lastError atomic.Pointer[error]
)

// remembered is a method's value for the judge, with its secrets, and kept for show.
func remembered(value any) any {
	hidden, ok := value.(secretive)
	if !ok {
		return value
	}
	received.Store(fmt.Sprintf("%T", value), value)
	text, err := hidden.WireJSON()
	if err != nil {
		return err.Error()
	}
	return json.RawMessage(text)
}

// show is every way in which Go shows what holds or held a secret.
func (s *session) show(r request) []string {
	s.mu.Lock()
	client, config := s.clients[r.Client], s.configs[r.Client]
	things := []any{client, config, &config}
	for _, verifier := range s.verifiers {
		things = append(things, verifier)
	}
	s.mu.Unlock()
	if client != nil {
		things = append(things, client.TokenManager(), *client, client.Agents, client.ExplainConfiguration())
	}
	things = append(things, agentidp.TokenVerifierConfig{Client: client, Proxy: config.Proxy}, r.Args.options())
	received.Range(func(_, value any) bool {
		things = append(things, value)
		return true
	})
	if last := lastError.Load(); last != nil {
		things = append(things, *last)
		for below := errors.Unwrap(*last); below != nil; below = errors.Unwrap(below) {
			things = append(things, below)
		}
	}
	shown := []string{}
	for _, thing := range things {
		shown = append(shown, printed(thing)...)
		shown = append(shown, logged(thing), panicked(thing))
		if text, err := json.Marshal(thing); err == nil {
			shown = append(shown, string(text))
		}
	}
	return append(shown, string(debug.Stack()))
}

func printed(thing any) []string {
	var shown []string
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		shown = append(shown, fmt.Sprintf(verb, thing))
	}
	return append(shown, fmt.Sprint([]any{thing}), fmt.Sprintf("%+v", struct{ Thing any }{thing}))
}

// logged is what slog makes of it, as text and as JSON, alone and inside of something.
func logged(thing any) string {
	var out strings.Builder
	for _, handler := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(handler).Info("thing", "thing", thing, "list", []any{thing}, slog.Group("group", "thing", thing))
	}
	return out.String()
}

// panicked is the text and the stack of a panic with it.
func panicked(thing any) (shown string) {
	defer func() {
		shown = fmt.Sprintf("panic: %v\n%s", recover(), debug.Stack())
	}()
	panic(thing)
}
