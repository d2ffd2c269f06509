package main

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	agentidp "github.com/sentryagent/idp-sdk-go"
)

// texts is one text or a list of them.
type texts []string

func (t *texts) UnmarshalJSON(text []byte) error {
	var one string
	if json.Unmarshal(text, &one) == nil {
		*t = texts{one}
		return nil
	}
	return json.Unmarshal(text, (*[]string)(t))
}

func (s *session) makeVerifier(r request) error {
	var c struct {
		Issuer            string   `json:"issuer"`
		Audience          texts    `json:"audience"`
		LeewayMS          *float64 `json:"leewayMs"`
		RequiredScopes    []string `json:"requiredScopes"`
		JWKSURI           string   `json:"jwksUri"`
		TimeoutMS         float64  `json:"timeoutMs"`
		ConnectTimeoutMS  float64  `json:"connectTimeoutMs"`
		AllowInsecureHTTP bool     `json:"allowInsecureHttp"`
		CABundle          string   `json:"caBundle"`
		Proxy             string   `json:"proxy"`
		ClientCertificate string   `json:"clientCertificate"`
		ClientKey         string   `json:"clientKey"`
	}
	if err := strict(r.Config, &c); err != nil {
		return err
	}
	config := agentidp.TokenVerifierConfig{
		Issuer: c.Issuer, Audience: c.Audience, RequiredScopes: c.RequiredScopes, JWKSURI: c.JWKSURI,
		Timeout: milliseconds(c.TimeoutMS), ConnectTimeout: milliseconds(c.ConnectTimeoutMS),
		AllowInsecureHTTP: c.AllowInsecureHTTP, CABundle: c.CABundle, Proxy: c.Proxy,
		ClientCertificate: c.ClientCertificate, ClientKey: c.ClientKey, Clock: s.clock(r.Clock),
	}
	if c.LeewayMS != nil {
		config.Leeway = agentidp.Ptr(milliseconds(*c.LeewayMS))
	}
	if r.Client != "" {
		config.Client = s.client(r)
	}
	verifier := agentidp.NewTokenVerifier(config)
	s.mu.Lock()
	s.verifiers[r.Verifier] = verifier
	s.mu.Unlock()
	return verifier.Err()
}

// verifier is the named one; an unknown name is a verifier without configuration.
func (s *session) verifier(r request) *agentidp.TokenVerifier {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.verifiers[r.Verifier]
}

func (s *session) verify(ctx context.Context, r request) (any, error) {
	token, err := s.verifier(r).Verify(ctx, r.Token, r.RequiredScopes...)
	if err != nil {
		return nil, err
	}
	return token, nil
}

// webhook answers the payload of a webhook that was found good.
func webhook(r request) (any, error) {
	headers := http.Header{}
	for name, value := range r.Headers {
		headers.Set(name, value)
	}
	var opts []agentidp.WebhookOption
	if r.NowMS != nil {
		opts = append(opts, agentidp.WithWebhookTime(time.UnixMilli(*r.NowMS)))
	}
	if r.ToleranceMS != nil {
		opts = append(opts, agentidp.WithWebhookTolerance(milliseconds(*r.ToleranceMS)))
	}
	if err := agentidp.VerifyWebhook([]byte(r.Payload), headers, r.Secret, opts...); err != nil {
		return nil, err
	}
	var payload any
	err := json.Unmarshal([]byte(r.Payload), &payload)
	return payload, err
}

func auditChain(r request) (any, error) {
	var events []agentidp.AuditEvent
	if err := json.Unmarshal(r.Events, &events); err != nil {
		return nil, err
	}
	told, err := agentidp.VerifyAuditEvents(events)
	if err != nil {
		return nil, err
	}
	return told, nil
}
