package native

import "unsafe"

// One Go function for each C function: see agentidp.h for what they promise.

// ClockNew makes a clock that tests move.
func ClockNew() Clock { return Clock(call(lib.clockNew)) }

// ClockAdvance lets time pass.
func ClockAdvance(clock Clock, ns int64) { call(lib.clockAdvance, uintptr(clock), uintptr(ns)) }

// ClockJumpWall sets the wall clock on or back.
func ClockJumpWall(clock Clock, ns int64) { call(lib.clockJumpWall, uintptr(clock), uintptr(ns)) }

// ClockSetRandom fixes random draws to the double with these bits.
func ClockSetRandom(clock Clock, bits uint64) {
	call(lib.clockSetRandom, uintptr(clock), uintptr(bits))
}

// ClockWall is the wall clock in nanoseconds since 1970.
func ClockWall(clock Clock) int64 { return int64(call(lib.clockWall, uintptr(clock))) }

// ClockSleeping waits until somebody sleeps for at most that long; negative when patience ends. It
// occupies an operating-system thread while it waits.
func ClockSleeping(clock Clock, atMostNS int64, patienceMS uint32) int64 {
	return int64(call(lib.clockSleeping, uintptr(clock), uintptr(atMostNS), uintptr(patienceMS)))
}

// ClockFree gives the handle up.
func ClockFree(clock Clock) { call(lib.clockFree, uintptr(clock)) }

// ClientNew makes a client from a JSON configuration; clock is 0 outside of tests.
func ClientNew(config []byte, clock Clock) Client {
	return Client(call(lib.clientNew, uintptr(unsafe.Pointer(unsafe.SliceData(config))), uintptr(len(config)), uintptr(clock)))
}

// ClientError is the error record of a configuration that does not hold; empty when it does.
func ClientError(client Client) []byte { return text(lib.clientError, uintptr(client), 1024) }

// ClientID is the number by which log records name the client.
func ClientID(client Client) uint64 { return uint64(call(lib.clientID, uintptr(client))) }

// ClientExplain says where each value of the configuration came from.
func ClientExplain(client Client) []byte { return text(lib.clientExplain, uintptr(client), 4096) }

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

// QueueNew makes a completion queue that writes to a descriptor when something comes.
func QueueNew(wakeFD int32) Queue { return Queue(call(lib.queueNew, uintptr(wakeFD))) }

// QueueTake fills buf with completions, without waiting: see agentidp_queue_take.
func QueueTake(queue Queue, buf []byte) int64 {
	return int64(call(lib.queueTake, uintptr(queue), 0, uintptr(unsafe.Pointer(unsafe.SliceData(buf))), uintptr(len(buf))))
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

// VerifierNew makes a verifier from a JSON configuration; clock and client may be 0.
func VerifierNew(config []byte, clock Clock, client Client) Verifier {
	return Verifier(call(lib.verifierNew, uintptr(unsafe.Pointer(unsafe.SliceData(config))), uintptr(len(config)), uintptr(clock), uintptr(client)))
}

// VerifierError is the error record of a configuration that does not hold; empty when it does.
func VerifierError(verifier Verifier) []byte { return text(lib.verifierError, uintptr(verifier), 1024) }

// VerifyNow verifies on this thread and writes the result into buf; 0 when that is not possible, more
// than len(buf) when it did not fit and nothing was written.
func VerifyNow(verifier Verifier, token, scopes string, buf []byte) int {
	return int(call(lib.verifyNow, uintptr(verifier),
		uintptr(unsafe.Pointer(unsafe.StringData(token))), uintptr(len(token)),
		uintptr(unsafe.Pointer(unsafe.StringData(scopes))), uintptr(len(scopes)),
		uintptr(unsafe.Pointer(unsafe.SliceData(buf))), uintptr(len(buf))))
}

// VerifyStart starts verifying; token and scopes are copied.
func VerifyStart(queue Queue, verifier Verifier, id uint64, token, scopes string) int32 {
	return int32(call(lib.verifyStart, uintptr(queue), uintptr(verifier), uintptr(id),
		uintptr(unsafe.Pointer(unsafe.StringData(token))), uintptr(len(token)),
		uintptr(unsafe.Pointer(unsafe.StringData(scopes))), uintptr(len(scopes))))
}

// VerifierFree gives the handle up.
func VerifierFree(verifier Verifier) { call(lib.verifierFree, uintptr(verifier)) }

// WebhookVerify is the error record of a webhook that is not to be trusted; empty when all is well.
func WebhookVerify(payload, check []byte) []byte {
	return filled(1024, func(buf []byte) int {
		return int(call(lib.webhookVerify,
			uintptr(unsafe.Pointer(unsafe.SliceData(payload))), uintptr(len(payload)),
			uintptr(unsafe.Pointer(unsafe.SliceData(check))), uintptr(len(check)),
			uintptr(unsafe.Pointer(unsafe.SliceData(buf))), uintptr(len(buf))))
	})
}

// AuditVerify is the result of checking a list of audit events.
func AuditVerify(events []byte) []byte {
	return filled(512, func(buf []byte) int {
		return int(call(lib.auditVerify,
			uintptr(unsafe.Pointer(unsafe.SliceData(events))), uintptr(len(events)),
			uintptr(unsafe.Pointer(unsafe.SliceData(buf))), uintptr(len(buf))))
	})
}

// LogsWant says which records are made: 0 none, 1 errors, up to 5 everything.
func LogsWant(level uint32) { call(lib.logsWant, uintptr(level)) }

// LogsWake names the descriptor that is written to when a record comes; negative for none.
func LogsWake(fd int32) { call(lib.logsWake, uintptr(fd)) }

// LogsTake writes a list of records into buf and says how long it is: 0 when there are none, minus
// the bytes needed when they did not fit.
func LogsTake(buf []byte) int64 {
	return int64(call(lib.logsTake, uintptr(unsafe.Pointer(unsafe.SliceData(buf))), uintptr(len(buf))))
}

// text calls a function of a handle that fills a buffer.
func text(function, handle uintptr, capacity int) []byte {
	return filled(capacity, func(buf []byte) int {
		return int(call(function, handle, uintptr(unsafe.Pointer(unsafe.SliceData(buf))), uintptr(len(buf))))
	})
}

// filled is what a function writes; it is asked again with a larger buffer when it must.
func filled(capacity int, fill func([]byte) int) []byte {
	for {
		buf := make([]byte, capacity)
		needed := fill(buf)
		if needed <= len(buf) {
			return buf[:needed:needed]
		}
		capacity = needed
	}
}
