package agentidp

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/sentryagent/idp-sdk-go/internal/wire"
)

// CallOption changes one call.
type CallOption func(*callOptions)

type callOptions struct {
	timeout        time.Duration
	connectTimeout time.Duration
	retries        *int
	headers        map[string]string
	idempotencyKey string
	requestID      string
	response       *Response
}

// WithTimeout is the time for this call in all, tries and waits included, at most 24 hours; an earlier
// deadline of the context wins.
func WithTimeout(timeout time.Duration) CallOption {
	return func(o *callOptions) { o.timeout = timeout }
}

// WithConnectTimeout is the time for a connection that this call has to open, at most 24 hours.
func WithConnectTimeout(timeout time.Duration) CallOption {
	return func(o *callOptions) { o.connectTimeout = timeout }
}

// WithRetries is how many times this call is repeated where that is safe; 0 for never.
func WithRetries(retries int) CallOption {
	return func(o *callOptions) { o.retries = &retries }
}

// WithHeader sends a header with this call, in place of the client's of that name.
func WithHeader(name, value string) CallOption {
	return func(o *callOptions) {
		if o.headers == nil {
			o.headers = map[string]string{}
		}
		o.headers[name] = value
	}
}

// WithIdempotencyKey sends this Idempotency-Key, 1 to 255 visible ASCII characters, in place of one
// of the SDK's making.
func WithIdempotencyKey(key string) CallOption {
	return func(o *callOptions) { o.idempotencyKey = key }
}

// WithRequestID names the request in the server's logs: 1 to 128 characters A-Za-z0-9._-.
func WithRequestID(id string) CallOption {
	return func(o *callOptions) { o.requestID = id }
}

// WithResponse fills response with what the answer says besides its value, whether the call succeeds or
// the answer is an error. It is left as it is when no answer came.
func WithResponse(response *Response) CallOption {
	return func(o *callOptions) { o.response = response }
}

// Response is what an answer says besides its value.
type Response struct {
	// HTTPStatus is the status code.
	HTTPStatus int
	// Headers are in the order in which they came; those of an error in the order of their names.
	Headers []ResponseHeader
	// RequestID names the request in the server's logs.
	RequestID string
	// RetryCount is how many times the call was repeated.
	RetryCount int
}

// ResponseHeader is one header line.
type ResponseHeader struct{ Name, Value string }

// Header is the first value of the header of that name, without regard to case; empty when there is
// none.
func (r *Response) Header(name string) string {
	for _, header := range r.Headers {
		if strings.EqualFold(header.Name, name) {
			return header.Value
		}
	}
	return ""
}

func (r *Response) fill(status uint32, metadata []byte) error {
	var known struct {
		Headers    [][2]string `json:"headers"`
		RequestID  *string     `json:"requestId"`
		RetryCount int         `json:"retryCount"`
	}
	if err := json.Unmarshal(metadata, &known); err != nil {
		return localError(KindDecoding, CodeDecodingError, "the native library's metadata cannot be read", err)
	}
	*r = Response{HTTPStatus: int(status), RequestID: orZero(known.RequestID), RetryCount: known.RetryCount}
	for _, header := range known.Headers {
		r.Headers = append(r.Headers, ResponseHeader{Name: header[0], Value: header[1]})
	}
	return nil
}

// fillFrom is fill for an answer that is an error.
func (r *Response) fillFrom(err error) {
	var e *AgentIdPError
	if !errors.As(err, &e) || e.HTTPStatus == 0 {
		return
	}
	*r = Response{HTTPStatus: e.HTTPStatus, RequestID: e.RequestID, RetryCount: e.RetryCount}
	for _, name := range wire.Sorted(e.Headers) {
		r.Headers = append(r.Headers, ResponseHeader{Name: name, Value: e.Headers[name]})
	}
}

func collect(opts []CallOption) callOptions {
	var o callOptions
	for _, set := range opts {
		if set != nil {
			set(&o)
		}
	}
	return o
}

// traceparent adds the header, unless the call has one of its own.
func (o *callOptions) traceparent(value string) {
	if value == "" {
		return
	}
	for name := range o.headers {
		if strings.EqualFold(name, "traceparent") {
			return
		}
	}
	WithHeader("traceparent", value)(o)
}

// write adds the options to a call's arguments; usual is the client's time for a call.
func (o *callOptions) write(ctx context.Context, usual time.Duration, w *wire.Writer) {
	timeout := o.timeout
	if deadline, ok := ctx.Deadline(); ok {
		// A later deadline gives the call no more time than it has without one.
		if left := time.Until(deadline); (timeout == 0 && left < usual) || left < timeout {
			// Not 0, which would be no limit: the context itself ends such a call.
			timeout = max(left, time.Millisecond)
		}
	}
	if timeout == 0 && o.connectTimeout == 0 && o.retries == nil && o.headers == nil && o.idempotencyKey == "" && o.requestID == "" {
		return
	}
	w.Key("options")
	w.Open('{')
	writeTimes(w, []timeSetting{{"timeoutMs", timeout}, {"connectTimeoutMs", o.connectTimeout}})
	if o.retries != nil {
		w.Key("retries")
		w.Int(*o.retries)
	}
	if o.headers != nil {
		w.Key("headers")
		writeMap(w, o.headers, (*wire.Writer).String)
	}
	if o.idempotencyKey != "" {
		w.Key("idempotencyKey")
		w.String(o.idempotencyKey)
	}
	if o.requestID != "" {
		w.Key("requestId")
		w.String(o.requestID)
	}
	w.Close('}')
}
