package agentidp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"time"

	"github.com/sentryagent/idp-sdk-go/internal/wire"
)

// The whole tree of errors. Every error of this package is an [*AgentIdPError]; what the caller can
// do about it is its Kind, and each kind has a sentinel for [errors.Is]:
//
//	AgentIdPError
//	├── ErrAuthentication   401: the credentials or the token are not accepted
//	├── ErrPermission       403: accepted, but not allowed
//	├── ErrNotFound         404, 410
//	├── ErrConflict         409
//	├── ErrValidation       400, 405, 413, 415, 422, and arguments refused before sending
//	├── ErrRateLimit        429: see RetryAfter
//	├── ErrServer           5xx
//	├── ErrConnection       no answer came, or only a part of one
//	├── ErrTimeout          the call's time was up; also context.DeadlineExceeded
//	├── ErrCancelled        the call's context was cancelled; also context.Canceled
//	├── ErrConfiguration    nothing could be sent with this configuration
//	└── ErrDecoding         an answer that the contract does not know
var (
	ErrAuthentication = errors.New("agentidp: authentication failed")
	ErrPermission     = errors.New("agentidp: permission denied")
	ErrNotFound       = errors.New("agentidp: not found")
	ErrConflict       = errors.New("agentidp: conflict")
	ErrValidation     = errors.New("agentidp: validation failed")
	ErrRateLimit      = errors.New("agentidp: rate limit exceeded")
	ErrServer         = errors.New("agentidp: server error")
	ErrConnection     = errors.New("agentidp: connection failed")
	ErrTimeout        = errors.New("agentidp: timed out")
	ErrCancelled      = errors.New("agentidp: cancelled")
	ErrConfiguration  = errors.New("agentidp: configuration error")
	ErrDecoding       = errors.New("agentidp: answer not understood")
)

// ErrorKind says what the caller can do about an error.
type ErrorKind string

// The kinds of errors. New kinds may come.
const (
	KindAuthentication ErrorKind = "authentication"
	KindPermission     ErrorKind = "permission"
	KindNotFound       ErrorKind = "not_found"
	KindConflict       ErrorKind = "conflict"
	KindValidation     ErrorKind = "validation"
	KindRateLimit      ErrorKind = "rate_limit"
	KindServer         ErrorKind = "server"
	KindConnection     ErrorKind = "connection"
	KindTimeout        ErrorKind = "timeout"
	KindCancelled      ErrorKind = "cancelled"
	KindConfiguration  ErrorKind = "configuration"
	KindDecoding       ErrorKind = "decoding"
)

// The codes of errors that no server sent.
const (
	CodeConnectionError    = "CONNECTION_ERROR"
	CodeTimeout            = "TIMEOUT"
	CodeCancelled          = "CANCELLED"
	CodeConfigurationError = "CONFIGURATION_ERROR"
	CodeDecodingError      = "DECODING_ERROR"
	CodeClientClosed       = "CLIENT_CLOSED"
	CodeInvalidToken       = "INVALID_TOKEN"
	CodeInsufficientScope  = "INSUFFICIENT_SCOPE"
	CodeInvalidWebhook     = "INVALID_WEBHOOK"
)

// codeValidationError is the server's code for what the arguments of a call break; the SDK uses it for
// arguments that it refuses before sending.
const codeValidationError = "VALIDATION_ERROR"

var sentinels = map[ErrorKind]error{
	KindAuthentication: ErrAuthentication,
	KindPermission:     ErrPermission,
	KindNotFound:       ErrNotFound,
	KindConflict:       ErrConflict,
	KindValidation:     ErrValidation,
	KindRateLimit:      ErrRateLimit,
	KindServer:         ErrServer,
	KindConnection:     ErrConnection,
	KindTimeout:        ErrTimeout,
	KindCancelled:      ErrCancelled,
	KindConfiguration:  ErrConfiguration,
	KindDecoding:       ErrDecoding,
}

// AgentIdPError is every error of this package; get at it with [errors.As]. It holds no secret.
type AgentIdPError struct {
	// Kind says what can be done about it.
	Kind ErrorKind
	// Code is the answer's code, such as AGENT_NOT_FOUND, or one of the Code constants.
	Code string
	// Message is for people and may change.
	Message string
	// HTTPStatus is the answer's status; 0 when none came.
	HTTPStatus int
	// RequestID names the request in the server's logs; empty when no answer came.
	RequestID string
	// Retryable says that the same call may succeed later.
	Retryable bool
	// RetryAfter is how long the server asks to wait; 0 when it does not.
	RetryAfter time.Duration
	// Details is what else the answer says; nil when nothing.
	Details map[string]any
	// OAuthError is the error value of RFC 6749 section 5.2 on OAuth endpoints, else empty.
	OAuthError string
	// RetryCount is how many times the call was repeated.
	RetryCount int
	// Headers are those of the answer, names in lower case, without cookies; nil when no answer came.
	Headers map[string]string
	// Cause is what went wrong underneath, in words; empty when nothing more is known.
	Cause string

	// wrapped is what errors.Is and errors.As find below: the context's error and its cause.
	wrapped []error
	// asked is whether the server named a time to wait, which may be 0.
	asked bool
}

// FieldError is one invalid field.
type FieldError struct {
	// Field is its name on the wire, with its path.
	Field string
	// Reason says what is wrong with it.
	Reason string
}

// Error is the error in one line.
func (e *AgentIdPError) Error() string {
	text := "agentidp: " + e.Code
	if e.HTTPStatus != 0 {
		text += fmt.Sprintf(" (%d)", e.HTTPStatus)
	}
	if e.Message != "" {
		text += ": " + e.Message
	}
	// Without an answer the message alone does not say whether it was the name, the port or TLS.
	if e.HTTPStatus == 0 && e.Cause != "" {
		text += " (" + e.Cause + ")"
	}
	if e.RequestID != "" {
		text += " [request " + e.RequestID + "]"
	}
	return text
}

// Is reports whether target is the sentinel of this error's kind. A timeout also is
// [context.DeadlineExceeded], a cancelled call also is [context.Canceled].
func (e *AgentIdPError) Is(target error) bool {
	switch e.Kind {
	case KindTimeout:
		if target == context.DeadlineExceeded {
			return true
		}
	case KindCancelled:
		if target == context.Canceled {
			return true
		}
	}
	sentinel, known := sentinels[e.Kind]
	return known && target == sentinel
}

// Unwrap gives what lies below: for a call whose context ended, the cause that the context has.
func (e *AgentIdPError) Unwrap() []error { return e.wrapped }

// Timeout reports whether the time was up, as net.Error has it.
func (e *AgentIdPError) Timeout() bool { return e.Kind == KindTimeout }

// FieldErrors is every field that a validation error names.
func (e *AgentIdPError) FieldErrors() []FieldError {
	items, _ := e.Details["errors"].([]any)
	fields := make([]FieldError, 0, len(items))
	for _, item := range items {
		entry, _ := item.(map[string]any)
		field, _ := entry["field"].(string)
		reason, _ := entry["reason"].(string)
		fields = append(fields, FieldError{Field: field, Reason: reason})
	}
	return fields
}

// LogValue gives the error's parts to slog.
func (e *AgentIdPError) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("kind", string(e.Kind)),
		slog.String("code", e.Code),
		slog.String("message", e.Message),
		slog.Int("httpStatus", e.HTTPStatus),
		slog.String("requestId", e.RequestID),
		slog.Int("retryCount", e.RetryCount),
	)
}

// record is an error as it crosses the boundary, and as MarshalJSON writes it.
type record struct {
	Kind       ErrorKind      `json:"kind"`
	Code       string         `json:"code"`
	Message    string         `json:"message"`
	HTTPStatus *int           `json:"httpStatus"`
	RequestID  *string        `json:"requestId"`
	Retryable  bool           `json:"retryable"`
	RetryAfter *float64       `json:"retryAfter"`
	Details    map[string]any `json:"details"`
	OAuthError *string        `json:"oauthError"`
	RetryCount int            `json:"retryCount"`
	Cause      *string        `json:"cause"`

	Headers map[string]string `json:"headers"`
}

// MarshalJSON writes the error record that all SDKs share; what is not known is null.
func (e *AgentIdPError) MarshalJSON() ([]byte, error) {
	r := record{
		Kind: e.Kind, Code: e.Code, Message: e.Message,
		HTTPStatus: nonZero(e.HTTPStatus), RequestID: nonZero(e.RequestID),
		Retryable: e.Retryable, Details: e.Details,
		OAuthError: nonZero(e.OAuthError), RetryCount: e.RetryCount, Cause: nonZero(e.Cause),
		Headers: e.Headers,
	}
	if e.asked || e.RetryAfter != 0 {
		r.RetryAfter = Ptr(e.RetryAfter.Seconds())
	}
	return json.Marshal(r)
}

// errorFrom reads an error record of the core.
func errorFrom(text []byte) *AgentIdPError {
	var r record
	if err := json.Unmarshal(text, &r); err != nil {
		return localError(KindDecoding, CodeDecodingError, "the native library's error record cannot be read", err)
	}
	e := &AgentIdPError{
		Kind: r.Kind, Code: r.Code, Message: r.Message,
		HTTPStatus: orZero(r.HTTPStatus), RequestID: orZero(r.RequestID),
		Retryable: r.Retryable, Details: r.Details,
		OAuthError: orZero(r.OAuthError), RetryCount: r.RetryCount, Cause: orZero(r.Cause),
		Headers: r.Headers,
	}
	if r.RetryAfter != nil {
		e.asked = true
		e.RetryAfter = seconds(*r.RetryAfter)
	}
	return e
}

// seconds is the longest Duration where a server asks for more than one can hold, and not a negative one.
func seconds(n float64) time.Duration {
	if ns := n * float64(time.Second); ns < math.MaxInt64 {
		return time.Duration(ns)
	}
	return math.MaxInt64
}

// localError is an error that no server sent.
func localError(kind ErrorKind, code, message string, below error) *AgentIdPError {
	e := &AgentIdPError{Kind: kind, Code: code, Message: message}
	if below != nil {
		e.Cause = below.Error()
		e.wrapped = []error{below}
	}
	return e
}

// argumentError is an argument that is refused before anything is sent.
func argumentError(field, reason string) *AgentIdPError {
	e := localError(KindValidation, codeValidationError, field+": "+reason, nil)
	e.Details = map[string]any{
		"field": field, "reason": reason, "errors": []any{map[string]any{"field": field, "reason": reason}},
	}
	return e
}

// unwritable is the error of arguments that have no JSON.
func unwritable(what string, err error) *AgentIdPError {
	var text *wire.NotTextError
	if errors.As(err, &text) {
		return argumentError(text.Field, "is not UTF-8, so it is no text")
	}
	return localError(KindValidation, codeValidationError, what, err)
}

// misconfigured is the error of a configuration that has no JSON.
func misconfigured(err error) *AgentIdPError {
	var text *wire.NotTextError
	if errors.As(err, &text) {
		return localError(KindConfiguration, CodeConfigurationError, text.Error(), nil)
	}
	return localError(KindConfiguration, CodeConfigurationError, err.Error(), err)
}

// asError is an error of this package as what it is.
func asError(err error) *AgentIdPError {
	var e *AgentIdPError
	if errors.As(err, &e) {
		return e
	}
	return localError(KindConfiguration, CodeConfigurationError, err.Error(), err)
}

// contextError is the error of a call whose context ended.
func contextError(ctx context.Context) *AgentIdPError {
	kind, code, message := KindCancelled, CodeCancelled, "the call was cancelled"
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		kind, code, message = KindTimeout, CodeTimeout, "the call's context reached its deadline"
	}
	return localError(kind, code, message, context.Cause(ctx))
}
