package agentidp

import (
	"encoding/json"
	"runtime"

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
func (c *AgentIdPClient) Err() error { return c.handle.usable() }

// ClearTokenCache forgets the cached access token; the next call asks for a new one.
func (c *AgentIdPClient) ClearTokenCache() { c.handle.clearTokenCache() }

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
	if c.handle.usable() != nil {
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
	c.handle.close()
	return nil
}

// handle is the core's client, or the reason why there is none. It is freed with the garbage, so
// whoever uses it keeps it alive until the native function has returned.
type handle struct {
	client native.Client
	err    *AgentIdPError
}

func newHandle(config AgentIdPClientConfig) *handle {
	if err := native.Load(operationsChecksum); err != nil {
		return &handle{err: localError(KindConfiguration, CodeConfigurationError, err.Error(), err)}
	}
	text, err := config.json()
	if err != nil {
		return &handle{err: localError(KindConfiguration, CodeConfigurationError, err.Error(), err)}
	}
	h := &handle{client: native.ClientNew(text)}
	if fault := native.ClientError(h.client); len(fault) > 0 {
		h.err = errorFrom(fault)
	}
	runtime.SetFinalizer(h, func(h *handle) { native.ClientFree(h.client) })
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

func (h *handle) clearTokenCache() {
	if h.usable() == nil {
		defer runtime.KeepAlive(h)
		native.ClientClearTokenCache(h.client)
	}
}

func (h *handle) close() {
	if h.usable() == nil {
		defer runtime.KeepAlive(h)
		native.ClientClose(h.client)
	}
}
