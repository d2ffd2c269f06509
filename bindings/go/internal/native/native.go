// Package native calls the AgentIdP core through its flat C ABI (agentidp.h).
//
// It owns finding, checking and loading the library, and one Go function for each C function. How
// the library gets into the process is behind one function, open, chosen by build tag: loader_purego.go
// opens a shared library at run time, with or without cgo. It refuses any knowledge of operations
// and of the JSON that passes through.
//
// Buffers are handed over as uintptr(unsafe.Pointer(…)) written in the call itself: the directive
// uintptrescapes at call makes the compiler keep them on the heap and alive until it returns.
package native

import (
	"fmt"
	"math"
	"runtime"
	"sync"
	"unsafe"
)

// abiVersion is the version of agentidp.h that this package was written for.
const abiVersion = 1

// What a start answers (AGENTIDP_START_…).
const (
	StartOK           = 0
	StartUnconfigured = 1
)

// WithMetadata in a call's id asks for status, headers and request id (AGENTIDP_ID_WITH_METADATA).
const WithMetadata uint64 = 1 << 63

// Closed is what QueueTake answers when there will be no more (AGENTIDP_QUEUE_CLOSED).
const Closed = math.MinInt64

// What a completion holds (AGENTIDP_COMPLETION_…).
const (
	KindAnswer = 0
	KindError  = 1
)

// Client and Queue are handles of the library; 0 is none.
type (
	Client uintptr
	Queue  uintptr
)

// symbols are the addresses of the functions of the library.
type symbols struct {
	abiVersion, operationsChecksum                                       uintptr
	clientNew, clientError, clientCachedToken, clientClearTokenCache     uintptr
	clientExplain, clientClose, clientFree                               uintptr
	queueNew, queueTake, callStart, tokenStart, callCancel, queuePending uintptr
}

// table names every function and where its address goes.
func (s *symbols) table() map[string]*uintptr {
	return map[string]*uintptr{
		"agentidp_abi_version":              &s.abiVersion,
		"agentidp_operations_checksum":      &s.operationsChecksum,
		"agentidp_client_new":               &s.clientNew,
		"agentidp_client_error":             &s.clientError,
		"agentidp_client_cached_token":      &s.clientCachedToken,
		"agentidp_client_clear_token_cache": &s.clientClearTokenCache,
		"agentidp_client_explain":           &s.clientExplain,
		"agentidp_client_close":             &s.clientClose,
		"agentidp_client_free":              &s.clientFree,
		"agentidp_queue_new":                &s.queueNew,
		"agentidp_queue_take":               &s.queueTake,
		"agentidp_queue_pending":            &s.queuePending,
		"agentidp_call_start":               &s.callStart,
		"agentidp_token_start":              &s.tokenStart,
		"agentidp_call_cancel":              &s.callCancel,
	}
}

var (
	lib     symbols
	loading sync.Once
	loaded  error
)

// Load loads the library, once for the process; checksum is the operation table's that the caller
// was generated with. Every other function needs a Load that answered nil.
func Load(checksum uint64) error {
	loading.Do(func() { loaded = load(checksum) })
	return loaded
}

func load(checksum uint64) error {
	if err := open(&lib); err != nil {
		return err
	}
	if have := uint32(call(lib.abiVersion)); have != abiVersion {
		return fmt.Errorf("the native library has ABI version %d, this package needs %d: use library and package of one release", have, abiVersion)
	}
	if have := uint64(call(lib.operationsChecksum)); have != checksum {
		return fmt.Errorf("the native library was generated from another contract (%016x, this package: %016x): use library and package of one release", have, checksum)
	}
	return nil
}

// ClientNew makes a client from a JSON configuration.
func ClientNew(config []byte) Client {
	return Client(call(lib.clientNew, uintptr(unsafe.Pointer(unsafe.SliceData(config))), uintptr(len(config))))
}

// ClientError is the error record of a configuration that does not hold; nil when it does.
func ClientError(client Client) []byte { return text(lib.clientError, client, 1024) }

// ClientExplain says where each value of the configuration came from.
func ClientExplain(client Client) []byte { return text(lib.clientExplain, client, 4096) }

// ClientCachedToken writes the cached token into buf and says how long it is: 0 when there is none,
// more than len(buf) when it did not fit and nothing was written.
func ClientCachedToken(client Client, buf []byte) int {
	return int(call(lib.clientCachedToken, uintptr(client), uintptr(unsafe.Pointer(unsafe.SliceData(buf))), uintptr(len(buf))))
}

// ClientClearTokenCache forgets the cached token.
func ClientClearTokenCache(client Client) { call(lib.clientClearTokenCache, uintptr(client)) }

// ClientClose makes later calls fail; the handle stays valid.
func ClientClose(client Client) { call(lib.clientClose, uintptr(client)) }

// ClientFree gives the handle up.
func ClientFree(client Client) { call(lib.clientFree, uintptr(client)) }

// QueueNew makes a completion queue.
func QueueNew() Queue { return Queue(call(lib.queueNew)) }

// QueueTake waits up to timeoutMS for completions and fills buf: see agentidp_queue_take. It
// occupies an operating-system thread while it waits.
func QueueTake(queue Queue, timeoutMS uint32, buf []byte) int64 {
	return int64(call(lib.queueTake, uintptr(queue), uintptr(timeoutMS), uintptr(unsafe.Pointer(unsafe.SliceData(buf))), uintptr(len(buf))))
}

// QueuePending is how many calls are out.
func QueuePending(queue Queue) int { return int(call(lib.queuePending, uintptr(queue))) }

// CallStart starts the operation with that index; the args are copied.
func CallStart(queue Queue, client Client, id uint64, operation uint32, args []byte) int32 {
	return int32(call(lib.callStart, uintptr(queue), uintptr(client), uintptr(id), uintptr(operation), uintptr(unsafe.Pointer(unsafe.SliceData(args))), uintptr(len(args))))
}

// TokenStart starts getting an access token.
func TokenStart(queue Queue, client Client, id uint64) int32 {
	return int32(call(lib.tokenStart, uintptr(queue), uintptr(client), uintptr(id)))
}

// CallCancel ends a call; true means that no completion follows.
func CallCancel(queue Queue, id uint64) bool {
	return int32(call(lib.callCancel, uintptr(queue), uintptr(id))) == 1
}

// text calls a function that fills a buffer and asks again with a larger one when it must.
func text(function uintptr, client Client, capacity int) []byte {
	for {
		buf := make([]byte, capacity)
		needed := int(call(function, uintptr(client), uintptr(unsafe.Pointer(unsafe.SliceData(buf))), uintptr(len(buf))))
		if needed <= len(buf) {
			return buf[:needed:needed]
		}
		capacity = needed
	}
}

// platform names this build as the bundled libraries are named: linux_amd64.
func platform() string { return runtime.GOOS + "_" + runtime.GOARCH }
