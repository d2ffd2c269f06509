package agentidp

import (
	"context"
	"runtime"
	"sync"

	"github.com/sentryagent/idp-sdk-go/internal/native"
	"github.com/sentryagent/idp-sdk-go/internal/wire"
)

// The one path of every call: write the arguments, start, wait for the completion or the context,
// read the answer.

var writers = sync.Pool{New: func() any { return wire.NewWriter(make([]byte, 0, 512)) }}

// arguments begins the arguments of a call; send ends them.
func arguments() *wire.Writer {
	w := writers.Get().(*wire.Writer)
	w.Open('{')
	return w
}

// invoke is a call that answers a value.
func invoke[T any, P model[T]](ctx context.Context, h *handle, operation uint32, args *wire.Writer, opts []CallOption) (*T, error) {
	done, err := h.send(ctx, operation, args, opts)
	if err != nil {
		return nil, err
	}
	value := new(T)
	r := wire.NewReader(done.body)
	P(value).read(r)
	if err := r.End(); err != nil {
		return nil, localError(KindDecoding, CodeDecodingError, "the answer cannot be read", err)
	}
	return value, nil
}

// invokeMaybe is a call that may answer a value or nothing.
func invokeMaybe[T any, P model[T]](ctx context.Context, h *handle, operation uint32, args *wire.Writer, opts []CallOption) (*T, error) {
	done, err := h.send(ctx, operation, args, opts)
	if err != nil || len(done.body) == 0 {
		return nil, err
	}
	value := new(T)
	if err := unmarshal(done.body, P(value).read); err != nil {
		return nil, localError(KindDecoding, CodeDecodingError, "the answer cannot be read", err)
	}
	return value, nil
}

// execute is a call that answers nothing.
func execute(ctx context.Context, h *handle, operation uint32, args *wire.Writer, opts []CallOption) error {
	_, err := h.send(ctx, operation, args, opts)
	return err
}

func (h *handle) send(ctx context.Context, operation uint32, args *wire.Writer, opts []CallOption) (completion, error) {
	defer func() {
		args.Reset()
		writers.Put(args)
	}()
	if err := checked(ctx); err != nil {
		return completion{}, err
	}
	if err := h.usable(); err != nil {
		return completion{}, err
	}
	if h.logger != nil {
		h.logger.refresh()
	}
	o := collect(opts)
	o.traceparent(h.traceparentOf(ctx))
	o.write(ctx, h.timeout, args)
	args.Close('}')
	text, err := args.Bytes()
	if err != nil {
		return completion{}, unwritable("the arguments have no JSON", err)
	}
	done, err := h.await(ctx, o.response != nil, func(queue native.Queue, id uint64) int32 {
		return native.CallStart(queue, h.client, id, operation, text)
	})
	if o.response != nil {
		if err != nil {
			o.response.fillFrom(err)
		} else {
			err = o.response.fill(done.status, done.metadata)
		}
	}
	return done, err
}

// checked refuses a context that is not there.
func checked(ctx context.Context) error {
	if ctx == nil {
		return localError(KindValidation, codeValidationError, "ctx must not be nil; context.Background() is the empty one", nil)
	}
	return nil
}

// await starts something and waits for its end, or for the context's.
func (h *handle) await(ctx context.Context, metadata bool, start func(native.Queue, uint64) int32) (completion, error) {
	if err := checked(ctx); err != nil {
		return completion{}, err
	}
	if ctx.Err() != nil {
		return completion{}, contextError(ctx)
	}
	q, err := h.attach()
	if err != nil {
		return completion{}, err
	}
	id, ended, leads := q.expect(metadata)
	status := start(q.native, id)
	runtime.KeepAlive(h)
	if status != native.StartOK {
		if leads {
			q.handOver()
		}
		q.forget(id, ended)
		return completion{}, localError(KindConfiguration, CodeConfigurationError, "the native library did not take the call", nil)
	}
	var done completion
	ok := false
	if leads {
		done, ok = q.lead(ctx, ended)
	} else {
		select {
		case done = <-ended:
			ok = true
		case <-ctx.Done():
		}
	}
	if !ok {
		if native.CallCancel(q.native, id) {
			q.forget(id, ended)
			return completion{}, contextError(ctx)
		}
		// It had ended already: its completion is on the way, and what it says is true.
		done = <-ended
	}
	q.recycle(ended)
	if done.kind != native.KindAnswer {
		return completion{}, errorFrom(done.body)
	}
	return done, nil
}
