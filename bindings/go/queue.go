package agentidp

import (
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
// There is one for the process. Its pump is a goroutine that waits in Go's network poller for a
// descriptor to which the library writes; it holds no thread, begins with the first call and ends
// when the last client is closed and nothing is out.
type queue struct {
	native native.Queue
	wakeup *os.File
	writer int32
	ids    atomic.Uint64
	idle   sync.Pool

	mu      sync.Mutex
	waiting map[uint64]chan completion
	users   int
	pumping bool
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
	q := &queue{native: native.QueueNew(writer), wakeup: wakeup, writer: writer, waiting: map[uint64]chan completion{}}
	native.LogsWake(writer)
	process.queue.Store(q)
	return q, nil
}

// join keeps the pump until leave.
func (q *queue) join() {
	q.mu.Lock()
	q.users++
	q.mu.Unlock()
}

func (q *queue) leave() {
	q.mu.Lock()
	q.users--
	last := q.users == 0
	q.mu.Unlock()
	if last {
		native.Nudge(q.writer)
	}
}

// expect gives a new call its id and the channel on which its one completion comes.
func (q *queue) expect(metadata bool) (uint64, chan completion) {
	id := q.ids.Add(1)
	if metadata {
		id |= native.WithMetadata
	}
	ended, ok := q.idle.Get().(chan completion)
	if !ok {
		ended = make(chan completion, 1)
	}
	q.mu.Lock()
	q.waiting[id] = ended
	if !q.pumping {
		q.pumping = true
		go q.pump()
	}
	q.mu.Unlock()
	return id, ended
}

// forget gives up a call of which no completion comes.
func (q *queue) forget(id uint64, ended chan completion) {
	q.mu.Lock()
	delete(q.waiting, id)
	unused := q.users == 0 && len(q.waiting) == 0
	q.mu.Unlock()
	if unused {
		native.Nudge(q.writer)
	}
	q.recycle(ended)
}

// recycle keeps an empty channel for another call.
func (q *queue) recycle(ended chan completion) { q.idle.Put(ended) }

func (q *queue) pump() {
	buf := make([]byte, takeBytes)
	var signal [8]byte
	for {
		buf = q.take(buf)
		deliverSoon()
		q.mu.Lock()
		if q.users == 0 && len(q.waiting) == 0 {
			q.pumping = false
			q.mu.Unlock()
			return
		}
		q.mu.Unlock()
		// It cannot fail while the file is open, and it is never closed.
		_, _ = q.wakeup.Read(signal[:])
	}
}

// take empties the library's queue.
func (q *queue) take(buf []byte) []byte {
	for {
		n := native.QueueTake(q.native, buf)
		switch {
		case n > 0:
			// Its own copy, so that the buffer is free again; each body is a part of it.
			q.deliver(append([]byte(nil), buf[:n]...))
			if len(buf) > takeBytes {
				buf = make([]byte, takeBytes)
			}
		case n < 0 && n != native.Closed:
			buf = make([]byte, -n)
		default:
			return buf
		}
	}
}

// deliver splits a batch; the library wrote it, so its lengths are right.
func (q *queue) deliver(batch []byte) {
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
		q.mu.Lock()
		ended, ok := q.waiting[id]
		delete(q.waiting, id)
		q.mu.Unlock()
		if ok {
			ended <- done
		}
	}
}
