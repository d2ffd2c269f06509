// Package native calls the AgentIdP core through its flat C ABI (agentidp.h).
//
// It owns finding, checking and loading the library, and one Go function for each C function. How
// the library gets into the process is behind two functions, open and call, chosen by build tag:
// loader_purego.go opens a shared library at run time, with or without cgo; loader_static.go has it
// linked in. It refuses any knowledge of operations and of the JSON that passes through.
//
// Buffers are handed over as uintptr(unsafe.Pointer(…)) written in the call itself: the directive
// uintptrescapes at call makes the compiler keep them on the heap and alive until it returns.
package native

import (
	"fmt"
	"math"
	"runtime"
	"sync"
)

// abiVersion is the version of agentidp.h that this package was written for.
const abiVersion = 2

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

// Client, Clock, Queue and Verifier are handles of the library; 0 is none.
type (
	Client   uintptr
	Clock    uintptr
	Queue    uintptr
	Verifier uintptr
)

// symbols are the addresses of the functions of the library.
type symbols struct {
	abiVersion, operationsChecksum                                                    uintptr
	clockNew, clockAdvance, clockJumpWall, clockSetRandom, clockWall, clockSleeping   uintptr
	clockFree                                                                         uintptr
	clientNew, clientError, clientID, clientCachedToken, clientClearTokenCache        uintptr
	clientExplain, clientClose, clientFree                                            uintptr
	queueNew, queueTake, queuePending, callStart, tokenStart, callCancel, verifyStart uintptr
	verifierNew, verifierError, verifyNow, verifierFree, webhookVerify, auditVerify   uintptr
	logsWant, logsWake, logsTake                                                      uintptr
}

// table names every function and where its address goes.
func (s *symbols) table() map[string]*uintptr {
	return map[string]*uintptr{
		"agentidp_abi_version":              &s.abiVersion,
		"agentidp_operations_checksum":      &s.operationsChecksum,
		"agentidp_clock_new":                &s.clockNew,
		"agentidp_clock_advance":            &s.clockAdvance,
		"agentidp_clock_jump_wall":          &s.clockJumpWall,
		"agentidp_clock_set_random":         &s.clockSetRandom,
		"agentidp_clock_wall":               &s.clockWall,
		"agentidp_clock_sleeping":           &s.clockSleeping,
		"agentidp_clock_free":               &s.clockFree,
		"agentidp_client_new":               &s.clientNew,
		"agentidp_client_error":             &s.clientError,
		"agentidp_client_id":                &s.clientID,
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
		"agentidp_verify_start":             &s.verifyStart,
		"agentidp_verifier_new":             &s.verifierNew,
		"agentidp_verifier_error":           &s.verifierError,
		"agentidp_verify_now":               &s.verifyNow,
		"agentidp_verifier_free":            &s.verifierFree,
		"agentidp_webhook_verify":           &s.webhookVerify,
		"agentidp_audit_verify":             &s.auditVerify,
		"agentidp_logs_want":                &s.logsWant,
		"agentidp_logs_wake":                &s.logsWake,
		"agentidp_logs_take":                &s.logsTake,
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

// platform names this build as the bundled libraries are named: linux_amd64.
func platform() string { return runtime.GOOS + "_" + runtime.GOARCH }
