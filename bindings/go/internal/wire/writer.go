package wire

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"
)

// stamp is how the wire spells a timestamp: RFC 3339, UTC, milliseconds.
const stamp = "2006-01-02T15:04:05.000Z07:00"

// Writer builds one JSON value. Like a Reader it keeps its first error.
type Writer struct {
	buf []byte
	err error
	key string
}

// NotTextError is a text that is not UTF-8. JSON has no such text; with U+FFFD in its place it would be
// another one: another id, another secret.
type NotTextError struct {
	// Field is the name of the field that holds it.
	Field string
}

// Error names the field and not the text, which may be a secret.
func (e *NotTextError) Error() string { return e.Field + ": is not UTF-8, so it is no text" }

// NewWriter builds on buf, which may be nil.
func NewWriter(buf []byte) *Writer { return &Writer{buf: buf} }

// Bytes is what was written, or the first error.
func (w *Writer) Bytes() ([]byte, error) { return w.buf, w.err }

// Reset empties the writer for another value.
func (w *Writer) Reset() { w.buf, w.err, w.key = w.buf[:0], nil, "" }

// Open begins an object or a list with its bracket.
func (w *Writer) Open(bracket byte) { w.buf = append(w.buf, bracket) }

// Close ends an object or a list with its bracket.
func (w *Writer) Close(bracket byte) { w.buf = append(w.buf, bracket) }

// Key begins a field of an object.
func (w *Writer) Key(key string) {
	w.Item()
	w.key = key
	w.String(key)
	w.buf = append(w.buf, ':')
}

// Item begins an item of a list.
func (w *Writer) Item() {
	if n := len(w.buf); n > 0 && w.buf[n-1] != '{' && w.buf[n-1] != '[' {
		w.buf = append(w.buf, ',')
	}
}

// Null writes null.
func (w *Writer) Null() { w.buf = append(w.buf, "null"...) }

// Bool writes true or false.
func (w *Writer) Bool(b bool) { w.buf = strconv.AppendBool(w.buf, b) }

// Int writes a whole number.
func (w *Writer) Int(n int) { w.buf = strconv.AppendInt(w.buf, int64(n), 10) }

// Float writes a number; NaN and the infinities have no JSON.
func (w *Writer) Float(f float64) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		w.fail(fmt.Errorf("agentidp: %v has no JSON", f))
		return
	}
	w.Any(f)
}

// Time writes a timestamp in UTC: with milliseconds, and with more digits where it has them.
func (w *Writer) Time(t time.Time) {
	layout := stamp
	if t.Nanosecond()%int(time.Millisecond) != 0 {
		layout = time.RFC3339Nano
	}
	w.buf = append(w.buf, '"')
	w.buf = t.UTC().AppendFormat(w.buf, layout)
	w.buf = append(w.buf, '"')
}

// String writes text.
func (w *Writer) String(s string) {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			w.escaped(s)
			return
		}
	}
	w.buf = append(w.buf, '"')
	w.buf = append(w.buf, s...)
	w.buf = append(w.buf, '"')
}

func (w *Writer) escaped(s string) {
	if !utf8.ValidString(s) {
		w.fail(&NotTextError{Field: w.key})
		return
	}
	const hex = "0123456789abcdef"
	w.buf = append(w.buf, '"')
	for _, c := range s {
		switch {
		case c == '"' || c == '\\':
			w.buf = append(w.buf, '\\', byte(c))
		case c < ' ':
			w.buf = append(w.buf, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			w.buf = utf8.AppendRune(w.buf, c)
		}
	}
	w.buf = append(w.buf, '"')
}

// Any writes what encoding/json makes of a value.
func (w *Writer) Any(value any) {
	text, err := json.Marshal(value)
	if err != nil {
		w.fail(err)
		return
	}
	w.buf = append(w.buf, text...)
}

// Raw writes JSON text as it is.
func (w *Writer) Raw(raw json.RawMessage) {
	if !json.Valid(raw) {
		w.fail(fmt.Errorf("agentidp: a raw value is not JSON"))
		return
	}
	w.buf = append(w.buf, raw...)
}

// Fields writes free fields in the order of their names.
func (w *Writer) Fields(fields map[string]json.RawMessage) {
	if len(fields) == 0 {
		return
	}
	for _, key := range Sorted(fields) {
		w.Key(key)
		w.Raw(fields[key])
	}
}

// Sorted is a map's keys in order.
func Sorted[T any](m map[string]T) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

func (w *Writer) fail(err error) {
	if w.err == nil {
		w.err = err
	}
}
