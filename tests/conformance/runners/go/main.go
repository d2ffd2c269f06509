// Command runner makes the calls of the conformance cases with the Go SDK's public surface.
//
// It owns the translation between the judge's lines and public methods and types. It refuses to judge:
// what a call answered goes back as it is.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"sync"
)

// lineBytesMax is the longest line that the judge may send.
const lineBytesMax = 64 << 20

// request is a line of the judge.
type request struct {
	ID        uint64          `json:"id"`
	Do        string          `json:"do"`
	Client    string          `json:"client"`
	Config    json.RawMessage `json:"config"`
	Operation string          `json:"operation"`
	Args      arguments       `json:"args"`
	Call      uint64          `json:"call"`
	Count     int             `json:"count"`
	Limit     int             `json:"limit"`

	Concurrency    int               `json:"concurrency"`
	Clock          string            `json:"clock"`
	Traceparent    string            `json:"traceparent"`
	AdvanceMS      *float64          `json:"advanceMs"`
	JumpWallMS     *float64          `json:"jumpWallMs"`
	Random         *float64          `json:"random"`
	AtMostMS       float64           `json:"atMostMs"`
	Verifier       string            `json:"verifier"`
	Token          string            `json:"token"`
	RequiredScopes []string          `json:"requiredScopes"`
	Payload        string            `json:"payload"`
	Headers        map[string]string `json:"headers"`
	Secret         string            `json:"secret"`
	NowMS          *int64            `json:"nowMs"`
	ToleranceMS    *float64          `json:"toleranceMs"`
	Events         json.RawMessage   `json:"events"`
}

// answer is a line for the judge.
type answer struct {
	ID    uint64 `json:"id"`
	OK    any    `json:"ok"`
	Error any    `json:"error,omitempty"`
}

// lines writes one answer a line, whoever has one.
type lines struct {
	mu  sync.Mutex
	out *bufio.Writer
}

func (l *lines) write(line any) {
	text, err := json.Marshal(line)
	if err != nil {
		text, _ = json.Marshal(map[string]string{"fault": err.Error()})
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	_, _ = l.out.Write(append(text, '\n'))
	_ = l.out.Flush()
}

func main() {
	out := &lines{out: bufio.NewWriter(os.Stdout)}
	out.write(map[string]any{"ready": map[string]string{
		"language": "go", "mode": "async", "version": runtime.Version(),
	}})
	s := newSession(out)
	input := bufio.NewScanner(os.Stdin)
	input.Buffer(nil, lineBytesMax)
	for input.Scan() {
		var r request
		if err := json.Unmarshal(input.Bytes(), &r); err != nil {
			fmt.Fprintln(os.Stderr, "not a line of the judge:", err)
			os.Exit(2)
		}
		if r.Do == "exit" {
			break
		}
		s.handle(r)
	}
	s.calls.Wait()
	if err := input.Err(); err != nil {
		fmt.Fprintln(os.Stderr, "cannot read the judge:", err)
		os.Exit(2)
	}
}
