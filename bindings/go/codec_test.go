package agentidp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/sentryagent/idp-sdk-go/internal/wire"
)

type color string

// inner and everything are written as the generator writes them; together they have every kind of
// field that the contract's vocabulary knows.
type inner struct {
	Secret string
	Extra  map[string]json.RawMessage
}

func (m *inner) read(r *wire.Reader) {
	if !r.Object() {
		return
	}
	for key, ok := r.Key(); ok; key, ok = r.Key() {
		switch key {
		case "secret":
			m.Secret = r.String()
		default:
			keep(&m.Extra, key, r)
		}
	}
}

func (m *inner) fields(w *wire.Writer) {
	if m.Secret != "" {
		w.Key("secret")
		w.String(m.Secret)
	}
	w.Fields(m.Extra)
}

func (m inner) masked() inner {
	m.Secret = masked[string](m.Secret)
	m.Extra = maskedExtra(m.Extra)
	return m
}

type everything struct {
	Color    color
	One      inner
	Maybe    *inner
	Many     []inner
	Named    map[string]inner
	Colors   map[string]color
	Palette  []color
	Anything any
	List     []any
	Expires  Nullable[time.Time]
	Nested   [][]string
}

func (m *everything) read(r *wire.Reader) {
	if !r.Object() {
		return
	}
	for key, ok := r.Key(); ok; key, ok = r.Key() {
		switch key {
		case "color":
			m.Color = readEnum[color](r)
		case "one":
			m.One = readModel[inner](r)
		case "maybe":
			m.Maybe = readOptional(r, readModel[inner])
		case "many":
			m.Many = readModels[inner](r)
		case "named":
			m.Named = readMap(r, readModel[inner])
		case "colors":
			m.Colors = readMap(r, readEnum[color])
		case "palette":
			m.Palette = readList(r, readEnum[color])
		case "anything":
			m.Anything = r.Any()
		case "list":
			m.List = readList(r, (*wire.Reader).Any)
		case "expires":
			m.Expires = readNullable(r, (*wire.Reader).Time)
		case "nested":
			m.Nested = readList(r, func(r *wire.Reader) []string { return readList(r, (*wire.Reader).String) })
		default:
			r.Skip()
		}
	}
}

func (m *everything) fields(w *wire.Writer) {
	w.Key("color")
	w.String(string(m.Color))
	w.Key("one")
	object(w, m.One.fields)
	if m.Maybe != nil {
		w.Key("maybe")
		object(w, m.Maybe.fields)
	}
	w.Key("many")
	writeList(w, m.Many, writeModel[inner])
	w.Key("named")
	writeMap(w, m.Named, writeModel[inner])
	w.Key("colors")
	writeMap(w, m.Colors, writeEnum[color])
	w.Key("palette")
	writeList(w, m.Palette, writeEnum[color])
	w.Key("anything")
	w.Any(m.Anything)
	w.Key("list")
	writeList(w, m.List, writeAny)
	if m.Expires.IsSet() {
		w.Key("expires")
		writeNullable(w, m.Expires, (*wire.Writer).Time)
	}
	w.Key("nested")
	writeList(w, m.Nested, func(w *wire.Writer, v []string) { writeList(w, v, (*wire.Writer).String) })
}

const everythingJSON = `{"color":"mauve","one":{"secret":"s1","more":1},"maybe":{"secret":"s2"},"many":[{"secret":"s3"},{}],` +
	`"named":{"a":{"secret":"s4"}},"colors":{"sky":"blue"},"palette":["red"],"anything":{"x":[1,null]},"list":[1,"a"],` +
	`"expires":"2026-03-28T09:00:00.000Z","nested":[["a"],[]]}`

func TestEveryKindOfFieldGoesRound(t *testing.T) {
	var value everything
	if err := unmarshal([]byte(everythingJSON), value.read); err != nil {
		t.Fatal(err)
	}
	text, err := marshal(value.fields)
	if err != nil || string(text) != everythingJSON {
		t.Errorf("%v\nhave %s\nwant %s", err, text, everythingJSON)
	}
	var again everything
	if err := unmarshal(text, again.read); err != nil || !reflect.DeepEqual(value, again) {
		t.Errorf("%v: equal JSON, other value", err)
	}
}

func TestMissingListsAreEmptyAndNullIsNotAbsent(t *testing.T) {
	var value everything
	if err := unmarshal([]byte(`{"many":null,"expires":null,"maybe":null,"unknown":{"a":[]}}`), value.read); err != nil {
		t.Fatal(err)
	}
	if _, ok := value.Expires.Get(); ok || !value.Expires.IsSet() || value.Maybe != nil {
		t.Errorf("%+v", value)
	}
	text, _ := marshal(value.fields)
	want := `{"color":"","one":{},"many":[],"named":{},"colors":{},"palette":[],"anything":null,"list":[],"expires":null,"nested":[]}`
	if string(text) != want {
		t.Errorf("have %s\nwant %s", text, want)
	}
}

func TestSecretsAreMaskedWhereverTheyAre(t *testing.T) {
	secret := inner{Secret: "hunter2", Extra: map[string]json.RawMessage{"later": json.RawMessage(`"hunter2"`)}}
	hidden := []inner{
		secret.masked(),
		*maskedPointer(&secret, inner.masked),
		maskedList([]inner{secret}, inner.masked)[0],
		maskedMap(map[string]inner{"a": secret}, inner.masked)["a"],
		orZero(maskedNullable(Value(secret), inner.masked).value),
	}
	for i, value := range hidden {
		if text := show("inner", value.fields); text != `inner{"secret":"***","later":"***"}` {
			t.Errorf("%d: %s", i, text)
		}
	}
	if secret.Secret != "hunter2" || string(secret.Extra["later"]) != `"hunter2"` {
		t.Error("masking changed the value itself")
	}
	if maskedPointer(nil, inner.masked) != nil || masked("") != "" {
		t.Error("nothing became something")
	}
}

func TestNoVerbShowsASecret(t *testing.T) {
	token := TokenResponse{AccessToken: "hunter2", TokenType: "Bearer", IDToken: "hunter2"}
	config := AgentIdPClientConfig{ClientSecret: "hunter2", BaseURL: "https://idp", Headers: map[string]string{"X-Key": "hunter2"}}
	request := IssueTokenRequest{ClientSecret: "hunter2"}
	var log strings.Builder
	logger := slog.New(slog.NewTextHandler(&log, nil))
	for _, value := range []any{token, &token, config, &config, request, &request, []TokenResponse{token}, map[string]TokenResponse{"a": token}, struct{ T TokenResponse }{token}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			if text := fmt.Sprintf(verb, value); strings.Contains(text, "hunter2") || strings.Contains(text, "68756e74657232") {
				t.Errorf("%s of %T: %s", verb, value, text)
			}
		}
		logger.Info("value", "value", value)
	}
	if strings.Contains(log.String(), "hunter2") {
		t.Error(log.String())
	}
	text, err := token.WireJSON()
	if err != nil || !strings.Contains(string(text), `"access_token":"hunter2"`) {
		t.Errorf("the wire form has the secret: %s %v", text, err)
	}
	var back TokenResponse
	if json.Unmarshal(text, &back) != nil || !reflect.DeepEqual(back, token) {
		t.Errorf("the wire form does not go round: %#v", back.AccessToken)
	}
}

func TestPagesEnd(t *testing.T) {
	for _, c := range []struct {
		page, limit, total, items int
		more                      bool
	}{{1, 20, 41, 20, true}, {2, 20, 41, 20, true}, {3, 20, 41, 1, false}, {1, 20, 20, 20, false}, {1, 20, 0, 0, false}, {1, 0, 5, 5, true}, {1, 0, 5, 0, false}} {
		for _, first := range []bool{true, false} {
			next := c.page
			more, err := nextPage(&next, first, c.page, c.limit, c.total, c.items)
			if err != nil || more != c.more || (more && next != c.page+1) {
				t.Errorf("%+v: %v, %d, %v", c, more, next, err)
			}
			// The first page may be any; one after it is a later one.
			next = c.page + 1
			more, err = nextPage(&next, first, c.page, c.limit, c.total, c.items)
			if still := c.more && !first; errors.Is(err, ErrDecoding) != still || more != (c.more && first) {
				t.Errorf("%+v, asked for the page behind it: %v, %v", c, more, err)
			}
		}
	}
	cursor := "abc"
	if more, err := nextCursor(&cursor, true, "abc"); !more || err != nil || cursor != "abc" {
		t.Error("the first cursor", more, err)
	}
	if more, err := nextCursor(&cursor, false, "abc"); more || !errors.Is(err, ErrDecoding) {
		t.Error("the same cursor", more, err)
	}
	if more, err := nextCursor(&cursor, false, "def"); !more || err != nil || cursor != "def" {
		t.Error("the next cursor", more, err)
	}
	if more, err := nextCursor(&cursor, false, ""); more || err != nil {
		t.Error("the last page", more, err)
	}
	seen := 0
	if yieldAll([]int{1, 2, 3}, func(*int, error) bool { seen++; return seen < 2 }) || seen != 2 {
		t.Errorf("%d items after the loop had enough", seen)
	}
}

func TestEveryPathOfACallTellsTheConfiguration(t *testing.T) {
	broken := &handle{err: localError(KindConfiguration, CodeConfigurationError, "nothing is configured", nil)}
	_, err := invokeMaybe[TokenResponse](context.Background(), broken, 0, arguments(), nil)
	for _, err := range []error{err, execute(context.Background(), broken, 0, arguments(), nil)} {
		if !errors.Is(err, ErrConfiguration) {
			t.Error(err)
		}
	}
}

func TestARecordThatIsNoneIsADecodingError(t *testing.T) {
	err := errorFrom([]byte("{"))
	if !errors.Is(err, ErrDecoding) || err.Unwrap() == nil {
		t.Error(err)
	}
	var response Response
	if err := response.fill(200, []byte("{")); !errors.Is(err, ErrDecoding) {
		t.Error(err)
	}
}

func TestAnOptionThatHasNoJSONIsAValidationError(t *testing.T) {
	w := arguments()
	w.Any(func() {})
	h := newHandle(AgentIdPClientConfig{BaseURL: "https://idp.example.com", ClientID: "a", ClientSecret: "b"})
	if err := execute(context.Background(), h, 0, w, nil); !errors.Is(err, ErrValidation) {
		t.Error(err)
	}
}
