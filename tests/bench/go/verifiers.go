package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	agentidp "github.com/sentryagent/idp-sdk-go"
)

const audience = "https://api.example.com"

// verifier is the project's or a peer's.
type verifier interface {
	name() string
	// verify checks a token, and looks at what it says.
	verify(token string) error
}

// projectVerifier is the SDK's.
type projectVerifier struct{ verifier *agentidp.TokenVerifier }

func newProjectVerifier(baseURL string) (verifier, error) {
	v := agentidp.NewTokenVerifier(agentidp.TokenVerifierConfig{
		Issuer: baseURL, Audience: []string{audience}, JWKSURI: baseURL + "/keys",
	})
	return &projectVerifier{v}, v.Err()
}

func (p *projectVerifier) name() string { return "idp-sdk-go (" + loader + ")" }

func (p *projectVerifier) verify(token string) error {
	told, err := p.verifier.Verify(context.Background(), token)
	if err != nil {
		return err
	}
	return lookAtToken(told.Subject, told.Scopes)
}

// golangJWT is golang-jwt with keys that were parsed once.
type golangJWT struct {
	parser *jwt.Parser
	keys   map[string]any
}

// claims are what is read of a token.
type claims struct {
	jwt.RegisteredClaims
	Scope string `json:"scope"`
}

func newGolangJWT(baseURL string) (verifier, error) {
	var set struct {
		Keys []struct{ Kty, Kid, N, E, X, Y string }
	}
	if err := fetch(baseURL+"/keys", &set); err != nil {
		return nil, err
	}
	keys := map[string]any{}
	for _, k := range set.Keys {
		if k.Kty == "RSA" {
			keys[k.Kid] = &rsa.PublicKey{N: number(k.N), E: int(number(k.E).Int64())}
		} else {
			keys[k.Kid] = &ecdsa.PublicKey{Curve: elliptic.P256(), X: number(k.X), Y: number(k.Y)}
		}
	}
	parser := jwt.NewParser(
		jwt.WithValidMethods([]string{"RS256", "ES256", "EdDSA"}), jwt.WithIssuer(baseURL),
		jwt.WithAudience(audience), jwt.WithLeeway(time.Minute), jwt.WithExpirationRequired(),
	)
	return &golangJWT{parser, keys}, nil
}

func (g *golangJWT) name() string { return "golang-jwt " + versionOf("github.com/golang-jwt/jwt/v5") }

func (g *golangJWT) verify(token string) error {
	told := new(claims)
	_, err := g.parser.ParseWithClaims(token, told, func(t *jwt.Token) (any, error) {
		kid, _ := t.Header["kid"].(string)
		if key, ok := g.keys[kid]; ok {
			return key, nil
		}
		return nil, errors.New("an unknown key")
	})
	if err != nil {
		return err
	}
	return lookAtToken(told.Subject, strings.Split(told.Scope, " "))
}

func lookAtToken(subject string, scopes []string) error {
	if len(subject) != 36 || !slices.Contains(scopes, "agents:read") {
		return fmt.Errorf("the token does not say what it was made with: %s, %v", subject, scopes)
	}
	return nil
}

func number(text string) *big.Int {
	bytes, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return nil
	}
	return new(big.Int).SetBytes(bytes)
}

func fetch(url string, into any) error {
	answer, err := http.Get(url)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	return json.NewDecoder(answer.Body).Decode(into)
}

func versionOf(module string) string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, dependency := range info.Deps {
			if dependency.Path == module {
				return dependency.Version
			}
		}
	}
	return "of an unknown version"
}

// verifying is a verifier as the worker asks clients: by operation.
type verifying struct {
	verifier
	tokens map[string]string
}

func newVerifying(make func(string) (verifier, error), baseURL string) (*verifying, error) {
	v, err := make(baseURL)
	if err != nil {
		return nil, err
	}
	tokens := map[string]string{}
	return &verifying{v, tokens}, fetch(baseURL+"/tokens", &tokens)
}

func (v *verifying) call(operation string) func() error {
	return func() error { return v.verify(v.tokens[operation]) }
}
