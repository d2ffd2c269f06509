package agentidp

import (
	"strings"
	"time"

	"github.com/sentryagent/idp-sdk-go/internal/native"
	"github.com/sentryagent/idp-sdk-go/internal/wire"
)

// What needs no server and no client: webhooks and the audit log's chain.

// WebhookOption changes one check of a webhook.
type WebhookOption func(*webhookOptions)

type webhookOptions struct {
	secrets   []string
	tolerance *time.Duration
	now       time.Time
}

// WithWebhookSecrets accepts signatures by these secrets, too: while a secret is being replaced, both
// are in use.
func WithWebhookSecrets(secrets ...string) WebhookOption {
	return func(o *webhookOptions) { o.secrets = append(o.secrets, secrets...) }
}

// WithWebhookTolerance is how far the webhook's time may be from ours, both ways; 5 minutes unless
// given. What is older may be somebody's replay.
func WithWebhookTolerance(tolerance time.Duration) WebhookOption {
	return func(o *webhookOptions) { o.tolerance = &tolerance }
}

// WithWebhookTime is the time to check against, for tests; the present unless given.
func WithWebhookTime(now time.Time) WebhookOption {
	return func(o *webhookOptions) { o.now = now }
}

// VerifyWebhook checks that a webhook was sent, just now, by somebody who has the secret: Standard
// Webhooks, v1. The payload is the request's body as it came, byte by byte; the headers are those of
// an http.Request; the secret begins with whsec_.
//
// A webhook that is not to be trusted is an ErrAuthentication with the code INVALID_WEBHOOK and the
// reason in Details; a secret of the wrong form is an ErrConfiguration.
func VerifyWebhook(payload []byte, headers map[string][]string, secret string, opts ...WebhookOption) error {
	if err := native.Load(operationsChecksum); err != nil {
		return localError(KindConfiguration, CodeConfigurationError, err.Error(), err)
	}
	o := webhookOptions{secrets: []string{secret}}
	for _, set := range opts {
		if set != nil {
			set(&o)
		}
	}
	if o.tolerance != nil && *o.tolerance < 0 {
		return argumentError("tolerance", "must not be negative")
	}
	if !o.now.IsZero() && (o.now.Unix() < 0 || o.now.Year() > 9999) {
		return argumentError("now", "must be from 1970 to 9999")
	}
	w := wire.NewWriter(nil)
	w.Open('{')
	w.Key("headers")
	w.Open('[')
	for _, name := range wire.Sorted(headers) {
		// What Standard Webhooks signs; anything else of the request may be a secret of somebody's.
		if lower := strings.ToLower(name); strings.HasPrefix(lower, "webhook-") {
			for _, value := range headers[name] {
				w.Item()
				writeList(w, []string{lower, value}, (*wire.Writer).String)
			}
		}
	}
	w.Close(']')
	w.Key("secrets")
	writeList(w, o.secrets, (*wire.Writer).String)
	if o.tolerance != nil {
		w.Key("toleranceMs")
		w.Int(milliseconds(*o.tolerance))
	}
	if !o.now.IsZero() {
		w.Key("nowMs")
		w.Int(int(o.now.UnixMilli()))
	}
	w.Close('}')
	check, err := w.Bytes()
	defer clear(check)
	if err != nil {
		return unwritable("the check has no JSON", err)
	}
	if fault := native.WebhookVerify(payload, check); len(fault) > 0 {
		return errorFrom(fault)
	}
	return nil
}

// VerifyAuditEvents checks, without a server, that audit events are unchanged: every hash, and that
// each event names the one before it. The events are of one organization, in any order and without
// gaps. A chain that is broken is an answer, not an error; the answer has no dates.
func VerifyAuditEvents(events []AuditEvent) (*AuditChainVerification, error) {
	if err := native.Load(operationsChecksum); err != nil {
		return nil, localError(KindConfiguration, CodeConfigurationError, err.Error(), err)
	}
	w := wire.NewWriter(nil)
	writeList(w, events, writeModel[AuditEvent])
	text, err := w.Bytes()
	if err != nil {
		return nil, unwritable("the events have no JSON", err)
	}
	body, err := result(native.AuditVerify(text))
	if err != nil {
		return nil, err
	}
	told := new(AuditChainVerification)
	if err := told.UnmarshalJSON(body); err != nil {
		return nil, localError(KindDecoding, CodeDecodingError, "the result cannot be read", err)
	}
	return told, nil
}
