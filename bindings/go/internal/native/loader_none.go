//go:build !((linux || darwin) && (amd64 || arm64)) && !agentidp_static

package native

import "fmt"

// open says that there is no library for this platform.
func open(*symbols) error {
	return fmt.Errorf("there is no native library for %s; docs/support.md lists the platforms", platform())
}

func call(uintptr, ...uintptr) uintptr { return 0 }
