package wire

import (
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"
)

// build writes any value with the writer's own steps.
func build(w *Writer, value any) {
	switch v := value.(type) {
	case map[string]any:
		w.Open('{')
		for _, key := range Sorted(v) {
			w.Key(key)
			build(w, v[key])
		}
		w.Close('}')
	case []any:
		w.Open('[')
		for _, item := range v {
			w.Item()
			build(w, item)
		}
		w.Close(']')
	case string:
		w.String(v)
	case bool:
		w.Bool(v)
	case float64:
		w.Float(v)
	default:
		w.Null()
	}
}

// FuzzReader holds the reader and the writer against encoding/json: the same texts are refused, the
// same values come out, and what is written reads back.
func FuzzReader(f *testing.F) {
	for _, text := range []string{
		`{"a":[1,-2.5e3,true,false,null,"x\n\u00e9\ud83d\ude00é"],"b":{}}`, ` [ ] `, `""`, `"\ud800"`, "\"\xff\"",
		`[1,]`, `[,1]`, `{"a":1,}`, `{"a"}`, `{a:1}`, `{"a" 1}`, `01`, `+1`, `1.`, `.5`, `-`, `1e`, `nul`, `tru`, `"`, `"\`, `"\x"`,
		"\"\x01\"", `[1 2]`, `{} {}`, `{null:1}`, `[[[[`, `{"a":}`, ``, `{"a":1,"a":2}`, `[null,null]`,
		strings.Repeat("[", 600) + strings.Repeat("]", 600),
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		r := NewReader(text)
		have := r.Any()
		err := r.End()
		skipped := NewReader(text)
		skipped.Skip()
		var want any
		wrong := json.Unmarshal(text, &want)
		if strings.Count(string(text), "[")+strings.Count(string(text), "{") > depthMax {
			return
		}
		if (err == nil) != (wrong == nil) {
			t.Fatalf("%q: we say %v, encoding/json says %v", text, err, wrong)
		}
		if err != nil {
			return
		}
		if skipped.End() != nil {
			t.Fatalf("%q cannot be skipped: %v", text, skipped.End())
		}
		if !reflect.DeepEqual(have, want) {
			t.Fatalf("%q is %#v, not %#v", text, have, want)
		}
		w := NewWriter(nil)
		build(w, have)
		written, err := w.Bytes()
		var back any
		if err != nil || json.Unmarshal(written, &back) != nil || !reflect.DeepEqual(back, want) {
			t.Fatalf("%q was written as %q: %v", text, written, err)
		}
	})
}

func TestDepthIsLimited(t *testing.T) {
	r := NewReader([]byte(strings.Repeat("[", depthMax+1) + strings.Repeat("]", depthMax+1)))
	r.Skip()
	if err := r.End(); err == nil || !strings.Contains(err.Error(), "nested too deeply") {
		t.Error(err)
	}
}

func TestTimesAreUTCWithMilliseconds(t *testing.T) {
	for text, want := range map[string]string{
		`"2026-03-28T09:00:00Z"`:           `"2026-03-28T09:00:00.000Z"`,
		`"2026-03-28T09:00:00.120Z"`:       `"2026-03-28T09:00:00.120Z"`,
		`"2026-03-28T11:00:00.5+02:00"`:    `"2026-03-28T09:00:00.500Z"`,
		`"2026-03-28T09:00:00.123456789Z"`: `"2026-03-28T09:00:00.123456789Z"`,
	} {
		r := NewReader([]byte(text))
		w := NewWriter(nil)
		w.Time(r.Time())
		if have, _ := w.Bytes(); r.End() != nil || string(have) != want {
			t.Errorf("%s: %s, %v", text, have, r.End())
		}
	}
	r := NewReader([]byte(`"yesterday"`))
	if r.Time(); r.End() == nil {
		t.Error("yesterday is no timestamp")
	}
}

func TestNullIsNoValue(t *testing.T) {
	r := NewReader([]byte(`[null,null,null,null,null,null,null]`))
	r.Array()
	r.More()
	if r.String() != "" || !r.More() || r.Int() != 0 || !r.More() || r.Float() != 0 || !r.More() || r.Bool() ||
		!r.More() || r.Time() != (time.Time{}) || !r.More() || r.Any() != nil || !r.More() || r.Object() || r.More() {
		t.Error("null is not the zero value")
	}
	if err := r.End(); err != nil {
		t.Error(err)
	}
}

func TestTheWrongTypeIsAnError(t *testing.T) {
	for name, read := range map[string]func(*Reader){
		"text":    func(r *Reader) { _ = r.String() },
		"whole":   func(r *Reader) { r.Int() },
		"number":  func(r *Reader) { r.Float() },
		"boolean": func(r *Reader) { r.Bool() },
		"list":    func(r *Reader) { r.Array() },
		"object":  func(r *Reader) { r.Object() },
	} {
		for _, text := range []string{`{"a":1}`, `[1]`, `"x"`, `true`, `1.5`, `9223372036854775808`, `!`} {
			r := NewReader([]byte(text))
			read(r)
			fits := map[string]string{"text": `"x"`, "number": `1.5 9223372036854775808`, "boolean": `true`, "list": `[1]`, "object": `{"a":1}`}[name]
			if (r.Err() == nil) != strings.Contains(fits, text) {
				t.Errorf("%s from %s: %v", name, text, r.Err())
			}
		}
	}
}

func TestWhatHasNoJSONIsAnError(t *testing.T) {
	for _, write := range []func(*Writer){
		func(w *Writer) { w.Float(math.NaN()) },
		func(w *Writer) { w.Any(func() {}) },
		func(w *Writer) { w.Raw(json.RawMessage("{")) },
		func(w *Writer) { w.Fields(map[string]json.RawMessage{"a": nil}) },
	} {
		w := NewWriter(nil)
		write(w)
		if _, err := w.Bytes(); err == nil {
			t.Error("no error")
		}
	}
	w := NewWriter(nil)
	w.Float(math.Inf(1))
	w.Reset()
	w.Fields(map[string]json.RawMessage{"b": json.RawMessage("1"), "a": json.RawMessage("[]")})
	if text, err := w.Bytes(); err != nil || string(text) != `"a":[],"b":1` {
		t.Errorf("%s %v", text, err)
	}
}
