// Quick start: get a token and read the client's own agent. The configuration comes from
// AGENTIDP_BASE_URL, AGENTIDP_CLIENT_ID and AGENTIDP_CLIENT_SECRET.
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	agentidp "github.com/sentryagent/idp-sdk-go"
)

func main() {
	ctx := context.Background()
	client := agentidp.NewAgentIdPClient(agentidp.AgentIdPClientConfig{})
	defer client.Close()

	token, err := client.Tokens.IssueToken(ctx, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("token: lives for %d s\n", token.ExpiresIn)

	agent, err := client.Agents.GetAgent(ctx, os.Getenv("AGENTIDP_CLIENT_ID"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("agent: %s is %s\n", agent.Email, agent.Status)
}
