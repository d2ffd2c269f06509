//go:build (linux || darwin) && (amd64 || arm64) && !agentidp_static

package native

import (
	"fmt"

	"github.com/ebitengine/purego"
)

// open finds the shared library, loads it and resolves every function.
func open(into *symbols) error {
	path, err := locate()
	if err != nil {
		return err
	}
	handle, err := purego.Dlopen(path, purego.RTLD_NOW|purego.RTLD_LOCAL)
	if err != nil {
		return fmt.Errorf("cannot load the native library: %w", err)
	}
	for name, address := range into.table() {
		if *address, err = purego.Dlsym(handle, name); err != nil {
			return fmt.Errorf("%s is not the native library of this package: %w", path, err)
		}
	}
	return nil
}

// call calls a C function that takes and answers integers.
//
//go:uintptrescapes
func call(function uintptr, args ...uintptr) uintptr {
	result, _, _ := purego.SyscallN(function, args...)
	return result
}
