package native

import (
	"fmt"
	"os"
	"path/filepath"
)

// libraryVariable names a library to load instead of the bundled one: for development, and for
// hosts that forbid writing files.
const libraryVariable = "AGENTIDP_LIBRARY"

// Bundle is a library that was built into the program.
type Bundle struct {
	// Platform is GOOS_GOARCH.
	Platform string
	// SHA256 is the hash of Library in lower-case hex.
	SHA256 string
	// Library is the shared library.
	Library []byte
}

// bundled is the library of this platform. The published module sets it in a file of its own; the
// source tree holds no binary.
var bundled *Bundle

// locate is the path of the library: the one that the environment names, else the bundled one.
func locate() (string, error) {
	if path := os.Getenv(libraryVariable); path != "" {
		if !filepath.IsAbs(path) {
			return "", fmt.Errorf("%s must be an absolute path, not %q", libraryVariable, path)
		}
		return path, nil
	}
	if bundled == nil {
		return "", fmt.Errorf("no native library for %s is bundled with this build: take a published version of the module, or set %s to the path of one that you built (`cargo build -p agentidp-c`)", platform(), libraryVariable)
	}
	return extract(*bundled)
}
