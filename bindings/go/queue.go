package agentidp

import (
	"context"
	"encoding/binary"
	"os"
	"sync"
	"sync/atomic"

	"github.com/sentryagent/idp-sdk-go/internal/native"
)

const (
	// takeBytes is the usual room for a batch of completions.
	takeBytes = 256 << 10
	// headBytes is the fixed part of a completion: see agentidp_queue_take.
	headBytes = 24
)

// completion is the end of a call.
type completion struct {
	kind, status   uint32
	metadata, body []byte
}

// queue hands completions to the goroutines that wait for them, and log records to their loggers.
//
// There is one for the process. The library writes to a descriptor when something comes, and one
// goroutine, the reader, waits for that in Go's network poller, where it holds no thread. A call that
// is alone is its own reader, which spares it two switches; where there are more, the first hands
// over to a goroutine, the pump, which ends when nothing is out and no client logs.
type queue struct {
	native native.Queue
	wakeup *os.File
	writer int32
	ids    atomic.Uint64
	idle   sync.Pool
	// buf is the reader's.
	buf []byte

	mu      sync.Mutex
	waiting map[uint64]chan completion
	// listeners are the clients with a logger, which may be told something at any time.
	listeners int
	hasReader bool
}

var process struct {
	mu    sync.Mutex
	queue atomic.Pointer[queue]
}

// processQueue is made at the first call.
func processQueue() (*queue, error) {
	if q := process.queue.Load(); q != nil {
		return q, nil
	}
	process.mu.Lock()
	defer process.mu.Unlock()
	if q := process.queue.Load(); q != nil {
		return q, nil
	}
	wakeup, writer, err := native.NewWakeup()
	if err != nil {
		return nil, localError(KindConfiguration, CodeConfigurationError, "the process cannot make a descriptor to be woken by", err)
	}
	q := &queue{native: native.QueueNew(writer), wakeup: wakeup, writer: writer, buf: make([]byte, takeBytes), waiting: map[uint64]chan completion{}}
	native.LogsWake(writer)
	process.queue.Store(q)
	return q, nil
}

// listen keeps the pump until hush.
func (q *queue) listen() {
	q.mu.Lock()
	q.listeners++
	q.mu.Unlock()
}

func (q *queue) hush() {
	q.mu.Lock()
	q.listeners--
	last := q.listeners == 0
	q.mu.Unlock()
	if last {
		native.Nudge(q.writer)
	}
}

// expect gives a new call its id and the channel on which its one completion comes; leads says that
// the caller has to be the reader until it has that.
func (q *queue) expect(metadata bool) (id uint64, ended chan completion, leads bool) {
	id = q.ids.Add(1)
	if metadata {
		id |= native.WithMetadata
	}
	ended, ok := q.idle.Get().(chan completion)
	if !ok {
		ended = make(chan completion, 1)
	}
	q.mu.Lock()
	q.waiting[id] = ended
	if !q.hasReader {
		q.hasReader = true
		if leads = q.listeners == 0; !leads {
			go q.pump()
		}
	}
	q.mu.Unlock()
	return id, ended, leads
}

// forget gives up a call of which no completion comes.
func (q *queue) forget(id uint64, ended chan completion) {
	q.mu.Lock()
	delete(q.waiting, id)
	unused := q.listeners == 0 && len(q.waiting) == 0
	q.mu.Unlock()
	if unused {
		native.Nudge(q.writer)
	}
	q.recycle(ended)
}

// recycle keeps an empty channel for another call.
func (q *queue) recycle(ended chan completion) { q.idle.Put(ended) }

// lead is the reader until the caller's completion is there or its context has ended.
func (q *queue) lead(ctx context.Context, ended chan completion) (done completion, ok bool) {
	if ctx.Done() != nil {
		stop := context.AfterFunc(ctx, func() { native.Nudge(q.writer) })
		defer stop()
	}
	defer q.handOver()
	for {
		q.read()
		deliverSoon()
		select {
		case done = <-ended:
			return done, true
		default:
		}
		if ctx.Err() != nil {
			return completion{}, false
		}
	}
}

// handOver ends the caller's time as the reader.
func (q *queue) handOver() {
	q.mu.Lock()
	if q.hasReader = len(q.waiting) > 0 || q.listeners > 0; q.hasReader {
		go q.pump()
	}
	q.mu.Unlock()
}

func (q *queue) pump() {
	for {
		deliverSoon()
		q.mu.Lock()
		if q.hasReader = len(q.waiting) > 0 || q.listeners > 0; !q.hasReader {
			q.mu.Unlock()
			return
		}
		q.mu.Unlock()
		q.read()
	}
}

// read waits for the library and empties its queue.
func (q *queue) read() {
	var signal [8]byte
	// It cannot fail while the file is open, and it is never closed.
	_, _ = q.wakeup.Read(signal[:])
	for {
		n := native.QueueTake(q.native, q.buf)
		switch {
		case n > 0:
			// Its own copy, so that the buffer is free again; each body is a part of it.
			q.deliver(append([]byte(nil), q.buf[:n]...))
			if len(q.buf) > takeBytes {
				q.buf = make([]byte, takeBytes)
			}
		case n < 0 && n != native.Closed:
			q.buf = make([]byte, -n)
		default:
			return
		}
	}
}

// deliver splits a batch; the library wrote it, so its lengths are right.
func (q *queue) deliver(batch []byte) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(batch) >= headBytes {
		id := binary.LittleEndian.Uint64(batch)
		metadata := headBytes + int(binary.LittleEndian.Uint32(batch[16:]))
		end := metadata + int(binary.LittleEndian.Uint32(batch[20:]))
		done := completion{
			kind:     binary.LittleEndian.Uint32(batch[8:]),
			status:   binary.LittleEndian.Uint32(batch[12:]),
			metadata: batch[headBytes:metadata:metadata],
			body:     batch[metadata:end:end],
		}
		batch = batch[end:]
		ended, ok := q.waiting[id]
		delete(q.waiting, id)
		if ok {
			// Never blocks: it has room for the one completion.
			ended <- done
		}
	}
}
