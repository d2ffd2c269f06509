package agentidp

import (
	"cmp"
	"context"
	"encoding/json"
	"runtime"
	"sync"
	"time"

	"github.com/sentryagent/idp-sdk-go/internal/native"
)

// NewAgentIdPClient makes a client. It starts nothing and connects to nothing; a configuration that
// does not hold is told by Err and by every call.
//
// A client is safe for all goroutines; make one and share it.
func NewAgentIdPClient(config AgentIdPClientConfig) *AgentIdPClient {
	return newClient(newHandle(config))
}

// Err is what is wrong with the configuration; nil when the client can be used.
func (c *AgentIdPClient) Err() error { return c.of().usable() }

// ClearTokenCache forgets the access token, for all that share it; the next call asks for a new one.
func (c *AgentIdPClient) ClearTokenCache() { c.of().clearTokenCache() }

// ConfigurationValue is a setting and where it came from.
type ConfigurationValue struct {
	// Value is the setting's value; a secret is masked.
	Value any `json:"value"`
	// Source is "argument", "environment" and the variable's name, or "default".
	Source string `json:"source"`
}

// ExplainConfiguration says what each setting is and where it came from, by the setting's name; nil
// when the configuration does not hold.
func (c *AgentIdPClient) ExplainConfiguration() map[string]ConfigurationValue {
	if c.of().usable() != nil {
		return nil
	}
	defer runtime.KeepAlive(c.handle)
	var explained map[string]ConfigurationValue
	if json.Unmarshal(native.ClientExplain(c.handle.client), &explained) != nil {
		return nil
	}
	return explained
}

// Close ends the client: later calls fail with the code CLIENT_CLOSED. It may be called twice. A
// client that is not closed is cleaned up with the garbage.
func (c *AgentIdPClient) Close() error {
	c.of().close()
	return nil
}

// TokenManager gives the access tokens that the client itself uses. Closing it closes the client.
func (c *AgentIdPClient) TokenManager() *TokenManager { return &TokenManager{handle: c.of()} }

// of is the client's handle; nil for a client that is none.
func (c *AgentIdPClient) of() *handle {
	if c == nil {
		return nil
	}
	return c.handle
}

// handle is the core's client, or the reason why there is none. It is freed with the garbage, so
// whoever uses it keeps it alive until the native function has returned.
type handle struct {
	client      native.Client
	err         *AgentIdPError
	id          uint64
	logger      *clientLogger
	traceparent func(context.Context) string
	// timeout is for one call in all, unless the call has another.
	timeout time.Duration

	// state is whether the process's queue counts this client among those with a logger.
	state struct {
		sync.Mutex
		listens bool
		closed  bool
	}
}

func newHandle(config AgentIdPClientConfig) *handle {
	if err := native.Load(operationsChecksum); err != nil {
		return &handle{err: localError(KindConfiguration, CodeConfigurationError, err.Error(), err)}
	}
	text, err := config.json()
	if err != nil {
		return &handle{err: misconfigured(err)}
	}
	h := &handle{
		client: native.ClientNew(text, handleOf(config.Clock)), traceparent: config.Traceparent,
		timeout: cmp.Or(config.Timeout, callTime),
	}
	runtime.KeepAlive(config.Clock)
	clear(text)
	if fault := native.ClientError(h.client); len(fault) > 0 {
		h.err = errorFrom(fault)
	} else if h.id = native.ClientID(h.client); config.Logger != nil {
		h.logger = register(h.id, config.Logger)
	}
	runtime.SetFinalizer(h, func(h *handle) {
		// Not on the finalizers' goroutine: closing hands records to a logger, which may take its time.
		go func() {
			h.close()
			native.ClientFree(h.client)
		}()
	})
	return h
}

// usable is the configuration's error; a service that no client made has one, too.
func (h *handle) usable() error {
	switch {
	case h == nil:
		return localError(KindConfiguration, CodeConfigurationError, "not made by NewAgentIdPClient or NewTokenManager", nil)
	case h.err != nil:
		return h.err
	default:
		return nil
	}
}

// attach is the process's queue, whose pump waits for records of this client until it is closed.
func (h *handle) attach() (*queue, error) {
	q, err := processQueue()
	if err != nil || h.logger == nil {
		return q, err
	}
	h.state.Lock()
	defer h.state.Unlock()
	if !h.state.closed && !h.state.listens {
		h.state.listens = true
		q.listen()
	}
	return q, nil
}

func (h *handle) clearTokenCache() {
	if h.usable() == nil {
		defer runtime.KeepAlive(h)
		native.ClientClearTokenCache(h.client)
	}
}

func (h *handle) close() {
	if h.usable() != nil {
		return
	}
	defer runtime.KeepAlive(h)
	h.state.Lock()
	first, listens := !h.state.closed, h.state.listens
	h.state.closed = true
	h.state.Unlock()
	if !first {
		return
	}
	native.ClientClose(h.client)
	if h.logger != nil {
		unregister(h.id)
	}
	if q := process.queue.Load(); listens && q != nil {
		q.hush()
	}
}
