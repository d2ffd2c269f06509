// Package issuertest is an issuer of access tokens for tests, which also mints bad ones.
package issuertest

import (
	"crypto"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"
)

// Audience is whom the tokens are for.
const Audience = "https://api.example.com"

// Issuer serves its metadata and its keys.
type Issuer struct {
	*httptest.Server
	// Fetches counts requests for the keys.
	Fetches atomic.Int64
	// Away makes every request fail.
	Away atomic.Bool

	rsa     *rsa.PrivateKey
	ed25519 ed25519.PrivateKey
	foreign *rsa.PrivateKey
}

// New starts an issuer that ends with the test.
func New(t testing.TB) *Issuer {
	t.Helper()
	i := &Issuer{rsa: rsaKey(t), foreign: rsaKey(t)}
	var err error
	if _, i.ed25519, err = ed25519.GenerateKey(rand.Reader); err != nil {
		t.Fatal(err)
	}
	i.Server = httptest.NewUnstartedServer(http.HandlerFunc(i.serve))
	i.Start()
	t.Cleanup(i.Close)
	return i
}

func rsaKey(t testing.TB) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func (i *Issuer) serve(w http.ResponseWriter, r *http.Request) {
	if i.Away.Load() {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if r.URL.Path != "/keys" {
		_ = json.NewEncoder(w).Encode(map[string]any{"issuer": i.URL, "jwks_uri": i.URL + "/keys"})
		return
	}
	i.Fetches.Add(1)
	_ = json.NewEncoder(w).Encode(map[string]any{"keys": []any{
		map[string]any{
			"kty": "RSA", "kid": "rsa-1", "use": "sig", "alg": "RS256",
			"n": base64.RawURLEncoding.EncodeToString(i.rsa.N.Bytes()),
			"e": base64.RawURLEncoding.EncodeToString(big.NewInt(int64(i.rsa.E)).Bytes()),
		},
		map[string]any{
			"kty": "OKP", "kid": "ed-1", "use": "sig", "alg": "EdDSA", "crv": "Ed25519",
			"x": base64.RawURLEncoding.EncodeToString(i.ed25519.Public().(ed25519.PublicKey)),
		},
	}})
}

// Token is a token to be minted; New changes a good one.
type Token struct {
	Header, Claims map[string]any
	sign           func(input string) []byte
}

// Mint makes a token with these changes.
func (i *Issuer) Mint(changes ...func(*Token)) string {
	now := time.Now().Unix()
	t := &Token{
		Header: map[string]any{"alg": "RS256", "typ": "at+jwt", "kid": "rsa-1"},
		Claims: map[string]any{
			"iss": i.URL, "aud": Audience, "sub": "agent-1", "client_id": "agent-1", "organization_id": "org-1",
			"scope": "agents:read tokens:read", "jti": "token-1", "iat": now, "exp": now + 3600,
		},
		sign: signRSA(i.rsa),
	}
	for _, change := range changes {
		change(t)
	}
	part := func(value any) string {
		text, _ := json.Marshal(value)
		return base64.RawURLEncoding.EncodeToString(text)
	}
	input := part(t.Header) + "." + part(t.Claims)
	return input + "." + base64.RawURLEncoding.EncodeToString(t.sign(input))
}

func signRSA(key *rsa.PrivateKey) func(string) []byte {
	return func(input string) []byte {
		sum := sha256.Sum256([]byte(input))
		signature, _ := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
		return signature
	}
}

// Claim sets a claim; nil removes it.
func Claim(name string, value any) func(*Token) {
	return func(t *Token) {
		if t.Claims[name] = value; value == nil {
			delete(t.Claims, name)
		}
	}
}

// Header sets a field of the header.
func Header(name string, value any) func(*Token) {
	return func(t *Token) { t.Header[name] = value }
}

// Expired is a token of yesterday.
func Expired(t *Token) {
	t.Claims["iat"], t.Claims["exp"] = time.Now().Unix()-86_400, time.Now().Unix()-80_000
}

// EdDSA signs with the other key.
func (i *Issuer) EdDSA(t *Token) {
	t.Header["alg"], t.Header["kid"] = "EdDSA", "ed-1"
	t.sign = func(input string) []byte { return ed25519.Sign(i.ed25519, []byte(input)) }
}

// Forged is signed by somebody else's key of the same name.
func (i *Issuer) Forged(t *Token) { t.sign = signRSA(i.foreign) }

// Unsigned says that it needs no signature.
func Unsigned(t *Token) {
	t.Header["alg"] = "none"
	t.sign = func(string) []byte { return nil }
}

// Confused is signed with the public key as if it were a shared secret.
func (i *Issuer) Confused(t *Token) {
	t.Header["alg"] = "HS256"
	t.sign = func(input string) []byte {
		mac := hmac.New(sha256.New, i.rsa.N.Bytes())
		_, _ = mac.Write([]byte(input))
		return mac.Sum(nil)
	}
}
