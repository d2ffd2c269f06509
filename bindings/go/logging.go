package agentidp

import (
	"context"
	"encoding/json"
	"log/slog"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sentryagent/idp-sdk-go/internal/native"
	"github.com/sentryagent/idp-sdk-go/internal/wire"
)

// Log records of the core go to the logger of the client that they speak of, also those of what
// happens in the background, such as a renewal of a token. What speaks of no client goes to every
// logger. Without a logger no record is made.

// LevelTrace is the level of records about every request and its tries, below [slog.LevelDebug].
const LevelTrace = slog.LevelDebug - 4

// levels are the core's, from 1 to 5.
var levels = [...]slog.Level{slog.LevelError, slog.LevelWarn, slog.LevelInfo, slog.LevelDebug, LevelTrace}

// logBytes is the usual room for a batch of records.
const logBytes = 64 << 10

// loggers are the clients' loggers by the clients' numbers.
var loggers struct {
	active atomic.Bool
	// scheduled is whether a delivery has yet to begin.
	scheduled atomic.Bool
	// delivering is held while records are handed over, so that they keep their order.
	delivering sync.Mutex

	mu       sync.Mutex
	byClient map[uint64]*clientLogger
}

// clientLogger is a client's logger and what it wanted when it was last asked.
type clientLogger struct {
	*slog.Logger
	wanted atomic.Uint32
}

// FlushLogs hands all records that were made so far to their loggers before it returns; records are
// otherwise handed over in the background, soon. Call it before the process ends. It must not be
// called by a logger's handler.
func FlushLogs() {
	if !loggers.active.Load() {
		return
	}
	deliverRecords()
}

// register makes the client's records go to the logger.
func register(client uint64, logger *slog.Logger) *clientLogger {
	l := &clientLogger{Logger: logger}
	l.wanted.Store(verbosity(logger))
	loggers.mu.Lock()
	defer loggers.mu.Unlock()
	if loggers.byClient == nil {
		loggers.byClient = map[uint64]*clientLogger{}
	}
	loggers.byClient[client] = l
	wantRecords()
	return l
}

// unregister hands over what was recorded until now and then forgets the logger.
func unregister(client uint64) {
	forget := func() {
		loggers.mu.Lock()
		delete(loggers.byClient, client)
		wantRecords()
		loggers.mu.Unlock()
	}
	if loggers.delivering.TryLock() {
		handOver()
		loggers.delivering.Unlock()
		forget()
		return
	}
	// Somebody else is at it, perhaps the handler that closes the client: do not wait for him here.
	go func() {
		deliverRecords()
		forget()
	}()
}

// refresh follows a logger whose level was changed.
func (l *clientLogger) refresh() {
	now := verbosity(l.Logger)
	if l.wanted.Swap(now) != now {
		loggers.mu.Lock()
		wantRecords()
		loggers.mu.Unlock()
	}
}

// wantRecords tells the core what the most curious logger wants; loggers.mu is held.
func wantRecords() {
	most := uint32(0)
	for _, l := range loggers.byClient {
		most = max(most, l.wanted.Load())
	}
	loggers.active.Store(len(loggers.byClient) > 0)
	native.LogsWant(most)
}

// verbosity is the core's number of the lowest level that the logger takes; 0 for none.
func verbosity(logger *slog.Logger) uint32 {
	for i := len(levels) - 1; i >= 0; i-- {
		if logger.Enabled(context.Background(), levels[i]) {
			return uint32(i + 1)
		}
	}
	return 0
}

// deliverSoon hands records over on a goroutine of its own: handlers may take their time.
func deliverSoon() {
	if loggers.active.Load() && !loggers.scheduled.Swap(true) {
		go func() {
			loggers.scheduled.Store(false)
			deliverRecords()
		}()
	}
}

func deliverRecords() {
	loggers.delivering.Lock()
	defer loggers.delivering.Unlock()
	handOver()
}

// handOver takes records until none are left; loggers.delivering is held.
func handOver() {
	buf := make([]byte, logBytes)
	for {
		n := native.LogsTake(buf)
		switch {
		case n > 0:
			var records []logRecord
			if json.Unmarshal(buf[:n], &records) == nil {
				for i := range records {
					records[i].deliver()
				}
			}
		case n < 0:
			buf = make([]byte, -n)
		default:
			return
		}
	}
}

// logRecord is a record of the core.
type logRecord struct {
	Client  *uint64        `json:"client"`
	Level   int            `json:"level"`
	Message string         `json:"message"`
	Fields  map[string]any `json:"fields"`
	TimeMS  int64          `json:"timeMs"`
}

func (r *logRecord) deliver() {
	level := levels[min(max(r.Level, 1), len(levels))-1]
	record := slog.NewRecord(time.UnixMilli(r.TimeMS), level, r.Message, 0)
	for _, name := range wire.Sorted(r.Fields) {
		record.AddAttrs(attribute(name, r.Fields[name]))
	}
	for _, logger := range r.loggers() {
		if ctx := context.Background(); logger.Enabled(ctx, level) {
			// A handler's error has nobody to go to, as with slog itself.
			_ = logger.Handler().Handle(ctx, record.Clone())
		}
	}
}

// loggers are where the record goes: each logger once.
func (r *logRecord) loggers() []*slog.Logger {
	loggers.mu.Lock()
	defer loggers.mu.Unlock()
	var to []*slog.Logger
	for client, l := range loggers.byClient {
		if (r.Client == nil || *r.Client == client) && !slices.Contains(to, l.Logger) {
			to = append(to, l.Logger)
		}
	}
	return to
}

func attribute(name string, value any) slog.Attr {
	if n, ok := value.(float64); ok && n == math.Trunc(n) && math.Abs(n) < 1<<53 {
		return slog.Int64(name, int64(n))
	}
	return slog.Any(name, value)
}
