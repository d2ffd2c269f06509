package main

import (
	"context"
	"time"

	agentidp "github.com/sentryagent/idp-sdk-go"
)

// patience is how long the judge waits for somebody to sleep.
const patience = 30 * time.Second

// clock is the named manual clock, made at its first mention; no name is no clock.
func (s *session) clock(name string) *agentidp.ManualClock {
	if name == "" {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.clocks[name] == nil {
		s.clocks[name] = agentidp.NewManualClock()
	}
	return s.clocks[name]
}

func (s *session) moveClock(r request) {
	clock := s.clock(r.Clock)
	if clock == nil {
		return
	}
	if r.AdvanceMS != nil {
		clock.Advance(milliseconds(*r.AdvanceMS))
	}
	if r.JumpWallMS != nil {
		clock.JumpWall(milliseconds(*r.JumpWallMS))
	}
	if r.Random != nil {
		clock.SetRandom(*r.Random)
	}
}

// sleeping tells for how many milliseconds somebody sleeps.
func (s *session) sleeping(_ context.Context, r request) (any, error) {
	slept, err := s.clock(r.Clock).Sleeping(milliseconds(r.AtMostMS), patience)
	return float64(slept) / float64(time.Millisecond), err
}
