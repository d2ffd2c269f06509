package agentidp_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"sync/atomic"
	"testing"

	agentidp "github.com/sentryagent/idp-sdk-go"
	"github.com/sentryagent/idp-sdk-go/internal/nativetest"
)

func TestMain(m *testing.M) {
	nativetest.Use()
	os.Exit(m.Run())
}

const (
	clientID = "0192f8c4-7d1e-7c3a-9f5b-2f6f1d0c8a11"
	secret   = "sk_live_0123456789abcdef"
	// agentJSON is an answer with a field and an enum value that this version does not know.
	agentJSON = `{"agentId":"0192f8c4-7d1e-7c3a-9f5b-2f6f1d0c8a11","organizationId":"0192f8c4-7d1e-7c3a-9f5b-2f6f1d0c8a00",` +
		`"role":"member","email":"screener-001@sentryagent.ai","agentType":"from-the-future","version":"1.4.0",` +
		`"capabilities":["resume:read","email:send"],"owner":"talent \"acquisition\" Ω","deploymentEnv":"production",` +
		`"status":"active","isPublic":false,"did":null,"didCreatedAt":null,` +
		`"createdAt":"2026-03-28T09:00:00.000Z","updatedAt":"2026-03-28T09:00:00.123Z","shoeSize":{"eu":[42,null]}}`
)

// server is a fake of the real one: it issues tokens and answers everything else with a handler.
type server struct {
	*httptest.Server
	tokens atomic.Int64
}

// newServer gives every request to the handler.
func newServer(t testing.TB, handle http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		handle(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func fake(t testing.TB, handle http.HandlerFunc) *server {
	t.Helper()
	s := &server{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("X-Request-Id", "request-1")
		if r.URL.Path == "/api/v1/token" {
			s.tokens.Add(1)
			_, _ = w.Write([]byte(`{"access_token":"token-1","token_type":"Bearer","expires_in":3600,"scope":"agents:read"}`))
			return
		}
		handle(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *server) client(t testing.TB, change ...func(*agentidp.AgentIdPClientConfig)) *agentidp.AgentIdPClient {
	t.Helper()
	config := agentidp.AgentIdPClientConfig{BaseURL: s.URL, ClientID: clientID, ClientSecret: secret}
	for _, change := range change {
		change(&config)
	}
	client := agentidp.NewAgentIdPClient(config)
	if err := client.Err(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func answer(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

func sameJSON(t *testing.T, have any, want string) {
	t.Helper()
	text, err := json.Marshal(have)
	if err != nil {
		t.Fatal(err)
	}
	var a, b any
	if json.Unmarshal(text, &a) != nil || json.Unmarshal([]byte(want), &b) != nil {
		t.Fatalf("not JSON: %s, %s", text, want)
	}
	one, _ := json.Marshal(a)
	two, _ := json.Marshal(b)
	if string(one) != string(two) {
		t.Errorf("have %s\nwant %s", one, two)
	}
}
