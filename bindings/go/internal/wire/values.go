package wire

import "encoding/json"

// Values whose shape nobody knows: read into Go's own types, kept as text, or passed over.

// Any reads any value, as encoding/json does.
func (r *Reader) Any() any {
	r.space()
	if r.err != nil || r.at >= len(r.data) {
		r.fail("expected a value")
		return nil
	}
	switch r.data[r.at] {
	case '{':
		values := map[string]any{}
		r.Object()
		for key, ok := r.Key(); ok; key, ok = r.Key() {
			key = r.keep([]byte(key))
			values[key] = r.Any()
		}
		return values
	case '[':
		values := []any{}
		r.Array()
		for r.More() {
			values = append(values, r.Any())
		}
		return values
	case '"':
		return r.String()
	case 't', 'f':
		return r.Bool()
	case 'n':
		if !r.Null() {
			r.fail("expected null")
		}
		return nil
	default:
		return r.Float()
	}
}

// Raw reads any value and gives a copy of its text.
func (r *Reader) Raw() json.RawMessage {
	r.space()
	start := r.at
	r.Skip()
	if r.err != nil {
		return nil
	}
	raw := append(json.RawMessage(nil), r.data[start:r.at]...)
	if !json.Valid(raw) {
		r.fail("malformed value")
		return nil
	}
	return raw
}

// Skip passes over any value.
func (r *Reader) Skip() {
	r.space()
	if r.err != nil || r.at >= len(r.data) {
		r.fail("expected a value")
		return
	}
	switch r.data[r.at] {
	case '{':
		r.Object()
		for _, ok := r.Key(); ok; _, ok = r.Key() {
			r.Skip()
		}
	case '[':
		r.Array()
		for r.More() {
			r.Skip()
		}
	case '"':
		start := r.at
		if raw, plain := r.text(); !plain {
			_ = r.unescape(start, raw)
		}
	case 't', 'f':
		r.Bool()
	case 'n':
		if !r.Null() {
			r.fail("expected null")
		}
	default:
		if r.number() == "" {
			r.fail("expected a value")
		}
	}
}
