package agentidp_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
	"time"

	agentidp "github.com/sentryagent/idp-sdk-go"
)

// journal is a logger that keeps what it is told.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	agentidp.FlushLogs()
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

func (j *journal) logger(level slog.Leveler) *slog.Logger {
	return slog.New(slog.NewJSONHandler(j, &slog.HandlerOptions{Level: level}))
}

func TestRecordsGoToTheClientsOwnLogger(t *testing.T) {
	s := fake(t, answer(200, agentJSON))
	var one, two, quiet journal
	logging := func(j *journal, level slog.Leveler) func(*agentidp.AgentIdPClientConfig) {
		return func(c *agentidp.AgentIdPClientConfig) { c.Logger = j.logger(level) }
	}
	first := s.client(t, logging(&one, agentidp.LevelTrace))
	second := s.client(t, logging(&two, agentidp.LevelTrace))
	s.client(t, logging(&quiet, slog.LevelError))
	for _, client := range []*agentidp.AgentIdPClient{first, first, second} {
		if _, err := client.Agents.GetAgent(context.Background(), clientID); err != nil {
			t.Fatal(err)
		}
	}
	_ = first.Close()
	calls := func(j *journal) int { return strings.Count(j.String(), `"operation":"getAgent"`) }
	if a, b := calls(&one), calls(&two); a == 0 || a != 2*b {
		t.Errorf("%d records of two calls, %d of one:\n%s\n%s", a, b, &one, &two)
	}
	if quiet.String() != "" {
		t.Errorf("%s", &quiet)
	}
	if !strings.Contains(one.String(), "closed") {
		t.Errorf("the last record is missing:\n%s", &one)
	}
}

func TestALoggersLevelMayChange(t *testing.T) {
	s := fake(t, answer(200, agentJSON))
	var log journal
	var level slog.LevelVar
	level.Set(slog.LevelError)
	client := s.client(t, func(c *agentidp.AgentIdPClientConfig) { c.Logger = log.logger(&level) })
	call := func() {
		if _, err := client.Agents.GetAgent(context.Background(), clientID); err != nil {
			t.Fatal(err)
		}
	}
	call()
	if log.String() != "" {
		t.Errorf("%s", &log)
	}
	level.Set(agentidp.LevelTrace)
	call()
	if log.String() == "" {
		t.Error("nothing was logged")
	}
}

func TestABackgroundRenewalIsLogged(t *testing.T) {
	clock := agentidp.NewManualClock()
	asked := make(chan struct{}, 16)
	first := true
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/api/v1/token" {
			answer(200, agentJSON)(w, r)
			return
		}
		status, body := 503, `{"code":"SERVICE_UNAVAILABLE","message":"Not now."}`
		if first {
			status, body = 200, `{"access_token":"token-1","token_type":"Bearer","expires_in":3600,"scope":"agents:read"}`
		}
		first = false
		answer(status, body)(w, r)
		asked <- struct{}{}
	})
	var log journal
	client := agentidp.NewAgentIdPClient(agentidp.AgentIdPClientConfig{
		BaseURL: s.URL, ClientID: clientID, ClientSecret: secret, Clock: clock, Logger: log.logger(slog.LevelWarn),
	})
	defer client.Close()
	ctx := context.Background()
	if _, err := client.Agents.GetAgent(ctx, clientID); err != nil {
		t.Fatal(err)
	}
	<-asked
	clock.Advance(58 * time.Minute)
	if _, err := client.Agents.GetAgent(ctx, clientID); err != nil {
		t.Fatal("the old token lives:", err)
	}
	<-asked
	eventually(t, "a warning about the renewal", func() bool { return strings.Contains(log.String(), `"level":"WARN"`) })
	if strings.Contains(log.String(), secret) || strings.Contains(log.String(), "token-1") {
		t.Errorf("%s", &log)
	}
}

func TestTheTraceparentIsPassedOn(t *testing.T) {
	const hook, own, header = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "00-11111111111111111111111111111111-2222222222222222-01",
		"00-33333333333333333333333333333333-4444444444444444-00"
	s := fake(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Seen", r.Header.Get("traceparent"))
		answer(200, agentJSON)(w, r)
	})
	type key struct{}
	client := s.client(t, func(c *agentidp.AgentIdPClientConfig) {
		c.Traceparent = func(ctx context.Context) string { value, _ := ctx.Value(key{}).(string); return value }
	})
	background := context.Background()
	for name, c := range map[string]struct {
		ctx  context.Context
		opts []agentidp.CallOption
		want string
	}{
		"none":      {background, nil, ""},
		"hook":      {context.WithValue(background, key{}, hook), nil, hook},
		"context":   {agentidp.WithTraceparent(context.WithValue(background, key{}, hook), own), nil, own},
		"header":    {agentidp.WithTraceparent(background, own), []agentidp.CallOption{agentidp.WithHeader("Traceparent", header)}, header},
		"malformed": {agentidp.WithTraceparent(background, "00-\r\nX: y"), nil, ""},
	} {
		var response agentidp.Response
		_, err := client.Agents.GetAgent(c.ctx, clientID, append(c.opts, agentidp.WithResponse(&response))...)
		if seen := response.Header("x-seen"); err != nil || seen != c.want {
			t.Errorf("%s: %q, %v", name, seen, err)
		}
	}
}

func TestEveryKindOfErrorIsToldApart(t *testing.T) {
	sentinels := []error{
		agentidp.ErrAuthentication, agentidp.ErrPermission, agentidp.ErrNotFound, agentidp.ErrConflict, agentidp.ErrValidation,
		agentidp.ErrRateLimit, agentidp.ErrServer, agentidp.ErrConnection, agentidp.ErrTimeout, agentidp.ErrCancelled,
		agentidp.ErrConfiguration, agentidp.ErrDecoding,
	}
	for status, want := range map[int]error{
		401: agentidp.ErrAuthentication, 403: agentidp.ErrPermission, 404: agentidp.ErrNotFound, 410: agentidp.ErrNotFound,
		409: agentidp.ErrConflict, 400: agentidp.ErrValidation, 422: agentidp.ErrValidation, 429: agentidp.ErrRateLimit,
		500: agentidp.ErrServer, 503: agentidp.ErrServer, 408: agentidp.ErrTimeout, 302: agentidp.ErrDecoding,
	} {
		s := fake(t, answer(status, `{"code":"SOME_CODE","message":"Some message.","details":{"why":"so"}}`))
		var response agentidp.Response
		_, err := s.client(t).Agents.GetAgent(context.Background(), clientID, agentidp.WithRetries(0), agentidp.WithResponse(&response))
		wrapped := fmt.Errorf("wrapped: %w", err)
		for _, sentinel := range sentinels {
			if errors.Is(wrapped, sentinel) != (sentinel == want) {
				t.Errorf("%d: %v is %v", status, err, sentinel)
			}
		}
		var e *agentidp.AgentIdPError
		if !errors.As(wrapped, &e) || e.HTTPStatus != status || e.RequestID != "request-1" || e.Headers["x-request-id"] != "request-1" {
			t.Errorf("%d: %+v", status, e)
		}
		if response.HTTPStatus != status || response.RequestID != "request-1" || response.Header("Content-Type") != "application/json" {
			t.Errorf("%d: raw %+v", status, response)
		}
		if want != agentidp.ErrDecoding && (e.Code != "SOME_CODE" || e.Details["why"] != "so") {
			t.Errorf("%d: %v", status, e)
		}
	}
}

func TestAListEndsWithItsContext(t *testing.T) {
	s, asked := scripted(t, map[string]string{
		"GET /api/v1/agents?limit=2":        page(1, 5, agentJSON, agentJSON),
		"GET /api/v1/agents?page=2&limit=2": page(2, 5, agentJSON, agentJSON),
	})
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var found int
	var ended error
	for agent, err := range s.client(t).Agents.ListAgentsAll(ctx, &agentidp.ListAgentsParams{Limit: 2}) {
		if err != nil {
			ended = err
			continue
		}
		if agent == nil {
			t.Fatal("no agent and no error")
		}
		if found++; found == 2 {
			cancel()
		}
	}
	if found != 2 || !errors.Is(ended, context.Canceled) || len(asked()) != 1 {
		t.Errorf("%d agents, %v, %v", found, ended, asked())
	}
}

// TestNoSecretShowsAnywhere greps everything that Go shows for every secret that was used.
func TestNoSecretShowsAnywhere(t *testing.T) {
	const token, issued, proxyPassword, headerKey = "token-hunter2", "sk_live_hunter2", "proxy-hunter2", "header-hunter2"
	secrets := []string{secret, token, issued, proxyPassword, headerKey}
	var log journal
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.Path, "/token"):
			answer(200, `{"access_token":"`+token+`","token_type":"Bearer","expires_in":3600,"scope":"agents:read"}`)(w, r)
		case r.Method == http.MethodPost:
			answer(201, strings.Replace(credentialJSON, "sk_live_new", issued, 1))(w, r)
		case strings.HasSuffix(r.URL.Path, "broken"):
			answer(200, `{"clientSecret":"`+issued+`"`)(w, r)
		default:
			answer(401, `{"code":"UNAUTHORIZED","message":"No."}`)(w, r)
		}
	})
	config := agentidp.AgentIdPClientConfig{
		BaseURL: s.URL, ClientID: clientID, ClientSecret: secret, Headers: map[string]string{"X-Api-Key": headerKey},
		Logger: log.logger(agentidp.LevelTrace), Retries: agentidp.Ptr(0),
	}
	client := agentidp.NewAgentIdPClient(config)
	config.Proxy = "http://user:" + proxyPassword + "@proxy.example.com"
	broken := agentidp.NewAgentIdPClient(agentidp.AgentIdPClientConfig{BaseURL: "ftp://x", ClientID: clientID, ClientSecret: secret, Proxy: config.Proxy})
	ctx := context.Background()
	credential, err := client.Credentials.GenerateCredential(ctx, clientID, nil)
	if err != nil || credential.ClientSecret != issued {
		t.Fatal(credential, err)
	}
	given, err := client.Tokens.IssueToken(ctx, nil)
	if err != nil || given.AccessToken != token {
		t.Fatal(given, err)
	}
	_, refused := client.Agents.GetAgent(ctx, clientID)
	_, undecodable := client.Agents.GetAgent(ctx, "broken")
	request := agentidp.IssueTokenRequest{ClientSecret: secret}
	things := []any{
		client, *client, config, &config, client.TokenManager(), broken, broken.Err(), client.ExplainConfiguration(),
		credential, *credential, given, *given, []agentidp.TokenResponse{*given}, map[string]any{"t": given}, struct{ T *agentidp.TokenResponse }{given},
		request, &request, refused, undecodable, agentidp.WithHeader("X-Api-Key", headerKey),
	}
	var shown strings.Builder
	for _, handler := range []slog.Handler{slog.NewTextHandler(&shown, nil), slog.NewJSONHandler(&shown, nil)} {
		for _, thing := range things {
			slog.New(handler).Info("thing", "thing", thing, "list", []any{thing}, slog.Group("group", "thing", thing))
		}
	}
	for _, thing := range things {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			fmt.Fprintf(&shown, verb+"\n", thing)
		}
		if text, err := json.Marshal(thing); err == nil {
			shown.Write(text)
		}
		func() {
			defer func() { fmt.Fprintf(&shown, "panic: %v\n%s\n", recover(), debug.Stack()) }()
			panic(thing)
		}()
	}
	_ = client.Close()
	shown.WriteString(log.String())
	if log.String() == "" {
		t.Error("nothing was logged, so nothing was proved")
	}
	for _, hidden := range secrets {
		for _, form := range []string{hidden, fmt.Sprintf("%x", hidden)} {
			if at := strings.Index(shown.String(), form); at >= 0 {
				t.Errorf("%s shows in …%s…", hidden, shown.String()[max(at-200, 0):min(at+60, shown.Len())])
			}
		}
	}
}
