//go:build agentidp_static

package native

// The library is linked in: for images from scratch, and for programs that may not load code at run
// time. The linker has to be told where it is, and - for an executable that needs nothing else - to
// link everything statically:
//
//	CGO_ENABLED=1 CGO_LDFLAGS="/path/of/libagentidp.a" \
//		go build -tags agentidp_static -ldflags '-linkmode external -extldflags -static'

/*
#cgo linux LDFLAGS: -lm -lpthread -ldl
#cgo darwin LDFLAGS: -framework Security -framework CoreFoundation -framework SystemConfiguration

#include <stddef.h>
#include <stdint.h>

#define EACH(X) \
	X(agentidp_abi_version) \
	X(agentidp_operations_checksum) \
	X(agentidp_clock_new) \
	X(agentidp_clock_advance) \
	X(agentidp_clock_jump_wall) \
	X(agentidp_clock_set_random) \
	X(agentidp_clock_wall) \
	X(agentidp_clock_sleeping) \
	X(agentidp_clock_free) \
	X(agentidp_client_new) \
	X(agentidp_client_error) \
	X(agentidp_client_id) \
	X(agentidp_client_cached_token) \
	X(agentidp_client_clear_token_cache) \
	X(agentidp_client_explain) \
	X(agentidp_client_close) \
	X(agentidp_client_free) \
	X(agentidp_queue_new) \
	X(agentidp_queue_take) \
	X(agentidp_queue_pending) \
	X(agentidp_call_start) \
	X(agentidp_token_start) \
	X(agentidp_call_cancel) \
	X(agentidp_verify_start) \
	X(agentidp_verifier_new) \
	X(agentidp_verifier_error) \
	X(agentidp_verify_now) \
	X(agentidp_verifier_free) \
	X(agentidp_webhook_verify) \
	X(agentidp_audit_verify) \
	X(agentidp_logs_want) \
	X(agentidp_logs_wake) \
	X(agentidp_logs_take)

#define DECLARE(function) extern void function(void);
EACH(DECLARE)

#define ENTRY(function) { #function, function },
static const struct { const char *name; void (*address)(void); } linked[] = { EACH(ENTRY) };

static size_t linked_count(void) { return sizeof linked / sizeof *linked; }
static const char *linked_name(size_t i) { return linked[i].name; }
static uintptr_t linked_address(size_t i) { return (uintptr_t)linked[i].address; }

// All functions take integers and pointers, in registers; one that takes fewer ignores the rest.
static uintptr_t linked_call(uintptr_t function, uintptr_t a, uintptr_t b, uintptr_t c, uintptr_t d,
                             uintptr_t e, uintptr_t f, uintptr_t g, uintptr_t h) {
	typedef uintptr_t (*any)(uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t);
	return ((any)function)(a, b, c, d, e, f, g, h);
}
*/
import "C"

import "fmt"

// open takes the addresses of the functions that were linked in.
func open(into *symbols) error {
	linked := map[string]uintptr{}
	for i := range int(C.linked_count()) {
		linked[C.GoString(C.linked_name(C.size_t(i)))] = uintptr(C.linked_address(C.size_t(i)))
	}
	for name, address := range into.table() {
		if *address = linked[name]; *address == 0 {
			return fmt.Errorf("%s is not linked into this program", name)
		}
	}
	return nil
}

// call calls a C function that takes and answers integers.
//
//go:uintptrescapes
func call(function uintptr, args ...uintptr) uintptr {
	var a [8]C.uintptr_t
	for i, arg := range args {
		a[i] = C.uintptr_t(arg)
	}
	return uintptr(C.linked_call(C.uintptr_t(function), a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7]))
}
