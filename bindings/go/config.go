package agentidp

import (
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"time"

	"github.com/sentryagent/idp-sdk-go/internal/wire"
)

// AgentIdPClientConfig is what a client needs to know. Every field may be left out: the first five
// then come from the environment.
type AgentIdPClientConfig struct {
	// BaseURL is where the server is: https, or http to loopback. AGENTIDP_BASE_URL.
	BaseURL string
	// ClientID is the agent's id. AGENTIDP_CLIENT_ID.
	ClientID string
	// ClientSecret is a secret of one of the agent's credentials; it is masked whenever the
	// configuration is printed or logged. AGENTIDP_CLIENT_SECRET.
	ClientSecret string
	// Scope is the scopes to ask for, separated by spaces. AGENTIDP_SCOPES, else
	// "agents:read agents:write tokens:read audit:read".
	Scope string
	// CABundle is the path of a PEM file with certificates to trust besides the system's.
	// AGENTIDP_CA_BUNDLE.
	CABundle string
	// Timeout is for one call in all, tries and waits included; 30 s when 0.
	Timeout time.Duration
	// ConnectTimeout is for one connection; 5 s when 0.
	ConnectTimeout time.Duration
	// Retries is how many times a failed call is repeated where that is safe; 2 when nil.
	Retries *int
	// Headers are sent with every request.
	Headers map[string]string
	// AllowInsecureHTTP permits http to other hosts than loopback. Secrets then cross the network
	// in the clear.
	AllowInsecureHTTP bool
}

// String shows the configuration with its secret masked.
func (c AgentIdPClientConfig) String() string {
	type plain AgentIdPClientConfig
	c.ClientSecret = masked(c.ClientSecret)
	if len(c.Headers) > 0 {
		// A header may be an API key of a gateway.
		hidden := make(map[string]string, len(c.Headers))
		for name := range c.Headers {
			hidden[name] = mask
		}
		c.Headers = hidden
	}
	return fmt.Sprintf("AgentIdPClientConfig%+v", plain(c))
}

// GoString shows the configuration with its secret masked.
func (c AgentIdPClientConfig) GoString() string { return c.String() }

// Format shows the configuration with its secret masked, whatever the verb.
func (c AgentIdPClientConfig) Format(s fmt.State, _ rune) { format(s, c.String()) }

// LogValue gives slog the configuration with its secret masked.
func (c AgentIdPClientConfig) LogValue() slog.Value { return logged(c.String()) }

// json is the configuration as the core reads it; what is left out is absent.
func (c AgentIdPClientConfig) json() ([]byte, error) {
	w := wire.NewWriter(nil)
	w.Open('{')
	for _, field := range []struct{ key, value string }{
		{"baseUrl", c.BaseURL}, {"clientId", c.ClientID}, {"clientSecret", c.ClientSecret},
		{"caBundle", c.CABundle}, {"language", "go"}, {"runtime", runtime.Version()},
	} {
		if field.value != "" {
			w.Key(field.key)
			w.String(field.value)
		}
	}
	if scopes := strings.Fields(c.Scope); len(scopes) > 0 {
		w.Key("scopes")
		writeList(w, scopes, (*wire.Writer).String)
	}
	for _, field := range []struct {
		key   string
		value time.Duration
	}{{"timeoutMs", c.Timeout}, {"connectTimeoutMs", c.ConnectTimeout}} {
		if field.value != 0 {
			w.Key(field.key)
			w.Int(milliseconds(field.value))
		}
	}
	if c.Retries != nil {
		w.Key("retries")
		w.Int(*c.Retries)
	}
	if len(c.Headers) > 0 {
		w.Key("headers")
		writeMap(w, c.Headers, (*wire.Writer).String)
	}
	if c.AllowInsecureHTTP {
		w.Key("allowInsecureHttp")
		w.Bool(true)
	}
	w.Close('}')
	return w.Bytes()
}

// milliseconds rounds up, so that a short time does not become none.
func milliseconds(d time.Duration) int {
	return int((d + time.Millisecond - 1) / time.Millisecond)
}
