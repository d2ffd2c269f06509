package main

import (
	"context"
	"log/slog"
	"strings"
	"sync"

	agentidp "github.com/sentryagent/idp-sdk-go"
)

// recordsMax is how many log records are kept; the oldest go first.
const recordsMax = 10_000

// recorder is the host's logger: it wants everything and keeps it.
type recorder struct {
	mu      sync.Mutex
	records []record
	next    int
}

// record is a log record as the judge reads it.
type record struct {
	Level   string         `json:"level"`
	Message string         `json:"message"`
	Fields  map[string]any `json:"fields"`
}

func (*recorder) Enabled(context.Context, slog.Level) bool { return true }

func (h *recorder) Handle(_ context.Context, r slog.Record) error {
	kept := record{Level: strings.ToLower(r.Level.String()), Message: r.Message, Fields: map[string]any{}}
	if r.Level == agentidp.LevelTrace {
		kept.Level = "trace"
	}
	r.Attrs(func(a slog.Attr) bool {
		kept.Fields[a.Key] = a.Value.Resolve().Any()
		return true
	})
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.records) < recordsMax {
		h.records = append(h.records, kept)
	} else {
		h.records[h.next%recordsMax] = kept
	}
	h.next++
	return nil
}

func (h *recorder) WithAttrs([]slog.Attr) slog.Handler { return h }

func (h *recorder) WithGroup(string) slog.Handler { return h }

// since is everything that was kept, in order.
func (h *recorder) since() []record {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.records) < recordsMax {
		return append([]record{}, h.records...)
	}
	oldest := h.next % recordsMax
	return append(append([]record{}, h.records[oldest:]...), h.records[:oldest]...)
}
