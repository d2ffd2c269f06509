// Package wire reads and writes the JSON of the generated models in one pass, without reflection.
//
// It owns the syntax and nothing else: which fields there are is generated. A reader keeps its
// first error and then answers zero values, so that generated code needs no checks of its own.
package wire

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// depthMax is how deep objects and lists may nest.
const depthMax = 512

// Reader reads one JSON value.
type Reader struct {
	data  []byte
	at    int
	depth int
	// more is true when a value of the innermost object or list has been read, so that a comma or
	// the end must follow.
	more bool
	err  error
}

// NewReader reads data, which must not change meanwhile.
func NewReader(data []byte) *Reader { return &Reader{data: data} }

// End is the first error; text behind the value is one.
func (r *Reader) End() error {
	r.space()
	if r.err == nil && r.at != len(r.data) {
		r.fail("text behind the value")
	}
	return r.err
}

// Err is the first error so far.
func (r *Reader) Err() error { return r.err }

// Object enters an object. Read it with Key until that says no.
func (r *Reader) Object() bool { return r.enter('{') }

// Array enters a list. Read it with More until that says no.
func (r *Reader) Array() bool { return r.enter('[') }

func (r *Reader) enter(open byte) bool {
	if r.Null() {
		return false
	}
	if !r.take(open) {
		r.fail("expected " + string(open))
		return false
	}
	if r.depth++; r.depth > depthMax {
		r.fail("nested too deeply")
		return false
	}
	r.more = false
	return true
}

// Key goes to the next field of the object and reads its name; false at the object's end.
func (r *Reader) Key() (string, bool) {
	if !r.next('}') {
		return "", false
	}
	if r.space(); r.at >= len(r.data) || r.data[r.at] != '"' {
		r.fail("expected a field's name")
		return "", false
	}
	key := r.String()
	if !r.take(':') {
		r.fail("expected :")
		return "", false
	}
	return key, true
}

// More goes to the next item of the list; false at the list's end.
func (r *Reader) More() bool { return r.next(']') }

func (r *Reader) next(closing byte) bool {
	if r.err != nil {
		return false
	}
	if r.take(closing) {
		r.depth--
		r.more = true
		return false
	}
	if r.more && !r.take(',') {
		r.fail("expected , or " + string(closing))
		return false
	}
	r.more = true
	return true
}

// Null reads null if it is there.
func (r *Reader) Null() bool { return r.word("null") }

// Bool reads true or false.
func (r *Reader) Bool() bool {
	switch {
	case r.word("true"):
		return true
	case r.word("false"), r.Null():
	default:
		r.fail("expected true or false")
	}
	return false
}

// Int reads a whole number of 64 bits.
func (r *Reader) Int() int {
	if r.Null() {
		return 0
	}
	n, err := strconv.ParseInt(r.number(), 10, 64)
	if err != nil {
		r.fail("expected a whole number of 64 bits")
	}
	return int(n)
}

// Float reads a number.
func (r *Reader) Float() float64 {
	if r.Null() {
		return 0
	}
	f, err := strconv.ParseFloat(r.number(), 64)
	if err != nil {
		r.fail("expected a number")
	}
	return f
}

// Time reads an RFC 3339 timestamp, as UTC.
func (r *Reader) Time() time.Time {
	if r.Null() {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339Nano, r.String())
	if err != nil {
		r.fail("expected an RFC 3339 timestamp")
	}
	return t.UTC()
}

// String reads text.
func (r *Reader) String() string {
	if r.Null() {
		return ""
	}
	if !r.take('"') {
		r.fail("expected text")
		return ""
	}
	start, plain := r.at, true
	for ; r.at < len(r.data); r.at++ {
		switch c := r.data[r.at]; {
		case c == '"':
			raw := r.data[start:r.at]
			r.at++
			if plain {
				return string(raw)
			}
			return r.unescape(r.data[start-1 : r.at])
		case c == '\\':
			plain = false
			r.at++
		case c < ' ':
			r.fail("control character in text")
			return ""
		case c >= utf8.RuneSelf:
			plain = false
		}
	}
	r.fail("text without an end")
	return ""
}

// unescape reads quoted text that has escapes or is not ASCII.
func (r *Reader) unescape(quoted []byte) string {
	inner := quoted[1 : len(quoted)-1]
	if utf8.Valid(inner) && !strings.ContainsRune(string(inner), '\\') {
		return string(inner)
	}
	var text string
	if err := json.Unmarshal(quoted, &text); err != nil {
		r.fail("malformed text")
	}
	return text
}

// Any reads any value, as encoding/json does.
func (r *Reader) Any() any {
	raw := r.Raw()
	if r.err != nil {
		return nil
	}
	var value any
	if err := json.Unmarshal(raw, &value); err != nil {
		r.fail("malformed value")
	}
	return value
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
		_ = r.String()
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

// number is the text of the number that stands here; empty when none does.
func (r *Reader) number() string {
	r.space()
	start := r.at
	for r.at < len(r.data) && strings.IndexByte("+-.0123456789eE", r.data[r.at]) >= 0 {
		r.at++
	}
	text := r.data[start:r.at]
	// strconv takes more than JSON does: 01, +1, 1.
	if !json.Valid(text) {
		return ""
	}
	return string(text)
}

func (r *Reader) word(word string) bool {
	r.space()
	if r.err != nil || len(r.data)-r.at < len(word) || string(r.data[r.at:r.at+len(word)]) != word {
		return false
	}
	r.at += len(word)
	return true
}

func (r *Reader) take(c byte) bool {
	r.space()
	if r.err != nil || r.at >= len(r.data) || r.data[r.at] != c {
		return false
	}
	r.at++
	return true
}

func (r *Reader) space() {
	for r.at < len(r.data) {
		switch r.data[r.at] {
		case ' ', '\t', '\n', '\r':
			r.at++
		default:
			return
		}
	}
}

func (r *Reader) fail(what string) {
	if r.err == nil {
		r.err = fmt.Errorf("agentidp: %s at byte %d of the JSON text", what, r.at)
	}
}
