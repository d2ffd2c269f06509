package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	agentidp "github.com/sentryagent/idp-sdk-go"
)

// project is the SDK.
type project struct{ client *agentidp.AgentIdPClient }

func newProject(baseURL string) (client, error) {
	c := agentidp.NewAgentIdPClient(agentidp.AgentIdPClientConfig{BaseURL: baseURL, ClientID: "bench", ClientSecret: "sk_live_bench"})
	return &project{c}, c.Err()
}

func (p *project) name() string { return "idp-sdk-go (" + loader + ")" }

func (p *project) get() error {
	found, err := p.client.Agents.GetAgent(context.Background(), agent)
	if err != nil {
		return err
	}
	return look(found.Email, string(found.Status), found.CreatedAt)
}

func (p *project) list() error {
	page, err := p.client.Agents.ListAgents(context.Background(), &agentidp.ListAgentsParams{Limit: 100})
	if err != nil {
		return err
	}
	if len(page.Data) != 100 {
		return fmt.Errorf("a page of %d", len(page.Data))
	}
	for i := range page.Data {
		if err := look(page.Data[i].Email, string(page.Data[i].Status), page.Data[i].CreatedAt); err != nil {
			return err
		}
	}
	return nil
}

// peer is net/http with encoding/json, into types as one would write them.
type peer struct {
	client         http.Client
	base, bearer   string
	agentURL, page string
}

type peerAgent struct {
	AgentID        string     `json:"agentId"`
	OrganizationID string     `json:"organizationId"`
	Role           string     `json:"role"`
	Email          string     `json:"email"`
	AgentType      string     `json:"agentType"`
	Version        string     `json:"version"`
	Capabilities   []string   `json:"capabilities"`
	Owner          string     `json:"owner"`
	DeploymentEnv  string     `json:"deploymentEnv"`
	Status         string     `json:"status"`
	IsPublic       bool       `json:"isPublic"`
	DID            *string    `json:"did"`
	DIDCreatedAt   *time.Time `json:"didCreatedAt"`
	CreatedAt      time.Time  `json:"createdAt"`
	UpdatedAt      time.Time  `json:"updatedAt"`
}

type peerPage struct {
	Data  []peerAgent `json:"data"`
	Total int         `json:"total"`
	Page  int         `json:"page"`
	Limit int         `json:"limit"`
}

func newPeer(baseURL string) (client, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	// Its default keeps 2 connections, which would make it much slower than it has to be.
	transport.MaxIdleConnsPerHost = 128
	transport.Proxy = nil
	p := &peer{client: http.Client{Transport: transport, Timeout: 30 * time.Second}, base: baseURL}
	answer, err := p.client.Post(baseURL+"/api/v1/token", "application/x-www-form-urlencoded", strings.NewReader(""))
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	var token struct {
		AccessToken string `json:"access_token"`
	}
	p.agentURL, p.page = baseURL+"/api/v1/agents/"+agent, baseURL+"/api/v1/agents?limit=100"
	err = json.NewDecoder(answer.Body).Decode(&token)
	p.bearer = "Bearer " + token.AccessToken
	return p, err
}

func (p *peer) name() string { return "net/http + encoding/json" }

func (p *peer) read(url string, into any) error {
	request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", p.bearer)
	request.Header.Set("Accept", "application/json")
	answer, err := p.client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", url, answer.Status)
	}
	return json.Unmarshal(body, into)
}

func (p *peer) get() error {
	var found peerAgent
	if err := p.read(p.agentURL, &found); err != nil {
		return err
	}
	return look(found.Email, found.Status, found.CreatedAt)
}

func (p *peer) list() error {
	var page peerPage
	if err := p.read(p.page, &page); err != nil {
		return err
	}
	if len(page.Data) != 100 {
		return fmt.Errorf("a page of %d", len(page.Data))
	}
	for i := range page.Data {
		if err := look(page.Data[i].Email, page.Data[i].Status, page.Data[i].CreatedAt); err != nil {
			return err
		}
	}
	return nil
}
