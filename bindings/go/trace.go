package agentidp

import (
	"context"
	"strings"
)

type traceparentKey struct{}

// WithTraceparent gives every call with this context that traceparent header (W3C Trace Context), in
// place of what the client's hook says.
func WithTraceparent(ctx context.Context, traceparent string) context.Context {
	return context.WithValue(ctx, traceparentKey{}, traceparent)
}

// traceparent is the header of a call; empty for none. One that is malformed is left out: a tracer's
// fault must not fail the call.
func (h *handle) traceparentOf(ctx context.Context) string {
	value, _ := ctx.Value(traceparentKey{}).(string)
	if value == "" && h.traceparent != nil {
		value = h.traceparent(ctx)
	}
	if !isTraceparent(value) {
		return ""
	}
	return value
}

// isTraceparent checks version-traceid-parentid-flags; later versions may go on behind that.
func isTraceparent(value string) bool {
	parts := strings.SplitN(value, "-", 5)
	if len(parts) < 4 {
		return false
	}
	for i, length := range []int{2, 32, 16, 2} {
		if len(parts[i]) != length || strings.Trim(parts[i], "0123456789abcdef") != "" {
			return false
		}
	}
	return parts[0] != "ff" && (len(parts) == 4 || parts[0] != "00") &&
		strings.IndexFunc(value, func(c rune) bool { return c <= ' ' || c > '~' }) < 0
}
