package agentidp_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	agentidp "github.com/sentryagent/idp-sdk-go"
)

// sdkSnippet is what the documentation promises, word by word, with its ellipses filled.
func sdkSnippet(ctx context.Context, url, id, secret, email string) error {
	client := agentidp.NewAgentIdPClient(agentidp.AgentIdPClientConfig{BaseURL: url, ClientID: id, ClientSecret: secret, Scope: "agents:read agents:write"})
	agent, err := client.Agents.RegisterAgent(ctx, agentidp.RegisterAgentRequest{Email: email, DeploymentEnv: "production"})
	if err != nil {
		return err
	}
	list, err := client.Agents.ListAgents(ctx, &agentidp.ListAgentsParams{Status: "active", Page: 1, Limit: 20})
	if err != nil || list.Total != 3 {
		return fmt.Errorf("list: %v %w", list, err)
	}
	cred, err := client.Credentials.GenerateCredential(ctx, agent.AgentID, nil)
	if err != nil {
		return err
	}
	rotated, err := client.Credentials.RotateCredential(ctx, agent.AgentID, cred.CredentialID, nil)
	var e *agentidp.AgentIdPError
	if errors.As(err, &e) {
		return fmt.Errorf("%s %d %v", e.Code, e.HTTPStatus, e.Details)
	}
	if rotated.ClientSecret != "sk_live_new" {
		return fmt.Errorf("rotated: %v", rotated)
	}
	return nil
}

// request is what the fake server was asked.
type request struct{ line, body, key string }

// scripted answers by method and path, and keeps what it was asked.
func scripted(t *testing.T, answers map[string]string) (*server, func() []request) {
	t.Helper()
	var mu sync.Mutex
	var asked []request
	s := fake(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		line := r.Method + " " + r.URL.RequestURI()
		mu.Lock()
		asked = append(asked, request{line, string(body), r.Header.Get("Idempotency-Key")})
		mu.Unlock()
		found, ok := answers[line]
		switch {
		case !ok:
			answer(404, `{"code":"NOT_FOUND","message":"`+line+`"}`)(w, r)
		case found == "":
			w.WriteHeader(204)
		case r.Method == http.MethodPost && strings.HasPrefix(r.URL.Path, "/api/v1/agents") && !strings.HasSuffix(r.URL.Path, "rotate"):
			answer(201, found)(w, r)
		default:
			answer(200, found)(w, r)
		}
	})
	return s, func() []request {
		mu.Lock()
		defer mu.Unlock()
		return asked
	}
}

const credentialJSON = `{"credentialId":"0192f8c4-7d1e-7c3a-9f5b-2f6f1d0c8a12","clientId":"0192f8c4-7d1e-7c3a-9f5b-2f6f1d0c8a11","status":"active",` +
	`"scopes":null,"createdAt":"2026-03-28T09:00:00.000Z","expiresAt":null,"revokedAt":null,"lastUsedAt":null,"clientSecret":"sk_live_new"}`

func page(number, total int, items ...string) string {
	return fmt.Sprintf(`{"data":[%s],"total":%d,"page":%d,"limit":2}`, strings.Join(items, ","), total, number)
}

func TestTheDocumentedSnippetRuns(t *testing.T) {
	path := "/api/v1/agents/" + clientID + "/credentials"
	s, asked := scripted(t, map[string]string{
		"POST /api/v1/agents":                              agentJSON,
		"GET /api/v1/agents?status=active&page=1&limit=20": page(1, 3, agentJSON),
		"POST " + path:                                     credentialJSON,
		"POST " + path + "/0192f8c4-7d1e-7c3a-9f5b-2f6f1d0c8a12/rotate": credentialJSON,
	})
	if err := sdkSnippet(context.Background(), s.URL, clientID, secret, "a@example.com"); err != nil {
		t.Error(err)
	}
	for _, r := range asked() {
		if strings.HasPrefix(r.line, "POST") && r.key == "" {
			t.Errorf("%s has no idempotency key", r.line)
		}
	}
}

func TestFalseAndAbsentDiffer(t *testing.T) {
	s, asked := scripted(t, map[string]string{"PATCH /api/v1/agents/" + clientID: agentJSON})
	client := s.client(t)
	for _, body := range []agentidp.UpdateAgentRequest{
		{IsPublic: agentidp.Ptr(false)},
		{Capabilities: []string{}, Owner: agentidp.Ptr("")},
		{Status: agentidp.Ptr(agentidp.AgentStatusSuspended)},
	} {
		if _, err := client.Agents.UpdateAgent(context.Background(), clientID, body); err != nil {
			t.Fatal(err)
		}
	}
	var bodies []string
	for _, r := range asked() {
		bodies = append(bodies, r.body)
	}
	if have := strings.Join(bodies, " "); have != `{"isPublic":false} {"capabilities":[],"owner":""} {"status":"suspended"}` {
		t.Error(have)
	}
}

func TestAnEmptyAnswerIsNoError(t *testing.T) {
	s, _ := scripted(t, map[string]string{"DELETE /api/v1/agents/" + clientID: ""})
	var response agentidp.Response
	if err := s.client(t).Agents.DecommissionAgent(context.Background(), clientID, agentidp.WithResponse(&response)); err != nil || response.HTTPStatus != 204 {
		t.Error(err, response)
	}
}

func TestAListGoesOnByPages(t *testing.T) {
	s, asked := scripted(t, map[string]string{
		"GET /api/v1/agents?limit=2":        page(1, 5, agentJSON, agentJSON),
		"GET /api/v1/agents?page=2&limit=2": page(2, 5, agentJSON, agentJSON),
		"GET /api/v1/agents?page=3&limit=2": page(3, 5, agentJSON),
	})
	client := s.client(t)
	params := &agentidp.ListAgentsParams{Limit: 2}
	list := client.Agents.ListAgentsAll(context.Background(), params)
	for range 2 {
		found := 0
		for agent, err := range list {
			if err != nil || agent.AgentID != clientID {
				t.Fatal(agent, err)
			}
			found++
		}
		if found != 5 {
			t.Errorf("%d agents", found)
		}
	}
	for range list {
		break
	}
	if n := len(asked()); n != 7 || params.Page != 0 {
		t.Errorf("%d requests, page %d: each loop begins anew and fetches only what it needs", n, params.Page)
	}
}

func TestAListGoesOnByCursorAndEndsWithItsError(t *testing.T) {
	event := `{"eventId":"0192f8c4-7d1e-7c3a-9f5b-2f6f1d0c8a13","sequence":1,"organizationId":"0192f8c4-7d1e-7c3a-9f5b-2f6f1d0c8a00","agentId":null,` +
		`"action":"agent.created","outcome":"success","ipAddress":"127.0.0.1","userAgent":"x","metadata":{"n":1},"timestamp":"2026-03-28T09:00:00.000Z",` +
		`"salt":"s","payloadHash":"p","previousHash":"q","hash":"h"}`
	s, _ := scripted(t, map[string]string{
		"GET /api/v1/audit":            `{"data":[` + event + `],"total":3,"totalIsExact":true,"limit":1,"page":1,"nextCursor":"two"}`,
		"GET /api/v1/audit?cursor=two": `{"data":[` + event + `],"total":3,"totalIsExact":true,"limit":1,"page":1,"nextCursor":"three"}`,
	})
	var steps []string
	for event, err := range s.client(t).Audit.QueryAuditLogAll(context.Background(), nil) {
		if err != nil {
			steps = append(steps, fmt.Sprint(event == nil, errors.Is(err, agentidp.ErrNotFound)))
			continue
		}
		steps = append(steps, string(event.Action))
	}
	if have := strings.Join(steps, ", "); have != "agent.created, agent.created, true true" {
		t.Error(have)
	}
}

func TestAPositionalFieldIsSentWithTheRest(t *testing.T) {
	s, asked := scripted(t, map[string]string{"POST /api/v1/token/introspect": `{"active":false}`})
	told, err := s.client(t).Tokens.IntrospectToken(context.Background(), "some-token", &agentidp.IntrospectTokenRequest{TokenTypeHint: "access_token"})
	if err != nil {
		t.Fatal(err)
	}
	sameJSON(t, told, `{"active":false}`)
	if r := asked(); r[0].body != "token=some-token&token_type_hint=access_token" {
		t.Error(r)
	}
}

func TestAnUnknownFieldOfAListSurvives(t *testing.T) {
	s, _ := scripted(t, map[string]string{"GET /api/v1/agents": strings.Replace(page(1, 1, agentJSON), "{", `{"facets":{"a":1},`, 1)})
	list, err := s.client(t).Agents.ListAgents(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if !json.Valid(list.Extra["facets"]) || list.Data[0].Extra["shoeSize"] == nil {
		t.Error(list)
	}
}
