// Package wire reads and writes the JSON of the generated models in one pass, without reflection.
//
// It owns the syntax and nothing else: which fields there are is generated. A reader keeps its
// first error and then answers zero values, so that generated code needs no checks of its own.
package wire

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"
	"unsafe"
)

const (
	// depthMax is how deep objects and lists may nest.
	depthMax = 512
	// arenaBytes is how much text shares one allocation at most.
	arenaBytes = 1 << 10
)

// Reader reads one JSON value.
type Reader struct {
	data  []byte
	at    int
	depth int
	// more is true when a value of the innermost object or list has been read, so that a comma or
	// the end must follow.
	more bool
	err  error
	// arena is where the next short string is copied to.
	arena []byte
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

// Rest is how many bytes are still to be read.
func (r *Reader) Rest() int { return len(r.data) - r.at }

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

// Key goes to the next field of the object and reads its name; false at the object's end. The name
// is a part of the reader's data: who keeps it clones it.
func (r *Reader) Key() (string, bool) {
	if !r.next('}') {
		return "", false
	}
	if r.space(); r.at >= len(r.data) || r.data[r.at] != '"' {
		r.fail("expected a field's name")
		return "", false
	}
	start := r.at
	raw, plain := r.text()
	key := view(raw)
	if !plain {
		key = r.unescape(start, raw)
	}
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
	raw, plain := r.text()
	t, err := time.Parse(time.RFC3339Nano, view(raw))
	if err != nil || !plain {
		r.fail("expected an RFC 3339 timestamp")
	}
	return t.UTC()
}

// String reads text.
func (r *Reader) String() string {
	if r.Null() {
		return ""
	}
	start := r.at
	raw, plain := r.text()
	if plain {
		return r.keep(raw)
	}
	return r.unescape(start, raw)
}

// text reads text and gives what stands between the quotes; plain when that is the text itself.
func (r *Reader) text() (raw []byte, plain bool) {
	if !r.take('"') {
		r.fail("expected text")
		return nil, true
	}
	start, plain := r.at, true
	for ; r.at < len(r.data); r.at++ {
		switch c := r.data[r.at]; {
		case c == '"':
			raw = r.data[start:r.at]
			r.at++
			return raw, plain
		case c == '\\':
			plain = false
			r.at++
		case c < ' ':
			r.fail("control character in text")
			return nil, true
		case c >= utf8.RuneSelf:
			plain = false
		}
	}
	r.fail("text without an end")
	return nil, true
}

// unescape is the text between quotes that has escapes or is not ASCII; it began at start.
func (r *Reader) unescape(start int, raw []byte) string {
	if utf8.Valid(raw) && bytes.IndexByte(raw, '\\') < 0 {
		return r.keep(raw)
	}
	var text string
	if err := json.Unmarshal(bytes.TrimSpace(r.data[start:r.at]), &text); err != nil {
		r.fail("malformed text")
	}
	return text
}

// keep is a string of its own with these bytes. Short ones of one value share an allocation, so one
// that lives on keeps at most arenaBytes alive, never the whole answer.
func (r *Reader) keep(raw []byte) string {
	if len(raw) == 0 {
		return ""
	}
	if len(raw) > arenaBytes/4 {
		return string(raw)
	}
	if len(raw) > cap(r.arena)-len(r.arena) {
		// What is still to come cannot need more than its own length.
		r.arena = make([]byte, 0, min(arenaBytes, len(raw)+len(r.data)-r.at))
	}
	begin := len(r.arena)
	r.arena = append(r.arena, raw...)
	return view(r.arena[begin:])
}

// view is the bytes as a string, without a copy: they must not change while it is used.
func view(raw []byte) string { return unsafe.String(unsafe.SliceData(raw), len(raw)) }

// number is the text of the number that stands here; empty when none does.
func (r *Reader) number() string {
	r.space()
	start := r.at
	for r.at < len(r.data) && isNumeric(r.data[r.at]) {
		r.at++
	}
	if text := r.data[start:r.at]; isNumber(text) {
		return view(text)
	}
	return ""
}

func isNumeric(c byte) bool {
	return isDigit(c) || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E'
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// isNumber is JSON's grammar; strconv takes more than that: 01, +1, 1.
func isNumber(text []byte) bool {
	text = bytes.TrimPrefix(text, []byte("-"))
	rest := digits(text)
	if len(rest) == len(text) || (text[0] == '0' && len(text)-len(rest) > 1) {
		return false
	}
	if len(rest) > 0 && rest[0] == '.' {
		fraction := rest[1:]
		if rest = digits(fraction); len(rest) == len(fraction) {
			return false
		}
	}
	if len(rest) > 0 && (rest[0] == 'e' || rest[0] == 'E') {
		exponent := rest[1:]
		if len(exponent) > 0 && (exponent[0] == '+' || exponent[0] == '-') {
			exponent = exponent[1:]
		}
		if rest = digits(exponent); len(rest) == len(exponent) {
			return false
		}
	}
	return len(rest) == 0
}

// digits is what follows the digits.
func digits(text []byte) []byte {
	for len(text) > 0 && isDigit(text[0]) {
		text = text[1:]
	}
	return text
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
