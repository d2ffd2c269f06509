//go:build !unix

package native

// Nudge has nobody to wake: see NewWakeup.
func Nudge(int32) {}
