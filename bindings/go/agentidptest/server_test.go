package agentidptest_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	agentidp "github.com/sentryagent/idp-sdk-go"
	"github.com/sentryagent/idp-sdk-go/agentidptest"
	"github.com/sentryagent/idp-sdk-go/internal/nativetest"
)

func TestMain(m *testing.M) {
	nativetest.Use()
	os.Exit(m.Run())
}

func TestAServerAnswersAndTells(t *testing.T) {
	server := agentidptest.NewServer(t)
	client := server.Client()
	me, err := client.Agents.GetAgent(context.Background(), server.ClientID)
	if err != nil || me.OrganizationID != server.OrganizationID {
		t.Fatal(me, err)
	}
	var paths []string
	for _, r := range server.Requests() {
		paths = append(paths, r.Method+" "+r.Path)
		if text := fmt.Sprint(r); strings.Contains(text, server.ClientSecret) {
			t.Errorf("a secret was recorded: %s", text)
		}
	}
	if want := "POST /api/v1/token, GET /api/v1/agents/" + server.ClientID; strings.Join(paths, ", ") != want {
		t.Errorf("%q, not %q", paths, want)
	}
	server.Reset()
	if left := server.Requests(); len(left) != 0 {
		t.Errorf("%v", left)
	}
	if text := fmt.Sprintf("%+v %#v", server, server); strings.Contains(text, server.ClientSecret) {
		t.Error(text)
	}
}

func TestTimePassesForServerAndClient(t *testing.T) {
	server := agentidptest.NewServer(t)
	client := server.Client()
	ctx := context.Background()
	get := func() {
		t.Helper()
		if _, err := client.Agents.GetAgent(ctx, server.ClientID); err != nil {
			t.Fatal(err)
		}
	}
	tokens := func() (n int) {
		for _, r := range server.Requests() {
			if strings.HasSuffix(r.Path, "/token") {
				n++
			}
		}
		return n
	}
	get()
	get()
	if n := tokens(); n != 1 {
		t.Fatalf("%d token requests", n)
	}
	// Longer than any token lives: one that was cached by an unmoved clock would be refused.
	server.Clock.Advance(48 * time.Hour)
	get()
	if n := tokens(); n != 2 {
		t.Errorf("%d token requests", n)
	}
}

func TestFaultsAreServed(t *testing.T) {
	server := agentidptest.NewServer(t)
	client := server.Client()
	ctx := context.Background()
	if _, err := client.TokenManager().GetToken(ctx); err != nil {
		t.Fatal(err)
	}
	server.FailNext(agentidptest.Fault{Status: 409, Code: "MADE_UP", Path: "/api/v1/agents"})
	_, err := client.Agents.GetAgent(ctx, server.ClientID)
	var e *agentidp.AgentIdPError
	if !errors.As(err, &e) || !errors.Is(err, agentidp.ErrConflict) || e.Code != "MADE_UP" {
		t.Error(err)
	}
	server.FailNext(agentidptest.Fault{Status: 429, RetryAfter: 7 * time.Second})
	_, err = client.Agents.GetAgent(ctx, server.ClientID, agentidp.WithRetries(0))
	if !errors.As(err, &e) || !errors.Is(err, agentidp.ErrRateLimit) || e.RetryAfter != 7*time.Second {
		t.Error(err)
	}
	server.FailNext(agentidptest.Fault{Cut: true})
	if _, err = client.Agents.GetAgent(ctx, server.ClientID, agentidp.WithRetries(0)); !errors.Is(err, agentidp.ErrConnection) {
		t.Error(err)
	}
}

func TestABackoffIsWaitedForByTheClock(t *testing.T) {
	server := agentidptest.NewServer(t)
	client := server.Client()
	ctx := context.Background()
	server.Clock.SDK.SetRandom(1)
	if _, err := client.TokenManager().GetToken(ctx); err != nil {
		t.Fatal(err)
	}
	server.FailNext(agentidptest.Fault{Count: 2})
	var response agentidp.Response
	done := make(chan error, 1)
	go func() {
		_, err := client.Agents.GetAgent(ctx, server.ClientID, agentidp.WithResponse(&response))
		done <- err
	}()
	for range 2 {
		pause, err := server.Clock.SDK.Sleeping(8*time.Second, 30*time.Second)
		if err != nil || pause <= 0 {
			t.Fatal(pause, err)
		}
		server.Clock.SDK.Advance(pause)
	}
	if err := <-done; err != nil || response.RetryCount != 2 {
		t.Error(err, response.RetryCount)
	}
}

func TestTheAuditChainIsVerifiedHere(t *testing.T) {
	server := agentidptest.NewServer(t)
	client := server.Client()
	ctx := context.Background()
	for i := range 3 {
		if _, err := client.Agents.RegisterAgent(ctx, agentidp.RegisterAgentRequest{
			Email: fmt.Sprintf("a%d@example.com", i), AgentType: agentidp.AgentTypeScreener, Version: "1.0.0",
			Capabilities: []string{}, Owner: "o", DeploymentEnv: agentidp.DeploymentEnvDevelopment,
		}); err != nil {
			t.Fatal(err)
		}
	}
	var events []agentidp.AuditEvent
	for event, err := range client.Audit.QueryAuditLogAll(ctx, nil) {
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, *event)
	}
	told, err := agentidp.VerifyAuditEvents(events)
	if err != nil || !told.Verified || told.CheckedCount != len(events) || told.BrokenAtEventID != nil || len(events) < 4 {
		t.Fatal(told, err)
	}
	changed := events[len(events)/2]
	changed.IPAddress = "192.0.2.1"
	events[len(events)/2] = changed
	told, err = agentidp.VerifyAuditEvents(events)
	if err != nil || told.Verified || told.BrokenAtEventID == nil || *told.BrokenAtEventID != changed.EventID {
		t.Error(told, err)
	}
	if _, err := agentidp.VerifyAuditEvents(append(events[:1:1], events[3:]...)); err == nil {
		if told, _ := agentidp.VerifyAuditEvents(append(events[:1:1], events[3:]...)); told.Verified {
			t.Error("a gap was not seen")
		}
	}
}

func TestARevokedTokenIsRefusedByAVerifierWithAClient(t *testing.T) {
	server := agentidptest.NewServer(t)
	client := server.Client()
	ctx := context.Background()
	metadata, err := client.OIDC.GetOpenIDConfiguration(ctx)
	if err != nil {
		t.Fatal(err)
	}
	issued, err := client.Tokens.IssueToken(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	config := agentidp.TokenVerifierConfig{Issuer: metadata.Issuer, Audience: []string{metadata.Issuer}, Clock: server.Clock.SDK}
	alone := agentidp.NewTokenVerifier(config)
	config.Client = client
	asking := agentidp.NewTokenVerifier(config)
	for _, verifier := range []*agentidp.TokenVerifier{alone, asking} {
		if token, err := verifier.Verify(ctx, issued.AccessToken); err != nil || token.Subject != server.ClientID {
			t.Fatal(token, err)
		}
	}
	if err := client.Tokens.RevokeToken(ctx, issued.AccessToken, nil); err != nil {
		t.Fatal(err)
	}
	_, err = asking.Verify(ctx, issued.AccessToken)
	var e *agentidp.AgentIdPError
	if !errors.As(err, &e) || e.Details["reason"] != "revoked" {
		t.Error(err)
	}
	if _, err := alone.Verify(ctx, issued.AccessToken); err != nil {
		t.Error("a verifier that asks nobody cannot know:", err)
	}
}
