package agentidp_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	agentidp "github.com/sentryagent/idp-sdk-go"
)

// sdkGoroutines are the goroutines that run code of this package, tests apart.
func sdkGoroutines() []string {
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	var ours []string
	for _, stack := range strings.Split(string(stacks), "\n\n") {
		if strings.Contains(stack, "idp-sdk-go.(*queue).pump") || strings.Contains(stack, "idp-sdk-go.deliver") {
			ours = append(ours, stack)
		}
	}
	return ours
}

// threads is how many the process has, and how many of them are the library's.
func threads(t testing.TB) (all, native int) {
	t.Helper()
	names, err := filepath.Glob("/proc/self/task/*/comm")
	if err != nil || len(names) == 0 {
		t.Skip("threads cannot be counted here")
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			continue
		}
		all++
		if strings.HasPrefix(string(text), "agentidp") {
			native++
		}
	}
	return all, native
}

// eventually waits until something is true; only a fault makes it take long.
func eventually(t testing.TB, what string, isTrue func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !isTrue(); runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}

// aloneVariable says that this process is the child of inAProcessOfItsOwn. Not one of the SDK's names,
// which tests forget at their start.
const aloneVariable = "IDP_SDK_TEST_ALONE"

// inAProcessOfItsOwn runs the test again, alone in a new process; false in the process that asked.
func inAProcessOfItsOwn(t *testing.T, environment ...string) bool {
	t.Helper()
	if os.Getenv(aloneVariable) != "" {
		return true
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	child := exec.CommandContext(ctx, os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	child.Env = append(append(os.Environ(), aloneVariable+"=1"), environment...)
	if said, err := child.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, said)
	} else {
		for _, line := range strings.Split(string(said), "\n") {
			if strings.Contains(line, "_test.go:") {
				t.Log(strings.TrimSpace(line))
			}
		}
	}
	return false
}

func TestNothingStartsBeforeTheFirstCall(t *testing.T) {
	if !inAProcessOfItsOwn(t) {
		return
	}
	before := runtime.NumGoroutine()
	client := agentidp.NewAgentIdPClient(agentidp.AgentIdPClientConfig{BaseURL: "https://idp.example.com", ClientID: clientID, ClientSecret: secret})
	manager := client.TokenManager()
	verifier := agentidp.NewTokenVerifier(agentidp.TokenVerifierConfig{Issuer: "https://idp.example.com", Audience: []string{"a"}})
	if client.Err() != nil || verifier.Err() != nil || client.ExplainConfiguration() == nil || manager == nil {
		t.Fatal(client.Err(), verifier.Err())
	}
	_, native := threads(t)
	if now := runtime.NumGoroutine(); now != before || native != 0 {
		t.Errorf("%d goroutines, %d before; %d threads of the library", now, before, native)
	}
	_ = client.Close()
}

func TestNothingIsLeftAfterClose(t *testing.T) {
	if !inAProcessOfItsOwn(t) {
		return
	}
	s := fake(t, answer(200, agentJSON))
	round := func() {
		client := agentidp.NewAgentIdPClient(agentidp.AgentIdPClientConfig{BaseURL: s.URL, ClientID: clientID, ClientSecret: secret})
		if _, err := client.Agents.GetAgent(context.Background(), clientID); err != nil {
			t.Fatal(err)
		}
		if len(sdkGoroutines()) > 1 {
			t.Errorf("at most one goroutine serves all calls: %q", sdkGoroutines())
		}
		_ = client.Close()
		eventually(t, "no goroutine of the SDK", func() bool { return len(sdkGoroutines()) == 0 })
		s.CloseClientConnections()
	}
	round()
	firstAll, firstNative := threads(t)
	descriptors := len(openFiles(t))
	for range 100 {
		round()
	}
	all, native := threads(t)
	t.Logf("threads after the first client %d, of the library %d; after a hundred more %d and %d; descriptors %d and %d",
		firstAll, firstNative, all, native, descriptors, len(openFiles(t)))
	if native != 1 || firstNative != 1 || all > firstAll+4 || len(openFiles(t)) > descriptors+8 {
		t.Error("something grows with the number of clients")
	}
}

func openFiles(t testing.TB) []string {
	t.Helper()
	names, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestAForgottenClientIsCleanedUp(t *testing.T) {
	if !inAProcessOfItsOwn(t) {
		return
	}
	s := fake(t, answer(200, agentJSON))
	use := func() {
		client := agentidp.NewAgentIdPClient(agentidp.AgentIdPClientConfig{BaseURL: s.URL, ClientID: clientID, ClientSecret: secret})
		if _, err := client.Agents.GetAgent(context.Background(), clientID); err != nil {
			t.Fatal(err)
		}
	}
	for range 20 {
		use()
	}
	eventually(t, "the pump ends when the last forgotten client is collected", func() bool {
		runtime.GC()
		return len(sdkGoroutines()) == 0
	})
}

func TestCallsSurviveTheGarbageCollector(t *testing.T) {
	s := fake(t, answer(200, agentJSON))
	client := s.client(t)
	stop := make(chan struct{})
	var pressure sync.WaitGroup
	pressure.Add(1)
	go func() {
		defer pressure.Done()
		var rubbish [][]byte
		for {
			select {
			case <-stop:
				return
			default:
				rubbish = append(rubbish, make([]byte, 64<<10))
				if len(rubbish) > 32 {
					rubbish = nil
					runtime.GC()
				}
			}
		}
	}()
	var calls sync.WaitGroup
	for range 16 {
		calls.Add(1)
		go func() {
			defer calls.Done()
			for range 50 {
				agent, err := client.Agents.GetAgent(context.Background(), clientID)
				if err != nil || agent.AgentID != clientID || agent.Owner != `talent "acquisition" Ω` {
					t.Error(agent, err)
				}
			}
		}()
	}
	calls.Wait()
	close(stop)
	pressure.Wait()
}

func TestTenThousandGoroutinesShareOneTokenAndOneError(t *testing.T) {
	const count = 10_000
	for name, c := range map[string]struct {
		status int
		body   string
		failed int
	}{
		"token": {200, `{"access_token":"token-1","token_type":"Bearer","expires_in":3600,"scope":"agents:read"}`, 0},
		"error": {503, `{"code":"SERVICE_UNAVAILABLE","message":"Not now."}`, count},
	} {
		t.Run(name, func(t *testing.T) {
			var tokens, waiting atomic.Int64
			release := make(chan struct{})
			s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
				tokens.Add(1)
				<-release
				answer(c.status, c.body)(w, r)
			})
			client := agentidp.NewAgentIdPClient(agentidp.AgentIdPClientConfig{BaseURL: s.URL, ClientID: clientID, ClientSecret: secret, Retries: agentidp.Ptr(0)})
			defer client.Close()
			var done sync.WaitGroup
			errs := make(chan error, count)
			for range count {
				done.Add(1)
				go func() {
					defer done.Done()
					waiting.Add(1)
					_, err := client.TokenManager().GetToken(context.Background())
					errs <- err
				}()
			}
			eventually(t, "all wait", func() bool { return waiting.Load() == count && tokens.Load() > 0 })
			close(release)
			done.Wait()
			close(errs)
			failed := 0
			for err := range errs {
				if err != nil {
					failed++
					if !errors.Is(err, agentidp.ErrServer) {
						t.Fatal(err)
					}
				}
			}
			if failed != c.failed || tokens.Load() != 1 {
				t.Errorf("%d failed, not %d; %d token requests", failed, c.failed, tokens.Load())
			}
		})
	}
}

func TestACancelledCallIsGoneFromTheWireWithin100ms(t *testing.T) {
	const rounds = 30
	var left []time.Duration
	handler, arrived, gone := blocking()
	client := fake(t, handler).client(t)
	for range rounds {
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() {
			_, err := client.Agents.GetAgent(ctx, clientID)
			ended <- err
		}()
		<-arrived
		began := time.Now()
		cancel()
		<-gone
		left = append(left, time.Since(began))
		if err := <-ended; !errors.Is(err, context.Canceled) || !errors.Is(err, agentidp.ErrCancelled) {
			t.Fatal(err)
		}
	}
	slices.Sort(left)
	t.Logf("the server saw the end after %v (median of %d), %v (slowest)", left[rounds/2], rounds, left[rounds-1])
	if left[rounds/2] > 100*time.Millisecond {
		t.Errorf("%v", left)
	}
}

func TestACancelledCallerLeavesTheTokenToOthers(t *testing.T) {
	arrived, release := make(chan struct{}, 8), make(chan struct{})
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		arrived <- struct{}{}
		<-release
		answer(200, `{"access_token":"token-1","token_type":"Bearer","expires_in":3600,"scope":"agents:read"}`)(w, r)
	})
	client := agentidp.NewAgentIdPClient(agentidp.AgentIdPClientConfig{BaseURL: s.URL, ClientID: clientID, ClientSecret: secret})
	t.Cleanup(func() { _ = client.Close() })
	ctx, cancel := context.WithCancel(context.Background())
	first, second := make(chan error, 1), make(chan error, 1)
	go func() {
		_, err := client.TokenManager().GetToken(ctx)
		first <- err
	}()
	<-arrived
	go func() {
		token, err := client.TokenManager().GetToken(context.Background())
		if err == nil && token != "token-1" {
			err = fmt.Errorf("the token is %q", token)
		}
		second <- err
	}()
	cancel()
	if err := <-first; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	close(release)
	if err := <-second; err != nil {
		t.Error(err)
	}
	if n := len(arrived); n != 0 {
		t.Errorf("%d more token requests", n)
	}
}

func TestACachedTokenIsAnsweredAtOnce(t *testing.T) {
	s := fake(t, nil)
	manager := s.client(t).TokenManager()
	ctx, cancel := context.WithCancel(context.Background())
	if _, err := manager.GetToken(ctx); err != nil {
		t.Fatal(err)
	}
	s.Close()
	const reads = 10_000
	began := time.Now()
	for range reads {
		if token, err := manager.GetToken(ctx); err != nil || token != "token-1" {
			t.Fatal(token, err)
		}
	}
	t.Logf("%v a cached read", time.Since(began)/reads)
	cancel()
}

func BenchmarkCachedToken(b *testing.B) {
	s := fake(b, nil)
	manager := s.client(b).TokenManager()
	ctx := context.Background()
	if _, err := manager.GetToken(ctx); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		if _, err := manager.GetToken(ctx); err != nil {
			b.Fatal(err)
		}
	}
}
