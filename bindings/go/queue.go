package agentidp

import (
	"encoding/binary"
	"sync"
	"sync/atomic"

	"github.com/sentryagent/idp-sdk-go/internal/native"
)

const (
	// takeTimeoutMS bounds one wait in the library; nothing depends on its length.
	takeTimeoutMS = 60_000
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

// queue hands completions to the goroutines that wait for them. There is one for the process, and
// one goroutine of it sits in the library: one thread, however many calls are out.
type queue struct {
	native native.Queue
	ids    atomic.Uint64
	idle   sync.Pool

	mu      sync.Mutex
	waiting map[uint64]chan completion
}

// processQueue is made at the first call.
var processQueue = sync.OnceValue(func() *queue {
	q := &queue{native: native.QueueNew(), waiting: map[uint64]chan completion{}}
	go q.pump()
	return q
})

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
	q.mu.Unlock()
	return id, ended
}

// forget gives up a call of which no completion comes.
func (q *queue) forget(id uint64, ended chan completion) {
	q.mu.Lock()
	delete(q.waiting, id)
	q.mu.Unlock()
	q.recycle(ended)
}

// recycle keeps an empty channel for another call.
func (q *queue) recycle(ended chan completion) { q.idle.Put(ended) }

func (q *queue) pump() {
	buf := make([]byte, takeBytes)
	for {
		n := native.QueueTake(q.native, takeTimeoutMS, buf)
		switch {
		case n == native.Closed:
			return
		case n < 0:
			buf = make([]byte, -n)
		case n > 0:
			// Its own copy, so that the buffer is free again; each body is a part of it.
			q.deliver(append([]byte(nil), buf[:n]...))
			if len(buf) > takeBytes {
				buf = make([]byte, takeBytes)
			}
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
