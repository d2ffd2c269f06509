package agentidp

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sentryagent/idp-sdk-go/internal/native"
	"github.com/sentryagent/idp-sdk-go/internal/wire"
)

// TokenVerifierConfig is what a verifier needs to know. Issuer and Audience must be given.
type TokenVerifierConfig struct {
	// Issuer is the iss that tokens must have: the URL of the server that issues them.
	Issuer string
	// Audience is the aud of which tokens must have at least one.
	Audience []string
	// Leeway is how far clocks may differ; 60 s when nil.
	Leeway *time.Duration
	// RequiredScopes are scopes that every token must have.
	RequiredScopes []string
	// Client also asks the server about every token that verifies, so that a revoked one is refused at
	// once. Without it nothing is asked, and a revoked token is good until it expires.
	Client *AgentIdPClient
	// JWKSURI is where the issuer's public keys are; what the issuer's metadata says when empty.
	JWKSURI string
	// CABundle is the path of a PEM file with certificates to trust besides the system's.
	// AGENTIDP_CA_BUNDLE.
	CABundle string
	// ClientCertificate and ClientKey are paths of PEM files. Both or neither.
	ClientCertificate, ClientKey string
	// Proxy is the URL of an HTTP proxy; HTTPS_PROXY and HTTP_PROXY when empty. NO_PROXY counts either
	// way, and either way this machine (loopback, localhost) is reached directly, unless the proxy is on
	// it too.
	Proxy string
	// Timeout is for fetching keys; 10 s when 0, at most 24 hours.
	Timeout time.Duration
	// ConnectTimeout is for one connection; 5 s when 0, at most 24 hours.
	ConnectTimeout time.Duration
	// AllowInsecureHTTP permits http to other hosts than loopback. Whoever is between then decides
	// which keys are trusted.
	AllowInsecureHTTP bool
	// Clock is for tests; the system's clocks when nil.
	Clock *ManualClock
}

func (c TokenVerifierConfig) json() ([]byte, error) {
	w := wire.NewWriter(nil)
	w.Open('{')
	writeTexts(w, []textSetting{
		{"issuer", c.Issuer}, {"jwksUri", c.JWKSURI}, {"caBundle", c.CABundle},
		{"clientCertificate", c.ClientCertificate}, {"clientKey", c.ClientKey},
		{"proxy", c.Proxy}, {"language", "go"}, {"runtime", runtime.Version()},
	})
	if c.Audience != nil {
		w.Key("audience")
		writeList(w, c.Audience, (*wire.Writer).String)
	}
	if len(c.RequiredScopes) > 0 {
		w.Key("requiredScopes")
		writeList(w, c.RequiredScopes, (*wire.Writer).String)
	}
	if c.Leeway != nil {
		w.Key("leewayMs")
		w.Int(milliseconds(*c.Leeway))
	}
	writeTimes(w, []timeSetting{{"timeoutMs", c.Timeout}, {"connectTimeoutMs", c.ConnectTimeout}})
	if c.AllowInsecureHTTP {
		w.Key("allowInsecureHttp")
		w.Bool(true)
	}
	w.Close('}')
	return w.Bytes()
}

// TokenVerifier checks access tokens here, against the issuer's cached public keys: signature (RS256,
// ES256 and EdDSA only), issuer, audience, times, type and scopes. Keys are fetched when the first
// token comes, again for an unknown key at most once a minute, and kept while the issuer is away.
//
// It is safe for all goroutines; make one and share it. It is freed with the garbage.
type TokenVerifier struct {
	verifier native.Verifier
	err      *AgentIdPError
	// client is kept alive: its handle is used for introspection.
	client *AgentIdPClient
	handle *handle
}

// NewTokenVerifier makes a verifier. It starts nothing and connects to nothing; a configuration that
// does not hold is told by Err and by Verify.
func NewTokenVerifier(config TokenVerifierConfig) *TokenVerifier {
	fault := func(err *AgentIdPError) *TokenVerifier { return &TokenVerifier{err: err} }
	if err := native.Load(operationsChecksum); err != nil {
		return fault(localError(KindConfiguration, CodeConfigurationError, err.Error(), err))
	}
	text, err := config.json()
	if err != nil {
		return fault(misconfigured(err))
	}
	v := &TokenVerifier{client: config.Client, handle: new(handle)}
	var client native.Client
	if config.Client != nil {
		if err := config.Client.of().usable(); err != nil {
			return fault(asError(err))
		}
		client, v.handle = config.Client.handle.client, config.Client.handle
	}
	v.verifier = native.VerifierNew(text, handleOf(config.Clock), client)
	runtime.KeepAlive(config.Clock)
	runtime.KeepAlive(config.Client)
	if fault := native.VerifierError(v.verifier); len(fault) > 0 {
		v.err = errorFrom(fault)
	}
	runtime.SetFinalizer(v, func(v *TokenVerifier) { native.VerifierFree(v.verifier) })
	return v
}

// Err is what is wrong with the configuration; nil when the verifier can be used.
func (v *TokenVerifier) Err() error {
	switch {
	case v == nil || (v.verifier == 0 && v.err == nil):
		return localError(KindConfiguration, CodeConfigurationError, "not made by NewTokenVerifier", nil)
	case v.err != nil:
		return v.err
	default:
		return nil
	}
}

// resultBytes is room for most verified tokens; a longer one is verified again.
const resultBytes = 8 << 10

var resultBuffers = sync.Pool{New: func() any { return new([resultBytes]byte) }}

// Verify checks a token (without "Bearer"), which must have these scopes besides the configured ones.
// It answers on the calling goroutine where the key is cached and no Client is configured.
//
// A token that is not good is an ErrAuthentication with the code INVALID_TOKEN and the reason in
// Details; one that lacks a scope is an ErrPermission with INSUFFICIENT_SCOPE; when no keys can be
// had the error is ErrConnection or ErrTimeout, and says nothing about the token.
func (v *TokenVerifier) Verify(ctx context.Context, token string, scopes ...string) (*VerifiedToken, error) {
	if err := v.Err(); err != nil {
		return nil, err
	}
	if err := checked(ctx); err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, contextError(ctx)
	}
	defer runtime.KeepAlive(v)
	wanted := strings.Join(scopes, " ")
	buf := resultBuffers.Get().(*[resultBytes]byte)
	defer resultBuffers.Put(buf)
	switch n := native.VerifyNow(v.verifier, token, wanted, buf[:]); {
	case n > len(buf):
		long := make([]byte, n)
		if got := native.VerifyNow(v.verifier, token, wanted, long); got > 0 && got <= n {
			return verifiedFrom(long[:got])
		}
	case n > 0:
		return verifiedFrom(buf[:n])
	}
	done, err := v.handle.await(ctx, false, func(queue native.Queue, id uint64) int32 {
		return native.VerifyStart(queue, v.verifier, id, token, wanted)
	})
	if err != nil {
		return nil, err
	}
	return readVerified(done.body)
}

// result splits a result of the library: its kind and what it holds.
func result(text []byte) (answer []byte, err error) {
	if len(text) < 4 {
		return nil, localError(KindConfiguration, CodeConfigurationError, "the native library did not answer", nil)
	}
	if body := text[4:]; binary.LittleEndian.Uint32(text) != native.KindAnswer {
		return nil, errorFrom(body)
	}
	return text[4:], nil
}

func verifiedFrom(text []byte) (*VerifiedToken, error) {
	body, err := result(text)
	if err != nil {
		return nil, err
	}
	return readVerified(body)
}

func readVerified(body []byte) (*VerifiedToken, error) {
	token := new(VerifiedToken)
	if err := token.UnmarshalJSON(body); err != nil {
		return nil, localError(KindDecoding, CodeDecodingError, "the verified token cannot be read", err)
	}
	return token, nil
}

// VerifiedToken is what a token says that was found good. Claims that it does not have are empty.
type VerifiedToken struct {
	// Subject is sub: whom the token speaks for.
	Subject string
	// ClientID is client_id: to whom it was issued.
	ClientID string
	// OrganizationID is the organization of the subject.
	OrganizationID string
	// Scopes are what the token permits.
	Scopes []string
	// TokenID is jti.
	TokenID string
	// Issuer is iss.
	Issuer string
	// Audience is aud.
	Audience []string
	// IssuedAt and ExpiresAt are iat and exp.
	IssuedAt, ExpiresAt time.Time
	// KeyID and Algorithm say how it was signed.
	KeyID, Algorithm string
	// Claims is everything that the token says, as encoding/json reads it.
	Claims map[string]any
}

// HasScopes reports whether the token permits all of these.
func (t *VerifiedToken) HasScopes(scopes ...string) bool {
	for _, scope := range scopes {
		if !slices.Contains(t.Scopes, scope) {
			return false
		}
	}
	return true
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (t *VerifiedToken) UnmarshalJSON(text []byte) error { return unmarshal(text, t.read) }

func (t *VerifiedToken) read(r *wire.Reader) {
	if !r.Object() {
		return
	}
	for key, ok := r.Key(); ok; key, ok = r.Key() {
		switch key {
		case "subject":
			t.Subject = r.String()
		case "clientId":
			t.ClientID = r.String()
		case "organizationId":
			t.OrganizationID = r.String()
		case "scopes":
			t.Scopes = readList(r, (*wire.Reader).String)
		case "tokenId":
			t.TokenID = r.String()
		case "issuer":
			t.Issuer = r.String()
		case "audience":
			t.Audience = readList(r, (*wire.Reader).String)
		case "issuedAt":
			t.IssuedAt = readSeconds(r)
		case "expiresAt":
			t.ExpiresAt = readSeconds(r)
		case "keyId":
			t.KeyID = r.String()
		case "algorithm":
			t.Algorithm = r.String()
		case "claims":
			t.Claims, _ = r.Any().(map[string]any)
		default:
			r.Skip()
		}
	}
}

func readSeconds(r *wire.Reader) time.Time {
	if r.Null() {
		return time.Time{}
	}
	return time.Unix(int64(r.Int()), 0).UTC()
}

// MarshalJSON writes the token's facts, times in seconds since 1970, what is not there as null.
func (t VerifiedToken) MarshalJSON() ([]byte, error) {
	seconds := func(at time.Time) *int64 {
		if at.IsZero() {
			return nil
		}
		return Ptr(at.Unix())
	}
	return json.Marshal(struct {
		Subject        *string        `json:"subject"`
		ClientID       *string        `json:"clientId"`
		OrganizationID *string        `json:"organizationId"`
		Scopes         []string       `json:"scopes"`
		TokenID        *string        `json:"tokenId"`
		Issuer         *string        `json:"issuer"`
		Audience       []string       `json:"audience"`
		IssuedAt       *int64         `json:"issuedAt"`
		ExpiresAt      *int64         `json:"expiresAt"`
		KeyID          *string        `json:"keyId"`
		Algorithm      *string        `json:"algorithm"`
		Claims         map[string]any `json:"claims"`
	}{
		nonZero(t.Subject), nonZero(t.ClientID), nonZero(t.OrganizationID), t.Scopes, nonZero(t.TokenID),
		nonZero(t.Issuer), t.Audience, seconds(t.IssuedAt), seconds(t.ExpiresAt),
		nonZero(t.KeyID), nonZero(t.Algorithm), t.Claims,
	})
}

// String is the token's facts for people; the token itself is not among them.
func (t VerifiedToken) String() string {
	text, err := json.Marshal(t)
	if err != nil {
		return "VerifiedToken{!" + err.Error() + "}"
	}
	return "VerifiedToken" + string(text)
}

// LogValue gives slog who the token speaks for and what it permits.
func (t VerifiedToken) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("subject", t.Subject),
		slog.String("tokenId", t.TokenID),
		slog.String("scopes", strings.Join(t.Scopes, " ")),
		slog.Time("expiresAt", t.ExpiresAt),
	)
}

// Format prints the facts, whatever the verb.
func (t VerifiedToken) Format(s fmt.State, _ rune) { format(s, t.String()) }
