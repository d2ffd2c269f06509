package agentidp_test

import (
	"context"
	"errors"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	agentidp "github.com/sentryagent/idp-sdk-go"
)

// refused fails unless err is of that kind, names the field and, for an argument, has it among the fields.
func refused(t *testing.T, err error, kind agentidp.ErrorKind, field string) {
	t.Helper()
	var e *agentidp.AgentIdPError
	if !errors.As(err, &e) || e.Kind != kind || !strings.HasPrefix(e.Message, field) {
		t.Errorf("%s: %v", field, err)
		return
	}
	if fields := e.FieldErrors(); kind == agentidp.KindValidation && (len(fields) != 1 || fields[0].Field != field) {
		t.Errorf("%s: %v", field, fields)
	}
}

func TestWhatIsGivenWrongIsRefusedByItsName(t *testing.T) {
	s := fake(t, func(http.ResponseWriter, *http.Request) { t.Error("a request came") })
	client, ctx := s.client(t), context.Background()
	get := func(id string, opts ...agentidp.CallOption) error {
		_, err := client.Agents.GetAgent(ctx, id, opts...)
		return err
	}
	// No text of Go's is changed on its way: "\xff" is not the id "\ufffd".
	refused(t, get("\xff"), agentidp.KindValidation, "agentId")
	refused(t, get(clientID, agentidp.WithHeader("x-team", "\xff")), agentidp.KindValidation, "x-team")
	_, err := client.Agents.RegisterAgent(ctx, agentidp.RegisterAgentRequest{Email: "a", Capabilities: []string{"a", "\xff"}})
	refused(t, err, agentidp.KindValidation, "capabilities")
	_, err = client.Tokens.IntrospectToken(ctx, "\xfftop-secret", nil)
	refused(t, err, agentidp.KindValidation, "token")
	if strings.Contains(err.Error(), "top-secret") {
		t.Errorf("%v", err)
	}
	for _, d := range []time.Duration{-1, -time.Hour, math.MinInt64} {
		refused(t, get(clientID, agentidp.WithTimeout(d)), agentidp.KindValidation, "timeoutMs")
		refused(t, get(clientID, agentidp.WithConnectTimeout(d)), agentidp.KindValidation, "connectTimeoutMs")
		made := agentidp.NewAgentIdPClient(agentidp.AgentIdPClientConfig{BaseURL: s.URL, ClientID: clientID, ClientSecret: secret, Timeout: d})
		refused(t, made.Err(), agentidp.KindConfiguration, "timeoutMs")
	}
	made := agentidp.NewAgentIdPClient(agentidp.AgentIdPClientConfig{BaseURL: s.URL, ClientID: clientID, ClientSecret: "\xff" + secret})
	refused(t, made.Err(), agentidp.KindConfiguration, "clientSecret")
	verifier := agentidp.NewTokenVerifier(agentidp.TokenVerifierConfig{Issuer: s.URL, Audience: []string{"a"}, Leeway: agentidp.Ptr(time.Duration(-1))})
	refused(t, verifier.Err(), agentidp.KindConfiguration, "leeway")
	hook := "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	refused(t, agentidp.VerifyWebhook(nil, nil, hook, agentidp.WithWebhookTolerance(-1)), agentidp.KindValidation, "tolerance")
	for _, now := range []time.Time{time.Unix(-1, 0), time.Unix(1<<60, 0)} {
		refused(t, agentidp.VerifyWebhook(nil, nil, hook, agentidp.WithWebhookTime(now)), agentidp.KindValidation, "now")
	}
	if s.tokens.Load() != 0 {
		t.Error("a token was asked for")
	}
}

func TestWhatNoFunctionMadeIsAnErrorAndNoPanic(t *testing.T) {
	ctx := context.Background()
	var none *agentidp.AgentIdPClient
	for _, client := range []*agentidp.AgentIdPClient{none, {}} {
		refused(t, client.Err(), agentidp.KindConfiguration, "not made by")
		client.ClearTokenCache()
		if client.ExplainConfiguration() != nil || client.Close() != nil {
			t.Error("it has a configuration, or cannot be closed")
		}
		_, err := client.TokenManager().GetToken(ctx)
		refused(t, err, agentidp.KindConfiguration, "not made by")
		verifier := agentidp.TokenVerifierConfig{Issuer: "https://idp.example.com", Audience: []string{"a"}, Client: client}
		if err := agentidp.NewTokenVerifier(verifier).Err(); client != nil {
			refused(t, err, agentidp.KindConfiguration, "not made by")
		}
	}
	_, err := (&agentidp.AgentIdPClient{}).Agents.GetAgent(ctx, clientID)
	refused(t, err, agentidp.KindConfiguration, "not made by")
	for _, err := range (&agentidp.AgentIdPClient{}).Agents.ListAgentsAll(ctx, nil) {
		refused(t, err, agentidp.KindConfiguration, "not made by")
	}
	var manager *agentidp.TokenManager
	_, err = manager.GetToken(ctx)
	refused(t, err, agentidp.KindConfiguration, "not made by")
	if manager.Close() != nil {
		t.Error("it cannot be closed")
	}
}

func TestALaterDeadlineGivesACallNoMoreTime(t *testing.T) {
	// The clock is the client's alone: the context's deadline is not reached while the test runs.
	for name, far := range map[string]time.Duration{"an hour": time.Hour, "a thousand days": 24_000 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			handler, arrived, _ := blocking()
			clock := agentidp.NewManualClock()
			s := fake(t, handler)
			client := agentidp.NewAgentIdPClient(agentidp.AgentIdPClientConfig{
				BaseURL: s.URL, ClientID: clientID, ClientSecret: secret, Timeout: 7 * time.Second, Clock: clock,
			})
			ctx, cancel := context.WithTimeout(context.Background(), far)
			defer cancel()
			ended := make(chan error, 1)
			go func() {
				_, err := client.Agents.GetAgent(ctx, clientID)
				ended <- err
			}()
			<-arrived
			clock.Advance(7 * time.Second)
			if err := <-ended; !errors.Is(err, agentidp.ErrTimeout) {
				t.Errorf("%v", err)
			}
		})
	}
}
