//go:build !unix

package native

// isPrivate trusts the user's cache folder, which other users cannot write to.
func isPrivate(string) error { return nil }
