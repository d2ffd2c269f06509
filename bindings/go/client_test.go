package agentidp_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	agentidp "github.com/sentryagent/idp-sdk-go"
)

func TestAnAnswerIsAValue(t *testing.T) {
	s := fake(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet || r.URL.Path != "/api/v1/agents/"+clientID || r.Header.Get("Authorization") != "Bearer token-1" {
			t.Errorf("%s %s, %q", r.Method, r.URL.Path, r.Header.Get("Authorization"))
		}
		if agent := r.UserAgent(); !strings.Contains(agent, "go go1.") {
			t.Errorf("User-Agent %q", agent)
		}
		answer(200, agentJSON)(w, r)
	})
	agent, err := s.client(t).Agents.GetAgent(context.Background(), clientID)
	if err != nil {
		t.Fatal(err)
	}
	if agent.AgentID != clientID || agent.Owner != `talent "acquisition" Ω` || agent.Status != agentidp.AgentStatusActive {
		t.Errorf("%v", agent)
	}
	if agent.AgentType != "from-the-future" {
		t.Errorf("an unknown enum value is kept: %q", agent.AgentType)
	}
	if want := time.Date(2026, 3, 28, 9, 0, 0, 123e6, time.UTC); !agent.UpdatedAt.Equal(want) || agent.UpdatedAt.Location() != time.UTC {
		t.Errorf("%v", agent.UpdatedAt)
	}
	if agent.DID != nil || agent.DIDCreatedAt != nil || string(agent.Extra["shoeSize"]) != `{"eu":[42,null]}` {
		t.Errorf("%v", agent)
	}
	sameJSON(t, agent, agentJSON)
}

func TestABodyIsSent(t *testing.T) {
	forms := make(chan string, 1)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		form, _ := io.ReadAll(r.Body)
		forms <- string(form)
		w.Header().Set("Content-Type", "application/json")
		answer(200, `{"access_token":"t","token_type":"Bearer","expires_in":60,"scope":"a b"}`)(w, r)
	}))
	defer s.Close()
	client := agentidp.NewAgentIdPClient(agentidp.AgentIdPClientConfig{BaseURL: s.URL, ClientID: clientID, ClientSecret: secret})
	token, err := client.Tokens.IssueToken(context.Background(), &agentidp.IssueTokenRequest{Scope: "a b"})
	if err != nil || token.AccessToken != "t" || token.ExpiresIn != 60 || token.IDToken != "" {
		t.Fatal(token, err)
	}
	form, err := url.ParseQuery(<-forms)
	if err != nil || form.Get("grant_type") != "client_credentials" || form.Get("client_id") != clientID ||
		form.Get("client_secret") != secret || form.Get("scope") != "a b" || len(form) != 4 {
		t.Error(form, err)
	}
}

func TestErrorsAreTyped(t *testing.T) {
	s := fake(t, answer(404, `{"code":"AGENT_NOT_FOUND","message":"Agent not found.","details":{"errors":[{"field":"a","reason":"b"}]}}`))
	agent, err := s.client(t).Agents.GetAgent(context.Background(), clientID)
	var e *agentidp.AgentIdPError
	if agent != nil || !errors.As(err, &e) || !errors.Is(err, agentidp.ErrNotFound) || errors.Is(err, agentidp.ErrConflict) {
		t.Fatal(agent, err)
	}
	if e.Code != "AGENT_NOT_FOUND" || e.HTTPStatus != 404 || e.RequestID != "request-1" || e.Kind != agentidp.KindNotFound {
		t.Errorf("%+v", *e)
	}
	if fields := e.FieldErrors(); len(fields) != 1 || fields[0] != (agentidp.FieldError{Field: "a", Reason: "b"}) {
		t.Errorf("%v", fields)
	}
	if text := err.Error(); text != "agentidp: AGENT_NOT_FOUND (404): Agent not found. [request request-1]" {
		t.Errorf("%q", text)
	}
}

func TestAMissingConnectionSaysWhatItMissed(t *testing.T) {
	client := agentidp.NewAgentIdPClient(agentidp.AgentIdPClientConfig{
		BaseURL: "http://127.0.0.1:1", ClientID: clientID, ClientSecret: secret, Retries: agentidp.Ptr(0),
	})
	defer client.Close()
	_, err := client.Health.GetHealth(context.Background())
	if !errors.Is(err, agentidp.ErrConnection) || !strings.Contains(err.Error(), "127.0.0.1:1: ") {
		t.Error(err)
	}
}

func TestACallWithoutAContextIsRefused(t *testing.T) {
	s := fake(t, answer(200, `{}`))
	client := s.client(t)
	var none context.Context
	_, err := client.Agents.GetAgent(none, clientID)
	_, err2 := client.TokenManager().GetToken(none)
	verifier := agentidp.NewTokenVerifier(agentidp.TokenVerifierConfig{Issuer: s.URL, Audience: []string{"x"}})
	_, err3 := verifier.Verify(none, "x")
	for _, err := range []error{err, err2, err3} {
		if !errors.Is(err, agentidp.ErrValidation) || !strings.Contains(err.Error(), "ctx") {
			t.Error(err)
		}
	}
}

func TestATimeIsAboveZeroAndAtMostADay(t *testing.T) {
	s := fake(t, answer(404, `{"code":"AGENT_NOT_FOUND","message":"Agent not found."}`))
	client := s.client(t)
	_, err := client.Agents.GetAgent(context.Background(), clientID, agentidp.WithTimeout(24*time.Hour))
	if !errors.Is(err, agentidp.ErrNotFound) {
		t.Error(err)
	}
	for _, wrong := range []time.Duration{-1, 24*time.Hour + 1, math.MaxInt64} {
		_, err = client.Agents.GetAgent(context.Background(), clientID, agentidp.WithTimeout(wrong))
		if !errors.Is(err, agentidp.ErrValidation) || !strings.Contains(err.Error(), "timeout") {
			t.Error(wrong, err)
		}
	}
}

func TestARateLimitSaysHowLong(t *testing.T) {
	s := fake(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", "7")
		answer(429, `{"code":"RATE_LIMIT_EXCEEDED","message":"Too many."}`)(w, r)
	})
	_, err := s.client(t).Agents.GetAgent(context.Background(), clientID, agentidp.WithRetries(0))
	var e *agentidp.AgentIdPError
	if !errors.As(err, &e) || !errors.Is(err, agentidp.ErrRateLimit) || e.RetryAfter != 7*time.Second || !e.Retryable {
		t.Fatalf("%+v", err)
	}
	if e.Headers["retry-after"] != "7" || e.Headers["x-request-id"] != "request-1" {
		t.Errorf("%v", e.Headers)
	}
	e.Headers = nil
	sameJSON(t, e, `{"kind":"rate_limit","code":"RATE_LIMIT_EXCEEDED","message":"Too many.","httpStatus":429,"requestId":"request-1",
		"retryable":true,"retryAfter":7,"details":null,"oauthError":null,"retryCount":0,"cause":null,"headers":null}`)
}

func TestOptionsReachTheWire(t *testing.T) {
	s := fake(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Echo", r.Header.Get("X-Custom")+" "+r.Header.Get("X-Request-Id"))
		answer(200, agentJSON)(w, r)
	})
	var response agentidp.Response
	_, err := s.client(t).Agents.GetAgent(context.Background(), clientID, nil,
		agentidp.WithHeader("X-Custom", "one"), agentidp.WithRequestID("mine"), agentidp.WithResponse(&response))
	if err != nil {
		t.Fatal(err)
	}
	if response.HTTPStatus != 200 || response.Header("x-echo") != "one mine" || response.RequestID != "request-1" || response.Header("none") != "" {
		t.Errorf("%+v", response)
	}
}

// blocking answers nothing until the client goes away, and says when each happened.
func blocking() (handler http.HandlerFunc, arrived, gone chan struct{}) {
	arrived, gone = make(chan struct{}, 1), make(chan struct{}, 1)
	return func(_ http.ResponseWriter, r *http.Request) {
		arrived <- struct{}{}
		<-r.Context().Done()
		gone <- struct{}{}
	}, arrived, gone
}

func TestCancellingEndsTheRequestOnTheWire(t *testing.T) {
	handler, arrived, gone := blocking()
	client := fake(t, handler).client(t)
	ctx, cancel := context.WithCancelCause(context.Background())
	reason := errors.New("the user left")
	failed := make(chan error)
	go func() {
		_, err := client.Agents.GetAgent(ctx, clientID)
		failed <- err
	}()
	<-arrived
	cancel(reason)
	err := <-failed
	<-gone
	var e *agentidp.AgentIdPError
	if !errors.Is(err, context.Canceled) || !errors.Is(err, agentidp.ErrCancelled) || !errors.Is(err, reason) {
		t.Errorf("%v", err)
	}
	if !errors.As(err, &e) || e.Kind != agentidp.KindCancelled || e.Code != agentidp.CodeCancelled {
		t.Errorf("%v", err)
	}
}

func TestACancelledContextStartsNothing(t *testing.T) {
	s := fake(t, func(http.ResponseWriter, *http.Request) { t.Error("a request came") })
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := s.client(t).Agents.GetAgent(ctx, clientID); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if s.tokens.Load() != 0 {
		t.Error("a token was asked for")
	}
}

func TestADeadlineIsTheCallsTimeout(t *testing.T) {
	for name, call := range map[string]func(*agentidp.AgentIdPClient) error{
		"of the context": func(client *agentidp.AgentIdPClient) error {
			ctx, cancel := context.WithTimeout(context.Background(), 30*time.Millisecond)
			defer cancel()
			_, err := client.Agents.GetAgent(ctx, clientID)
			return err
		},
		"of the call": func(client *agentidp.AgentIdPClient) error {
			_, err := client.Agents.GetAgent(context.Background(), clientID, agentidp.WithTimeout(30*time.Millisecond))
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			handler, _, gone := blocking()
			err := call(fake(t, handler).client(t))
			<-gone
			var timeout interface{ Timeout() bool }
			if !errors.Is(err, agentidp.ErrTimeout) || !errors.Is(err, context.DeadlineExceeded) || !errors.As(err, &timeout) || !timeout.Timeout() {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestManyGoroutinesShareOneToken(t *testing.T) {
	var calls atomic.Int64
	s := fake(t, func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		answer(200, agentJSON)(w, r)
	})
	client := s.client(t)
	const count = 1000
	var done sync.WaitGroup
	failures := make(chan error, count)
	for range count {
		done.Add(1)
		go func() {
			defer done.Done()
			if _, err := client.Agents.GetAgent(context.Background(), clientID); err != nil {
				failures <- err
			}
		}()
	}
	done.Wait()
	close(failures)
	for err := range failures {
		t.Error(err)
	}
	if calls.Load() != count || s.tokens.Load() != 1 {
		t.Errorf("%d calls, %d token requests", calls.Load(), s.tokens.Load())
	}
}

func TestALargeAnswerArrivesWhole(t *testing.T) {
	owner := strings.Repeat("x", 700<<10)
	s := fake(t, answer(200, strings.Replace(agentJSON, "screener-001", owner, 1)))
	agent, err := s.client(t).Agents.GetAgent(context.Background(), clientID)
	if err != nil || agent.Email != owner+"@sentryagent.ai" {
		t.Fatal(err)
	}
}

func TestAClosedClientSaysSo(t *testing.T) {
	client := fake(t, answer(200, agentJSON)).client(t)
	for range 2 {
		if err := client.Close(); err != nil {
			t.Fatal(err)
		}
	}
	_, err := client.Agents.GetAgent(context.Background(), clientID)
	var e *agentidp.AgentIdPError
	if !errors.As(err, &e) || e.Code != agentidp.CodeClientClosed || !errors.Is(err, agentidp.ErrConfiguration) {
		t.Fatal(err)
	}
}

func TestAWrongConfigurationIsToldByErrAndByEveryCall(t *testing.T) {
	client := agentidp.NewAgentIdPClient(agentidp.AgentIdPClientConfig{BaseURL: "http://idp.example.com", ClientID: clientID, ClientSecret: secret})
	_, err := client.Agents.GetAgent(context.Background(), clientID)
	for _, err := range []error{client.Err(), err} {
		if !errors.Is(err, agentidp.ErrConfiguration) || strings.Contains(fmt.Sprintf("%+v", err), secret) {
			t.Errorf("%v", err)
		}
	}
	if client.ExplainConfiguration() != nil || client.Close() != nil {
		t.Error("a client without configuration explains nothing and closes")
	}
	client.ClearTokenCache()
	var service agentidp.AgentsClient
	if _, err := service.GetAgent(context.Background(), clientID); !errors.Is(err, agentidp.ErrConfiguration) {
		t.Errorf("%v", err)
	}
}

func TestTheEnvironmentConfigures(t *testing.T) {
	s := fake(t, answer(200, agentJSON))
	t.Setenv("AGENTIDP_BASE_URL", s.URL)
	t.Setenv("AGENTIDP_CLIENT_ID", clientID)
	t.Setenv("AGENTIDP_CLIENT_SECRET", secret)
	client := agentidp.NewAgentIdPClient(agentidp.AgentIdPClientConfig{})
	defer client.Close()
	if _, err := client.Agents.GetAgent(context.Background(), clientID); err != nil {
		t.Fatal(err)
	}
	explained := client.ExplainConfiguration()
	if id := explained["clientId"]; id.Value != clientID || id.Source != "environment AGENTIDP_CLIENT_ID" {
		t.Error(explained)
	}
	if text := fmt.Sprint(explained); !strings.Contains(text, s.URL) || strings.Contains(text, secret) {
		t.Error(text)
	}
}

func TestATokenManagerSharesOneToken(t *testing.T) {
	s := fake(t, nil)
	manager := agentidp.NewTokenManager(s.URL, clientID, secret, "agents:read")
	for range 3 {
		if token, err := manager.GetToken(context.Background()); err != nil || token != "token-1" {
			t.Fatal(token, err)
		}
	}
	if s.tokens.Load() != 1 {
		t.Errorf("%d token requests", s.tokens.Load())
	}
	manager.ClearTokenCache()
	if _, err := manager.GetToken(context.Background()); err != nil || s.tokens.Load() != 2 {
		t.Error(err, s.tokens.Load())
	}
	if err := manager.Close(); err != nil {
		t.Error(err)
	}
	if _, err := manager.GetToken(context.Background()); !errors.Is(err, agentidp.ErrConfiguration) {
		t.Errorf("closed: %v", err)
	}
}
