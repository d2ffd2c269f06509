// Package nativetest lets the tests of this module find what cargo built.
package nativetest

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// Use forgets the developer's own AGENTIDP_ configuration and names the library and the server that
// cargo built, unless AGENTIDP_LIBRARY and AGENTIDP_BIN do. A package's TestMain calls it first.
func Use() {
	for _, entry := range os.Environ() {
		name, _, _ := strings.Cut(entry, "=")
		if strings.HasPrefix(name, "AGENTIDP_") && name != "AGENTIDP_LIBRARY" && name != "AGENTIDP_BIN" {
			_ = os.Unsetenv(name)
		}
	}
	library := "libagentidp.so"
	if runtime.GOOS == "darwin" {
		library = "libagentidp.dylib"
	}
	name("AGENTIDP_LIBRARY", library)
	name("AGENTIDP_BIN", "agentidp")
}

func name(variable, file string) {
	if os.Getenv(variable) == "" {
		_ = os.Setenv(variable, filepath.Join(target(), "debug", file))
	}
}

// target is cargo's folder: beside bindings/, whichever package is tested.
func target() string {
	if set := os.Getenv("CARGO_TARGET_DIR"); set != "" {
		return set
	}
	_, here, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(here), "..", "..", "..", "..", "target")
}
