package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"sync"
	"time"

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

	mu      sync.Mutex
	clients map[string]*agentidp.AgentIdPClient
	cancels map[uint64]context.CancelFunc
}

func newSession(out *lines) *session {
	return &session{
		out:     out,
		clients: map[string]*agentidp.AgentIdPClient{},
		cancels: map[uint64]context.CancelFunc{},
	}
}

// handle answers one line; what takes time goes on by itself.
func (s *session) handle(r request) {
	switch r.Do {
	case "client":
		s.answer(r.ID, nil, s.makeClient(r))
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
	case "call", "pages", "burst":
		s.start(r)
	default:
		s.answer(r.ID, nil, fmt.Errorf("the runner does not know %q", r.Do))
	}
}

func (s *session) start(r request) {
	ctx, cancel := context.WithCancel(context.Background())
	s.mu.Lock()
	s.cancels[r.ID] = cancel
	s.mu.Unlock()
	s.calls.Add(1)
	go func() {
		defer s.calls.Done()
		var value any
		var err error
		switch r.Do {
		case "call":
			value, err = s.call(ctx, r)
		case "pages":
			value, err = s.pages(ctx, r)
		default:
			value = s.burst(ctx, r)
		}
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

// burst is many calls at once, all of which are there before the first begins.
func (s *session) burst(ctx context.Context, r request) any {
	var calls sync.WaitGroup
	begin := make(chan struct{})
	results := make(chan error, r.Count)
	for range r.Count {
		calls.Add(1)
		go func() {
			defer calls.Done()
			<-begin
			_, err := s.call(ctx, r)
			results <- err
		}()
	}
	close(begin)
	calls.Wait()
	close(results)
	failed, codes := 0, map[string]int{}
	for err := range results {
		if err != nil {
			failed++
			var e *agentidp.AgentIdPError
			if errors.As(err, &e) {
				codes[e.Code]++
			} else {
				codes[err.Error()]++
			}
		}
	}
	return map[string]any{"succeeded": r.Count - failed, "failed": failed, "errors": codes}
}

func (s *session) makeClient(r request) error {
	config, err := configuration(r.Config)
	if err != nil {
		return err
	}
	client := agentidp.NewAgentIdPClient(config)
	s.mu.Lock()
	s.clients[r.Client] = client
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
	s.out.write(struct {
		ID    uint64 `json:"id"`
		Error any    `json:"error"`
	}{id, errorRecord(err)})
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

// milliseconds is a time of the judge.
func milliseconds(n int) time.Duration { return time.Duration(n) * time.Millisecond }
