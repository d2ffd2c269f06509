package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"

	agentidp "github.com/sentryagent/idp-sdk-go"
)

type (
	// caller calls one operation.
	caller = func(context.Context, *agentidp.AgentIdPClient, *arguments, []agentidp.CallOption) (any, error)
	// pager iterates over one list.
	pager = func(context.Context, *agentidp.AgentIdPClient, *arguments, []agentidp.CallOption) (iter.Seq2[any, error], error)
)

// session is the clients and the calls that are out.
type session struct {
	out   *lines
	calls sync.WaitGroup
	log   recorder

	mu        sync.Mutex
	clients   map[string]*agentidp.AgentIdPClient
	configs   map[string]agentidp.AgentIdPClientConfig
	clocks    map[string]*agentidp.ManualClock
	verifiers map[string]*agentidp.TokenVerifier
	cancels   map[uint64]context.CancelFunc
}

func newSession(out *lines) *session {
	return &session{
		out:       out,
		clients:   map[string]*agentidp.AgentIdPClient{},
		configs:   map[string]agentidp.AgentIdPClientConfig{},
		clocks:    map[string]*agentidp.ManualClock{},
		verifiers: map[string]*agentidp.TokenVerifier{},
		cancels:   map[uint64]context.CancelFunc{},
	}
}

// handle answers one line; what takes time goes on by itself.
func (s *session) handle(r request) {
	work, ok := map[string]func(context.Context, request) (any, error){
		"call": s.call, "raw": s.raw, "pages": s.pages, "burst": s.burst,
		"token": s.token, "verify": s.verify, "sleeping": s.sleeping,
	}[r.Do]
	if ok {
		s.start(r, work)
		return
	}
	switch r.Do {
	case "client":
		s.answer(r.ID, nil, s.makeClient(r))
	case "clock":
		s.moveClock(r)
		s.answer(r.ID, nil, nil)
	case "cancel":
		s.mu.Lock()
		if cancel := s.cancels[r.Call]; cancel != nil {
			cancel()
		}
		s.mu.Unlock()
		s.answer(r.ID, nil, nil)
	case "clearTokenCache":
		s.client(r).ClearTokenCache()
		s.answer(r.ID, nil, nil)
	case "close":
		s.answer(r.ID, nil, s.client(r).Close())
	case "explain":
		client := s.client(r)
		s.answer(r.ID, client.ExplainConfiguration(), client.Err())
	case "verifier":
		s.answer(r.ID, nil, s.makeVerifier(r))
	case "webhook":
		value, err := webhook(r)
		s.answer(r.ID, value, err)
	case "auditChain":
		value, err := auditChain(r)
		s.answer(r.ID, value, err)
	case "show":
		s.answer(r.ID, s.show(r), nil)
	case "logs":
		agentidp.FlushLogs()
		s.answer(r.ID, s.log.since(), nil)
	default:
		s.fault(r.ID, map[string]any{
			"kind": "configuration", "code": "UNKNOWN_VERB", "message": fmt.Sprintf("the runner does not know %q", r.Do),
		})
	}
}

func (s *session) start(r request, work func(context.Context, request) (any, error)) {
	ctx, cancel := context.WithCancel(context.Background())
	s.mu.Lock()
	s.cancels[r.ID] = cancel
	s.mu.Unlock()
	s.calls.Add(1)
	go func() {
		defer s.calls.Done()
		value, err := work(ctx, r)
		s.mu.Lock()
		delete(s.cancels, r.ID)
		s.mu.Unlock()
		cancel()
		s.answer(r.ID, value, err)
	}()
}

func (s *session) call(ctx context.Context, r request) (any, error) {
	call, ok := operations[r.Operation]
	if !ok {
		return nil, fmt.Errorf("the SDK has no operation %q", r.Operation)
	}
	return call(ctx, s.client(r), &r.Args, r.Args.options())
}

func (s *session) pages(ctx context.Context, r request) (any, error) {
	list, ok := pages[r.Operation]
	if !ok {
		return nil, fmt.Errorf("the SDK has no list %q", r.Operation)
	}
	items, err := list(ctx, s.client(r), &r.Args, r.Args.options())
	if err != nil {
		return nil, err
	}
	found := []any{}
	for item, err := range items {
		if err != nil {
			return nil, err
		}
		if found = append(found, item); len(found) >= r.Limit {
			break
		}
	}
	return found, nil
}

// raw is a call with what the answer says besides its value.
func (s *session) raw(ctx context.Context, r request) (any, error) {
	call, ok := operations[r.Operation]
	if !ok {
		return nil, fmt.Errorf("the SDK has no operation %q", r.Operation)
	}
	var response agentidp.Response
	value, err := call(ctx, s.client(r), &r.Args, append(r.Args.options(), agentidp.WithResponse(&response)))
	if err != nil {
		return nil, err
	}
	headers := map[string]string{}
	for _, header := range response.Headers {
		headers[strings.ToLower(header.Name)] = header.Value
	}
	return map[string]any{
		"status": response.HTTPStatus, "headers": headers, "requestId": response.RequestID, "value": value,
	}, nil
}

// burst is many calls; as many at once as the judge wants, all of which are there before the first
// begins.
func (s *session) burst(ctx context.Context, r request) (any, error) {
	workers := r.Count
	if r.Concurrency > 0 {
		workers = min(workers, r.Concurrency)
	}
	var done sync.WaitGroup
	var left, failed atomic.Int64
	left.Store(int64(r.Count))
	var mu sync.Mutex
	codes := map[string]int{}
	begin := make(chan struct{})
	for range workers {
		done.Add(1)
		go func() {
			defer done.Done()
			<-begin
			for left.Add(-1) >= 0 {
				if _, err := s.call(ctx, r); err != nil {
					failed.Add(1)
					mu.Lock()
					codes[codeOf(err)]++
					mu.Unlock()
				}
			}
		}()
	}
	close(begin)
	done.Wait()
	return map[string]any{"succeeded": int64(r.Count) - failed.Load(), "failed": failed.Load(), "errors": codes}, nil
}

func codeOf(err error) string {
	var e *agentidp.AgentIdPError
	if errors.As(err, &e) {
		return e.Code
	}
	return err.Error()
}

func (s *session) token(ctx context.Context, r request) (any, error) {
	return s.client(r).TokenManager().GetToken(ctx)
}

func (s *session) makeClient(r request) error {
	config, err := configuration(r.Config)
	if err != nil {
		return err
	}
	config.Clock = s.clock(r.Clock)
	config.Logger = slog.New(&s.log)
	if r.Traceparent != "" {
		config.Traceparent = func(context.Context) string { return r.Traceparent }
	}
	client := agentidp.NewAgentIdPClient(config)
	s.mu.Lock()
	s.clients[r.Client], s.configs[r.Client] = client, config
	s.mu.Unlock()
	return client.Err()
}

// client is the named one; an unknown name is a client without configuration.
func (s *session) client(r request) *agentidp.AgentIdPClient {
	s.mu.Lock()
	defer s.mu.Unlock()
	if client := s.clients[r.Client]; client != nil {
		return client
	}
	return agentidp.NewAgentIdPClient(agentidp.AgentIdPClientConfig{})
}

func (s *session) answer(id uint64, value any, err error) {
	if err == nil {
		s.out.write(answer{ID: id, OK: value})
		return
	}
	lastError.Store(&err)
	s.fault(id, errorRecord(err))
}

func (s *session) fault(id uint64, record any) {
	s.out.write(struct {
		ID    uint64 `json:"id"`
		Error any    `json:"error"`
	}{id, record})
}

// errorRecord is the public error's JSON and the name of its sentinel, in the words of the judge.
func errorRecord(err error) any {
	var e *agentidp.AgentIdPError
	if !errors.As(err, &e) {
		return map[string]any{"kind": "runner", "code": "RUNNER", "message": err.Error()}
	}
	record := map[string]any{}
	if text, fault := json.Marshal(e); fault != nil || json.Unmarshal(text, &record) != nil {
		return map[string]any{"kind": "runner", "code": "RUNNER", "message": "the error has no JSON"}
	}
	for _, class := range classes {
		if errors.Is(err, class.sentinel) {
			record["class"] = class.name
		}
	}
	return record
}

// classes are what errors.Is tells apart, by the names that languages with classes have for them.
var classes = []struct {
	sentinel error
	name     string
}{
	{agentidp.ErrAuthentication, "AuthenticationError"},
	{agentidp.ErrPermission, "PermissionDeniedError"},
	{agentidp.ErrNotFound, "NotFoundError"},
	{agentidp.ErrConflict, "ConflictError"},
	{agentidp.ErrValidation, "ValidationError"},
	{agentidp.ErrRateLimit, "RateLimitError"},
	{agentidp.ErrServer, "ServerError"},
	{agentidp.ErrConnection, "ApiConnectionError"},
	{agentidp.ErrTimeout, "ApiTimeoutError"},
	{agentidp.ErrCancelled, "AbortError"},
	{agentidp.ErrConfiguration, "ConfigurationError"},
	{agentidp.ErrDecoding, "DecodingError"},
}
