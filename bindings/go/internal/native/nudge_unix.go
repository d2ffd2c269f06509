//go:build unix

package native

import (
	"encoding/binary"
	"syscall"
)

// Nudge wakes the reader of a wakeup, as the library does.
func Nudge(writer int32) {
	var one [8]byte
	binary.NativeEndian.PutUint64(one[:], 1)
	// One that is full is readable already.
	_, _ = syscall.Write(int(writer), one[:])
}
