package agentidp_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	agentidp "github.com/sentryagent/idp-sdk-go"
	"github.com/sentryagent/idp-sdk-go/internal/issuertest"
)

func verifierOf(t testing.TB, issuer *issuertest.Issuer, change ...func(*agentidp.TokenVerifierConfig)) *agentidp.TokenVerifier {
	t.Helper()
	config := agentidp.TokenVerifierConfig{Issuer: issuer.URL, Audience: []string{issuertest.Audience}}
	for _, change := range change {
		change(&config)
	}
	verifier := agentidp.NewTokenVerifier(config)
	if err := verifier.Err(); err != nil {
		t.Fatal(err)
	}
	return verifier
}

func TestAGoodTokenSaysWhoItIs(t *testing.T) {
	issuer := issuertest.New(t)
	verifier := verifierOf(t, issuer)
	for range 3 {
		token, err := verifier.Verify(context.Background(), issuer.Mint(), "agents:read")
		if err != nil {
			t.Fatal(err)
		}
		if token.Subject != "agent-1" || token.OrganizationID != "org-1" || token.Algorithm != "RS256" || token.KeyID != "rsa-1" ||
			!token.HasScopes("agents:read", "tokens:read") || token.HasScopes("agents:write") ||
			token.ExpiresAt.Sub(token.IssuedAt) != time.Hour || token.Claims["jti"] != "token-1" {
			t.Errorf("%v", token)
		}
		text, err := json.Marshal(token)
		var again agentidp.VerifiedToken
		if err != nil || json.Unmarshal(text, &again) != nil || !reflect.DeepEqual(*token, again) {
			t.Errorf("%s does not go round: %v", text, err)
		}
	}
	if n := issuer.Fetches.Load(); n != 1 {
		t.Errorf("the keys were fetched %d times", n)
	}
}

func TestEdDSAIsVerified(t *testing.T) {
	issuer := issuertest.New(t)
	token, err := verifierOf(t, issuer).Verify(context.Background(), issuer.Mint(issuer.EdDSA))
	if err != nil || token.Algorithm != "EdDSA" {
		t.Error(token, err)
	}
}

func TestABadTokenSaysWhy(t *testing.T) {
	issuer := issuertest.New(t)
	verifier := verifierOf(t, issuer)
	for reason, token := range map[string]string{
		"malformed":     "not.a.token",
		"expired":       issuer.Mint(issuertest.Expired),
		"signature":     issuer.Mint(issuer.Forged),
		"algorithm":     issuer.Mint(issuertest.Unsigned),
		"algorithm ":    issuer.Mint(issuer.Confused),
		"audience":      issuer.Mint(issuertest.Claim("aud", "somebody-else")),
		"issuer":        issuer.Mint(issuertest.Claim("iss", "https://evil.example.com")),
		"type":          issuer.Mint(issuertest.Header("typ", "JWT")),
		"not_yet_valid": issuer.Mint(issuertest.Claim("nbf", time.Now().Unix()+600)),
		"unknown_key":   issuer.Mint(issuertest.Header("kid", "nobody")),
	} {
		// Twice: with the keys at hand, and the first time perhaps without.
		for range 2 {
			_, err := verifier.Verify(context.Background(), token)
			var e *agentidp.AgentIdPError
			if !errors.As(err, &e) || !errors.Is(err, agentidp.ErrAuthentication) || e.Code != agentidp.CodeInvalidToken ||
				e.OAuthError != "invalid_token" || e.Details["reason"] != strings.TrimSpace(reason) {
				t.Errorf("%s: %v %v", reason, err, e)
			} else if strings.Contains(fmt.Sprintf("%+v %s", e, toJSON(t, e)), token) {
				t.Errorf("%s: the error holds the token", reason)
			}
		}
	}
	_, err := verifier.Verify(context.Background(), issuer.Mint(), "agents:write")
	var e *agentidp.AgentIdPError
	if !errors.As(err, &e) || !errors.Is(err, agentidp.ErrPermission) || e.Code != agentidp.CodeInsufficientScope {
		t.Error(err)
	}
}

func toJSON(t testing.TB, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestKeysAreKeptWhileTheIssuerIsAway(t *testing.T) {
	issuer := issuertest.New(t)
	clock := agentidp.NewManualClock()
	verifier := verifierOf(t, issuer, func(c *agentidp.TokenVerifierConfig) { c.Clock = clock })
	token := issuer.Mint()
	if _, err := verifier.Verify(context.Background(), token); err != nil {
		t.Fatal(err)
	}
	issuer.Away.Store(true)
	clock.Advance(30 * time.Minute)
	if _, err := verifier.Verify(context.Background(), token); err != nil {
		t.Errorf("the issuer is away and its token is good: %v", err)
	}
	fresh := verifierOf(t, issuer)
	if _, err := fresh.Verify(context.Background(), token); errors.Is(err, agentidp.ErrAuthentication) || err == nil {
		t.Errorf("no keys can be had, which says nothing about the token: %v", err)
	}
}

func TestUnknownKeysFetchAtMostOnceAMinute(t *testing.T) {
	issuer := issuertest.New(t)
	clock := agentidp.NewManualClock()
	verifier := verifierOf(t, issuer, func(c *agentidp.TokenVerifierConfig) { c.Clock = clock })
	flood := func() int64 {
		for i := range 100 {
			_, _ = verifier.Verify(context.Background(), issuer.Mint(issuertest.Header("kid", fmt.Sprint("random-", i)), issuertest.Unsigned, issuertest.Header("alg", "RS256")))
		}
		return issuer.Fetches.Load()
	}
	first := flood()
	if first > 2 {
		t.Errorf("%d fetches", first)
	}
	clock.Advance(61 * time.Second)
	if again := flood(); again != first+1 {
		t.Errorf("%d fetches after a minute, %d before", again, first)
	}
}

func TestAVerifierWithoutConfigurationSaysSo(t *testing.T) {
	var zero agentidp.TokenVerifier
	broken := agentidp.NewAgentIdPClient(agentidp.AgentIdPClientConfig{BaseURL: "http://idp.example.com"})
	for name, verifier := range map[string]*agentidp.TokenVerifier{
		"nil": nil, "zero": &zero,
		"no issuer":       agentidp.NewTokenVerifier(agentidp.TokenVerifierConfig{Audience: []string{"a"}}),
		"no audience":     agentidp.NewTokenVerifier(agentidp.TokenVerifierConfig{Issuer: "https://idp.example.com"}),
		"a broken client": agentidp.NewTokenVerifier(agentidp.TokenVerifierConfig{Issuer: "https://idp.example.com", Audience: []string{"a"}, Client: broken}),
	} {
		if _, err := verifier.Verify(context.Background(), "token"); !errors.Is(err, agentidp.ErrConfiguration) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestACancelledVerificationIsOver(t *testing.T) {
	issuer := issuertest.New(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := verifierOf(t, issuer).Verify(ctx, issuer.Mint()); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func BenchmarkVerifyRS256(b *testing.B) {
	issuer := issuertest.New(b)
	verifier := verifierOf(b, issuer)
	token := issuer.Mint()
	ctx := context.Background()
	if _, err := verifier.Verify(ctx, token); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		if _, err := verifier.Verify(ctx, token); err != nil {
			b.Fatal(err)
		}
	}
}
