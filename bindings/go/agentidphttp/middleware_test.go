package agentidphttp_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	agentidp "github.com/sentryagent/idp-sdk-go"
	"github.com/sentryagent/idp-sdk-go/agentidphttp"
	"github.com/sentryagent/idp-sdk-go/internal/issuertest"
	"github.com/sentryagent/idp-sdk-go/internal/nativetest"
)

func TestMain(m *testing.M) {
	nativetest.Use()
	os.Exit(m.Run())
}

func protected(issuer *issuertest.Issuer, scopes ...string) http.Handler {
	verifier := agentidp.NewTokenVerifier(agentidp.TokenVerifierConfig{Issuer: issuer.URL, Audience: []string{issuertest.Audience}})
	return agentidphttp.Require(verifier, scopes...)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, ok := agentidphttp.FromContext(r.Context())
		fmt.Fprint(w, ok, " ", token.Subject)
	}))
}

func get(handler http.Handler, authorization ...string) *httptest.ResponseRecorder {
	request := httptest.NewRequest(http.MethodGet, "/reports", nil)
	request.Header["Authorization"] = authorization
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, request)
	return answer
}

func TestAGoodTokenPasses(t *testing.T) {
	issuer := issuertest.New(t)
	handler := protected(issuer, "agents:read")
	for _, scheme := range []string{"Bearer ", "bearer ", "BEARER  "} {
		if answer := get(handler, scheme+issuer.Mint()); answer.Code != 200 || answer.Body.String() != "true agent-1" {
			t.Errorf("%s: %d %s", scheme, answer.Code, answer.Body)
		}
	}
}

func TestOthersAreTurnedAway(t *testing.T) {
	issuer := issuertest.New(t)
	handler := protected(issuer, "agents:read")
	for _, c := range []struct {
		name, authorization string
		status              int
		code, challenge     string
	}{
		{"none", "", 401, "UNAUTHORIZED", "Bearer"},
		{"basic", "Basic YTpi", 401, "UNAUTHORIZED", "Bearer"},
		{"empty", "Bearer ", 401, "UNAUTHORIZED", "Bearer"},
		{"garbage", "Bearer x", 401, "UNAUTHORIZED", `Bearer error="invalid_token", error_description="The token is malformed."`},
		{"expired", "Bearer " + issuer.Mint(issuertest.Expired), 401, "UNAUTHORIZED", `Bearer error="invalid_token", error_description="The token has expired."`},
		{"forged", "Bearer " + issuer.Mint(issuer.Forged), 401, "UNAUTHORIZED", `Bearer error="invalid_token", error_description="The token is not valid."`},
		{"unsigned", "Bearer " + issuer.Mint(issuertest.Unsigned), 401, "UNAUTHORIZED", `Bearer error="invalid_token", error_description="The token is not valid."`},
		{"audience", "Bearer " + issuer.Mint(issuertest.Claim("aud", "other")), 401, "UNAUTHORIZED", `Bearer error="invalid_token", error_description="The token is for another audience."`},
		{"scope", "Bearer " + issuer.Mint(issuertest.Claim("scope", "tokens:read")), 403, "INSUFFICIENT_SCOPE", `Bearer error="insufficient_scope", scope="agents:read"`},
	} {
		var values []string
		if c.authorization != "" {
			values = []string{c.authorization}
		}
		answer := get(handler, values...)
		var body struct{ Code, Message string }
		if err := json.Unmarshal(answer.Body.Bytes(), &body); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if answer.Code != c.status || body.Code != c.code || body.Message == "" || answer.Header().Get("WWW-Authenticate") != c.challenge {
			t.Errorf("%s: %d %v %q", c.name, answer.Code, body, answer.Header().Get("WWW-Authenticate"))
		}
	}
	if answer := get(handler, "Bearer "+issuer.Mint(), "Bearer "+issuer.Mint()); answer.Code != 401 {
		t.Errorf("two tokens: %d", answer.Code)
	}
}

func TestNoKeysIsNoFaultOfTheToken(t *testing.T) {
	issuer := issuertest.New(t)
	issuer.Away.Store(true)
	answer := get(protected(issuer), "Bearer "+issuer.Mint())
	if answer.Code != 503 || answer.Header().Get("Retry-After") == "" || answer.Header().Get("WWW-Authenticate") != "" ||
		!strings.Contains(answer.Body.String(), "SERVICE_UNAVAILABLE") {
		t.Errorf("%d %v %s", answer.Code, answer.Header(), answer.Body)
	}
}
