//go:build !unix

package native

import (
	"errors"
	"os"
)

// NewWakeup says that there is no way to be woken here; nor is there a library for such a platform.
func NewWakeup() (reader *os.File, writer int32, err error) {
	return nil, -1, errors.ErrUnsupported
}
