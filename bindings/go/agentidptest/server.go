// Package agentidptest starts a real AgentIdP server for the tests of programs that use the SDK, with
// a clock that the tests move.
//
//	func TestMine(t *testing.T) {
//		server := agentidptest.NewServer(t)
//		client := server.Client()
//		server.Clock.Advance(time.Hour) // for the server and for the client
//		server.FailNext(agentidptest.Fault{Status: 503})
//		…
//	}
//
// The server is the program agentidp (`agentidp mock`): AGENTIDP_BIN names it, else it is looked for
// on PATH.
package agentidptest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"testing"
	"time"

	agentidp "github.com/sentryagent/idp-sdk-go"
)

// binaryVariable names the program.
const binaryVariable = "AGENTIDP_BIN"

// controlTimeout is for one order to the server.
const controlTimeout = 30 * time.Second

// ManualClock is [agentidp.ManualClock].
type ManualClock = agentidp.ManualClock

// NewManualClock is [agentidp.NewManualClock].
func NewManualClock() *ManualClock { return agentidp.NewManualClock() }

// Server is a server of its own: one organization and its admin, nothing else, no rate limits. Its
// clock stands at the time of its start until it is moved.
type Server struct {
	// BaseURL is where it listens, on loopback.
	BaseURL string `json:"baseUrl"`
	// ClientID and ClientSecret are the admin's.
	ClientID     string `json:"clientId"`
	ClientSecret string `json:"clientSecret"`
	// OrganizationID is the admin's organization.
	OrganizationID string `json:"organizationId"`
	// Clock moves the server's clock and that of its clients.
	Clock Clock `json:"-"`

	process *exec.Cmd
	stdin   io.Closer
	errors  bytes.Buffer
	control http.Client
	test    testing.TB
	clients []*agentidp.AgentIdPClient
}

// String shows the server without its admin's secret.
func (s *Server) String() string { return "agentidptest.Server(" + s.BaseURL + ")" }

// GoString shows the server without its admin's secret.
func (s *Server) GoString() string { return s.String() }

// NewServer starts a server that ends with the test. The test fails at once when there is none.
func NewServer(t testing.TB) *Server {
	t.Helper()
	binary, err := Binary()
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{test: t, process: exec.Command(binary, "mock", "--json", "--port", "0"), control: http.Client{Timeout: controlTimeout}}
	s.Clock = Clock{SDK: NewManualClock(), server: s}
	if err := s.start(); err != nil {
		t.Fatalf("agentidptest: %s mock: %v\n%s", binary, err, s.errors.String())
	}
	t.Cleanup(s.stop)
	return s
}

// Binary is the program that NewServer starts.
func Binary() (string, error) {
	if path := os.Getenv(binaryVariable); path != "" {
		return path, nil
	}
	path, err := exec.LookPath("agentidp")
	if err != nil {
		return "", fmt.Errorf("agentidptest: there is no program agentidp: set %s to its path or install it (`cargo install agentidp-server`, or the release archive): %w", binaryVariable, err)
	}
	return path, nil
}

func (s *Server) start() error {
	stdin, err := s.process.StdinPipe()
	if err != nil {
		return err
	}
	stdout, err := s.process.StdoutPipe()
	if err != nil {
		return err
	}
	s.process.Stderr, s.stdin = &s.errors, stdin
	if err := s.process.Start(); err != nil {
		return err
	}
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, s)
	}
	if err != nil {
		_ = s.process.Process.Kill()
		return errors.Join(err, s.process.Wait())
	}
	return nil
}

func (s *Server) stop() {
	for _, client := range s.clients {
		_ = client.Close()
	}
	s.control.CloseIdleConnections()
	// Its standard input is what keeps it alive.
	_ = s.stdin.Close()
	if err := s.process.Wait(); err != nil {
		s.test.Errorf("agentidptest: the server ended badly: %v\n%s", err, s.errors.String())
	}
}

// Config is the configuration of a client of the admin's, with the server's clock.
func (s *Server) Config() agentidp.AgentIdPClientConfig {
	return agentidp.AgentIdPClientConfig{
		BaseURL: s.BaseURL, ClientID: s.ClientID, ClientSecret: s.ClientSecret, Clock: s.Clock.SDK,
	}
}

// Client is a new client of the admin's, after these changes; it is closed with the test.
func (s *Server) Client(changes ...func(*agentidp.AgentIdPClientConfig)) *agentidp.AgentIdPClient {
	s.test.Helper()
	config := s.Config()
	for _, change := range changes {
		change(&config)
	}
	client := agentidp.NewAgentIdPClient(config)
	if err := client.Err(); err != nil {
		s.test.Fatal(err)
	}
	s.clients = append(s.clients, client)
	return client
}

// Clock moves the time of a server and of its clients.
type Clock struct {
	// SDK is the clients' clock alone, for a client that is made in another way.
	SDK    *ManualClock
	server *Server
}

// Advance lets time pass, first for the server, then for its clients.
func (c *Clock) Advance(d time.Duration) {
	c.server.test.Helper()
	c.server.order(http.MethodPost, "/mock/clock", map[string]any{"advanceMs": d.Milliseconds()}, nil)
	c.SDK.Advance(d)
}

// Fault is what the server does in place of an answer. The zero value answers 503.
type Fault struct {
	// Count is for how many requests; 1 when 0.
	Count int
	// Status is the answer's status.
	Status int
	// Code is the answer's code, any text.
	Code string
	// RetryAfter is what the answer asks to wait, in whole seconds.
	RetryAfter time.Duration
	// Cut closes the connection without an answer.
	Cut bool
	// Delay comes before the answer; alone, the answer is the real one.
	Delay time.Duration
	// Path limits the fault to requests whose path begins with it.
	Path string
}

// FailNext makes the next requests fail; faults are used up in the order of the orders.
func (s *Server) FailNext(fault Fault) {
	s.test.Helper()
	order := map[string]any{"count": max(fault.Count, 1)}
	for _, part := range []struct {
		key   string
		given bool
		value any
	}{
		{"status", fault.Status != 0, fault.Status},
		{"code", fault.Code != "", fault.Code},
		{"retryAfter", fault.RetryAfter != 0, int(fault.RetryAfter.Seconds())},
		{"cut", fault.Cut, true},
		{"delayMs", fault.Delay != 0, fault.Delay.Milliseconds()},
		{"path", fault.Path != "", fault.Path},
	} {
		if part.given {
			order[part.key] = part.value
		}
	}
	s.order(http.MethodPost, "/mock/faults", order, nil)
}

// Request is a request that the server received; secrets in it are masked.
type Request struct {
	// Method is GET and so on.
	Method string `json:"method"`
	// Path has the query, too.
	Path string `json:"path"`
	// Headers have names in lower case.
	Headers map[string]string `json:"headers"`
	// Body is the JSON or the form's fields; nil without one.
	Body any `json:"body"`
}

// Requests is what the server received so far, without the tests' own orders.
func (s *Server) Requests() []Request {
	s.test.Helper()
	var received struct {
		Requests []Request `json:"requests"`
	}
	s.order(http.MethodGet, "/mock/requests", nil, &received)
	return received.Requests
}

// Reset forgets faults and requests.
func (s *Server) Reset() {
	s.test.Helper()
	s.order(http.MethodPost, "/mock/reset", map[string]any{}, nil)
}

// order controls the server.
func (s *Server) order(method, path string, body, into any) {
	s.test.Helper()
	if err := s.tryOrder(method, path, body, into); err != nil {
		s.test.Fatalf("agentidptest: %s: %v", path, err)
	}
}

func (s *Server) tryOrder(method, path string, body, into any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	request, err := http.NewRequest(method, s.BaseURL+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	answer, err := s.control.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	said, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	if answer.StatusCode >= 300 {
		return fmt.Errorf("%s: %s", answer.Status, said)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(said, into)
}
