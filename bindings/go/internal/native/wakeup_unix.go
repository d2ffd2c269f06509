//go:build unix && !linux

package native

import (
	"os"
	"syscall"
)

// NewWakeup makes the descriptor that the library writes to and a file from which that can be read. A
// goroutine that reads waits in Go's network poller and holds no thread.
func NewWakeup() (reader *os.File, writer int32, err error) {
	var ends [2]int
	syscall.ForkLock.RLock()
	err = syscall.Pipe(ends[:])
	for _, end := range ends {
		if err == nil {
			syscall.CloseOnExec(end)
			err = syscall.SetNonblock(end, true)
		}
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, -1, os.NewSyscallError("pipe", err)
	}
	return os.NewFile(uintptr(ends[0]), "agentidp-wakeup"), int32(ends[1]), nil
}
