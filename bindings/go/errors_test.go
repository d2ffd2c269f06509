package agentidp

import (
	"math"
	"testing"
	"time"
)

func TestAWaitThatNoDurationHoldsIsTheLongest(t *testing.T) {
	for text, wanted := range map[string]time.Duration{
		"0":                    0,
		"1.5":                  1500 * time.Millisecond,
		"9223372036":           9223372036 * time.Second,
		"9223372037":           math.MaxInt64,
		"18446744073709551615": math.MaxInt64,
		"1e300":                math.MaxInt64,
	} {
		e := errorFrom([]byte(`{"kind":"rate_limit","code":"RATE_LIMIT_EXCEEDED","message":"slow down","retryAfter":` + text + `}`))
		if e.RetryAfter != wanted || !e.asked {
			t.Errorf("retryAfter %s: %v, not %v", text, e.RetryAfter, wanted)
		}
	}
}
