// Command worker is a Go client under the referee's orders: one line in, one turn, one line out.
//
//	worker <client> <base url>
//
// A turn is `in_flight` goroutines that make the same number of calls each. A call that fails ends
// the worker: a failure has no rate.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// agent is the id that is asked for.
const agent = "0192f8c4-7d1e-7c3a-9f5b-2f6f1d0c8000"

// contestant is a client or a verifier.
type contestant interface {
	name() string
	// call is what one call of that operation does.
	call(operation string) func() error
}

// client is the project's or a peer's.
type client interface {
	name() string
	// get reads one agent, and looks at it.
	get() error
	// list reads a page of a hundred, and looks at each.
	list() error
}

// turn is an order of the referee.
type turn struct {
	Operation string `json:"operation"`
	InFlight  int    `json:"in_flight"`
	Calls     int    `json:"calls"`
}

// calling is a client as the worker asks it: by operation.
type calling struct{ client }

func (c calling) call(operation string) func() error {
	if operation == "list" {
		return c.list
	}
	return c.get
}

func (t turn) take(c contestant) (seconds, cpu float64) {
	call := c.call(t.Operation)
	var done sync.WaitGroup
	began, used := time.Now(), cpuSeconds()
	for range t.InFlight {
		done.Add(1)
		go func() {
			defer done.Done()
			for range t.Calls / t.InFlight {
				if err := call(); err != nil {
					log.Fatal(err)
				}
			}
		}()
	}
	done.Wait()
	return time.Since(began).Seconds(), cpuSeconds() - used
}

// cpuSeconds is user and system time of this process so far.
func cpuSeconds() float64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		log.Fatal(err)
	}
	seconds := func(t syscall.Timeval) float64 { return float64(t.Sec) + float64(t.Usec)/1e6 }
	return seconds(usage.Utime) + seconds(usage.Stime)
}

// look reads what a caller reads, and checks it.
func look(email, status string, created time.Time) error {
	if len(email) < 4 || email[len(email)-4:] != ".com" || status != "active" || created.Year() != 2026 {
		return fmt.Errorf("an agent is not what the server sent: %s, %s, %v", email, status, created)
	}
	return nil
}

// find makes the client or verifier of that name.
func find(name, baseURL string) (contestant, error) {
	clients := map[string]func(string) (client, error){"project-go": newProject, "net/http": newPeer}
	verifiers := map[string]func(string) (verifier, error){
		"verify-project": newProjectVerifier, "golang-jwt": newGolangJWT,
	}
	if make, ok := clients[name]; ok {
		c, err := make(baseURL)
		return calling{c}, err
	}
	if make, ok := verifiers[name]; ok {
		return newVerifying(make, baseURL)
	}
	return nil, fmt.Errorf("no client %q", name)
}

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: worker <client> <base url>")
	}
	c, err := find(os.Args[1], os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	out := json.NewEncoder(os.Stdout)
	say := func(value any) {
		if err := out.Encode(value); err != nil {
			log.Fatal(err)
		}
	}
	say(map[string]string{"client": c.name(), "runtime": runtime.Version()})
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var t turn
		if err := json.Unmarshal(lines.Bytes(), &t); err != nil {
			log.Fatal(err)
		}
		seconds, cpu := t.take(c)
		say(map[string]float64{"seconds": seconds, "cpu": cpu})
	}
}
