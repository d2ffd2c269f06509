//go:build unix

package native

import (
	"fmt"
	"os"
	"syscall"
)

// isPrivate refuses a folder that another user owns or can write to: what lies there is loaded as code.
func isPrivate(folder string) error {
	info, err := os.Lstat(folder)
	if err != nil {
		return err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !info.IsDir() || !ok || int(owner.Uid) != os.Getuid() || info.Mode().Perm()&0o022 != 0 {
		return fmt.Errorf("%s is not a folder that only this user can write to", folder)
	}
	return nil
}
