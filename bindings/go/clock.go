package agentidp

import (
	"errors"
	"math"
	"runtime"
	"time"

	"github.com/sentryagent/idp-sdk-go/internal/native"
)

// ManualClock is a clock for tests: it stands still at the present until it is moved, and everything
// that waits by it - backoff, the renewal of tokens, a call's timeout - waits until it is. Give it to
// a client or verifier as its Clock. It is safe for all goroutines.
type ManualClock struct{ clock native.Clock }

// NewManualClock makes a clock. It panics when the native library cannot be loaded: it is for tests.
func NewManualClock() *ManualClock {
	if err := native.Load(operationsChecksum); err != nil {
		panic(err)
	}
	c := &ManualClock{clock: native.ClockNew()}
	runtime.SetFinalizer(c, func(c *ManualClock) { native.ClockFree(c.clock) })
	return c
}

// Advance lets time pass on the wall clock and the monotonic one; a negative time does nothing.
func (c *ManualClock) Advance(d time.Duration) {
	native.ClockAdvance(c.clock, int64(d))
	runtime.KeepAlive(c)
}

// JumpWall sets only the wall clock on, or back for a negative time, as a user or NTP does.
func (c *ManualClock) JumpWall(d time.Duration) {
	native.ClockJumpWall(c.clock, int64(d))
	runtime.KeepAlive(c)
}

// SetRandom fixes what every random draw (jitter) gives, from 0 to 1; 0 at first.
func (c *ManualClock) SetRandom(value float64) {
	native.ClockSetRandom(c.clock, math.Float64bits(value))
	runtime.KeepAlive(c)
}

// Now is the wall clock's time.
func (c *ManualClock) Now() time.Time {
	defer runtime.KeepAlive(c)
	return time.Unix(0, native.ClockWall(c.clock))
}

// errNobodySleeps is Sleeping's error.
var errNobodySleeps = errors.New("agentidp: nobody sleeps that short by this clock")

// Sleeping waits until something sleeps by the clock for at most that long, and says for how long;
// an error when patience - real time - ends before. With it a test knows that a backoff has begun
// before it advances the clock.
func (c *ManualClock) Sleeping(atMost, patience time.Duration) (time.Duration, error) {
	defer runtime.KeepAlive(c)
	ns := native.ClockSleeping(c.clock, int64(atMost), uint32(min(max(milliseconds(patience), 0), math.MaxUint32)))
	if ns < 0 {
		return 0, errNobodySleeps
	}
	return time.Duration(ns), nil
}

// handleOf is the library's clock; 0 for the real one.
func handleOf(c *ManualClock) native.Clock {
	if c == nil {
		return 0
	}
	return c.clock
}
