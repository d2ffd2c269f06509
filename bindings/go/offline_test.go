package agentidp_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	agentidp "github.com/sentryagent/idp-sdk-go"
)

const webhookSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// signed are the headers of a webhook as Standard Webhooks has them.
func signed(t testing.TB, payload, secret string, at time.Time) http.Header {
	t.Helper()
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "msg_1.%d.%s", at.Unix(), payload)
	return http.Header{
		"Webhook-Id":        {"msg_1"},
		"Webhook-Timestamp": {fmt.Sprint(at.Unix())},
		"Webhook-Signature": {"v1,bm9uZQ== v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))},
		"Authorization":     {"Bearer somebody's"},
	}
}

func TestAWebhookIsVerified(t *testing.T) {
	const payload = `{"type":"agent.created"}`
	now := time.Now()
	good := signed(t, payload, webhookSecret, now)
	old := signed(t, payload, webhookSecret, now.Add(-6*time.Minute))
	other := "whsec_" + base64.StdEncoding.EncodeToString([]byte("another secret, 24 bytes."))
	if err := agentidp.VerifyWebhook([]byte(payload), good, webhookSecret); err != nil {
		t.Error(err)
	}
	if err := agentidp.VerifyWebhook([]byte(payload), good, other, agentidp.WithWebhookSecrets(webhookSecret)); err != nil {
		t.Error("the second secret:", err)
	}
	if err := agentidp.VerifyWebhook([]byte(payload), old, webhookSecret, agentidp.WithWebhookTolerance(10*time.Minute)); err != nil {
		t.Error("tolerance:", err)
	}
	if err := agentidp.VerifyWebhook([]byte(payload), old, webhookSecret, agentidp.WithWebhookTime(now.Add(-5*time.Minute))); err != nil {
		t.Error("time:", err)
	}
	for reason, err := range map[string]error{
		"signature":  agentidp.VerifyWebhook([]byte(payload+" "), good, webhookSecret),
		"signature ": agentidp.VerifyWebhook([]byte(payload), good, other),
		"timestamp":  agentidp.VerifyWebhook([]byte(payload), old, webhookSecret),
		"header":     agentidp.VerifyWebhook([]byte(payload), http.Header{}, webhookSecret),
	} {
		var e *agentidp.AgentIdPError
		if !errors.As(err, &e) || !errors.Is(err, agentidp.ErrAuthentication) || e.Code != agentidp.CodeInvalidWebhook || e.Details["reason"] != strings.TrimSpace(reason) {
			t.Errorf("%s: %v", reason, err)
		}
	}
	err := agentidp.VerifyWebhook([]byte(payload), good, "not a secret of that form")
	if !errors.Is(err, agentidp.ErrConfiguration) || strings.Contains(fmt.Sprintf("%v %s", err, toJSON(t, err)), "of that form") {
		t.Error(err)
	}
}
