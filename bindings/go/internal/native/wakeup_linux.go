package native

import (
	"os"
	"syscall"
)

// NewWakeup makes the descriptor that the library writes to and a file from which that can be read. A
// goroutine that reads waits in Go's network poller and holds no thread.
func NewWakeup() (reader *os.File, writer int32, err error) {
	// The flags of eventfd are those of open.
	fd, _, errno := syscall.Syscall(syscall.SYS_EVENTFD2, 0, syscall.O_CLOEXEC|syscall.O_NONBLOCK, 0)
	if errno != 0 {
		return nil, -1, os.NewSyscallError("eventfd2", errno)
	}
	return os.NewFile(fd, "agentidp-wakeup"), int32(fd), nil
}
