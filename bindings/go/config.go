package agentidp

import (
	"context"
	"encoding/json"
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
	// Timeout is for one call in all, tries and waits included; 30 s when 0, at most 24 hours.
	Timeout time.Duration
	// ConnectTimeout is for one connection; 5 s when 0, at most 24 hours.
	ConnectTimeout time.Duration
	// Retries is how many times a failed call is repeated where that is safe; 2 when nil.
	Retries *int
	// Headers are sent with every request.
	Headers map[string]string
	// ClientCertificate and ClientKey are paths of PEM files, for servers and proxies that want a
	// certificate of the client (mutual TLS). Both or neither.
	ClientCertificate, ClientKey string
	// Proxy is the URL of an HTTP proxy; HTTPS_PROXY and HTTP_PROXY when empty. NO_PROXY counts either
	// way, and either way this machine (loopback, localhost) is reached directly, unless the proxy is on
	// it too.
	Proxy string
	// AllowInsecureHTTP permits http to other hosts than loopback. Secrets then cross the network
	// in the clear.
	AllowInsecureHTTP bool
	// Logger takes the client's log records, those of background work included; they hold no secret.
	// Nothing is logged, and no record made, when nil.
	Logger *slog.Logger
	// Traceparent gives the traceparent header (W3C Trace Context) of a call with that context; empty
	// for none. It is called on the caller's goroutine. See [WithTraceparent] for one call.
	Traceparent func(context.Context) string
	// Clock is for tests; the system's clocks when nil.
	Clock *ManualClock
}

// String shows the configuration with its secrets masked.
func (c AgentIdPClientConfig) String() string {
	text, err := json.Marshal(c.shown())
	if err != nil {
		return "AgentIdPClientConfig{!" + err.Error() + "}"
	}
	return "AgentIdPClientConfig" + string(text)
}

// MarshalJSON writes the configuration for people, with its secrets masked.
func (c AgentIdPClientConfig) MarshalJSON() ([]byte, error) { return json.Marshal(c.shown()) }

// shown is what may be seen of a configuration.
func (c AgentIdPClientConfig) shown() any {
	// A header may be an API key of a gateway, and a proxy's URL may hold a password.
	headers := maskedMap(c.Headers, masked[string])
	proxy := c.Proxy
	if at := strings.LastIndexByte(proxy, '@'); at >= 0 {
		proxy = mask + proxy[at:]
	}
	return struct {
		BaseURL, ClientID, ClientSecret, Scope, CABundle string            `json:",omitempty"`
		Timeout, ConnectTimeout                          time.Duration     `json:",omitempty"`
		Retries                                          *int              `json:",omitempty"`
		Headers                                          map[string]string `json:",omitempty"`
		ClientCertificate, ClientKey, Proxy              string            `json:",omitempty"`
		AllowInsecureHTTP                                bool              `json:",omitempty"`
	}{
		c.BaseURL, c.ClientID, masked(c.ClientSecret), c.Scope, c.CABundle,
		c.Timeout, c.ConnectTimeout, c.Retries, headers,
		c.ClientCertificate, c.ClientKey, proxy, c.AllowInsecureHTTP,
	}
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
	writeTexts(w, []textSetting{
		{"baseUrl", c.BaseURL}, {"clientId", c.ClientID}, {"clientSecret", c.ClientSecret},
		{"caBundle", c.CABundle}, {"clientCertificate", c.ClientCertificate}, {"clientKey", c.ClientKey},
		{"proxy", c.Proxy}, {"language", "go"}, {"runtime", runtime.Version()},
	})
	if scopes := strings.Fields(c.Scope); len(scopes) > 0 {
		w.Key("scopes")
		writeList(w, scopes, (*wire.Writer).String)
	}
	writeTimes(w, []timeSetting{{"timeoutMs", c.Timeout}, {"connectTimeoutMs", c.ConnectTimeout}})
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

type textSetting struct{ key, value string }

// writeTexts writes the settings that are given.
func writeTexts(w *wire.Writer, settings []textSetting) {
	for _, setting := range settings {
		if setting.value != "" {
			w.Key(setting.key)
			w.String(setting.value)
		}
	}
}

type timeSetting struct {
	key   string
	value time.Duration
}

// writeTimes writes the settings that are given.
func writeTimes(w *wire.Writer, settings []timeSetting) {
	for _, setting := range settings {
		if setting.value != 0 {
			w.Key(setting.key)
			w.Int(milliseconds(setting.value))
		}
	}
}

// callTime is a call's time in all when the configuration names none; the core has the same.
const callTime = 30 * time.Second

// milliseconds rounds away from zero, so that a short time does not become none.
func milliseconds(d time.Duration) int {
	if d < 0 {
		return int((d+1)/time.Millisecond) - 1
	}
	if d == 0 {
		return 0
	}
	return int((d-1)/time.Millisecond) + 1
}
