// Quick start: AGENTIDP_BASE_URL, AGENTIDP_CLIENT_ID and AGENTIDP_CLIENT_SECRET say where and who.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	agentidp "github.com/sentryagent/idp-sdk-go"
)

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}

func main() {
	ctx := context.Background()
	client := agentidp.NewAgentIdPClient(agentidp.AgentIdPClientConfig{})
	defer client.Close()

	agent := must(client.Agents.RegisterAgent(ctx, agentidp.RegisterAgentRequest{
		Email: fmt.Sprintf("screener-%d@example.com", time.Now().UnixNano()), AgentType: agentidp.AgentTypeScreener,
		Version: "1.0.0", Capabilities: []string{"resume:read"}, Owner: "talent", DeploymentEnv: "development",
	}))
	fmt.Printf("register: %s is %s\n", agent.Email, agent.Status)

	list := must(client.Agents.ListAgents(ctx, &agentidp.ListAgentsParams{Status: "active", Page: 1, Limit: 20}))
	fmt.Printf("list: %d active agents\n", list.Total)

	cred := must(client.Credentials.GenerateCredential(ctx, agent.AgentID, nil))
	fmt.Printf("credential: %s is %s\n", cred.CredentialID, cred.Status)
	me := agentidp.NewAgentIdPClient(agentidp.AgentIdPClientConfig{ClientID: agent.AgentID, ClientSecret: cred.ClientSecret})
	defer me.Close()
	token := must(me.Tokens.IssueToken(ctx, nil))
	myself := must(me.Agents.GetAgent(ctx, agent.AgentID))
	fmt.Printf("token: lives %d s, and %s can read itself\n", token.ExpiresIn, myself.Email)

	told := must(client.Tokens.IntrospectToken(ctx, token.AccessToken, nil))
	fmt.Printf("introspect: active is %t\n", told.Active)
	rotated := must(client.Credentials.RotateCredential(ctx, agent.AgentID, cred.CredentialID, nil))
	fmt.Printf("rotate: %s has a new secret\n", rotated.CredentialID)

	_, err := client.Agents.GetAgent(ctx, "00000000-0000-4000-8000-000000000000")
	var e *agentidp.AgentIdPError
	if errors.Is(err, agentidp.ErrNotFound) && errors.As(err, &e) {
		fmt.Printf("not-found: %s (%d)\n", e.Code, e.HTTPStatus)
	}

	trail := must(client.Audit.QueryAuditLog(ctx, &agentidp.QueryAuditLogParams{AgentID: agent.AgentID}))
	fmt.Printf("audit: %d events\n", len(trail.Data))
	must(0, client.Agents.DecommissionAgent(ctx, agent.AgentID))
	fmt.Printf("decommission: %s is gone\n", agent.Email)
}
