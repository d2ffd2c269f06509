package native

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// extract puts the bundled library into a private folder named by its hash and gives its path.
//
// The file appears by an atomic rename, so processes that start together do not disturb each other,
// and a file that is there is compared at each load, byte by byte, with the library that the program
// carries: one that somebody changed is replaced, never loaded. Comparing says as much as hashing, and
// takes a few milliseconds where hashing takes twenty.
func extract(bundle Bundle) (string, error) {
	var failures []error
	for _, base := range extractionBases() {
		path, err := extractBelow(base, bundle)
		if err == nil {
			return path, nil
		}
		failures = append(failures, err)
	}
	return "", fmt.Errorf("no private folder for the native library (set XDG_CACHE_HOME or TMPDIR to one that can be written, or %s to a library): %w", libraryVariable, errors.Join(failures...))
}

// extractionBases are the folders to try: the user's cache, else the folder for temporary files.
func extractionBases() []string {
	var bases []string
	if cache, err := os.UserCacheDir(); err == nil {
		bases = append(bases, filepath.Join(cache, "agentidp"))
	}
	return append(bases, filepath.Join(os.TempDir(), fmt.Sprintf("agentidp-%d", os.Getuid())))
}

func extractBelow(base string, bundle Bundle) (string, error) {
	folder := filepath.Join(base, bundle.SHA256)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return "", err
	}
	for _, private := range []string{base, folder} {
		if err := isPrivate(private); err != nil {
			return "", err
		}
	}
	path := filepath.Join(folder, libraryName())
	intact, err := holds(path, bundle.Library)
	if err != nil {
		return "", err
	}
	if intact {
		return path, nil
	}
	if err := verify(bundle.Library, bundle.SHA256); err != nil {
		return "", fmt.Errorf("the bundled native library is damaged: %w", err)
	}
	if err := place(folder, path, bundle.Library); err != nil {
		return "", err
	}
	return path, nil
}

// compareBytes is how much is compared at a time.
const compareBytes = 256 << 10

// holds reports whether the file is there and holds exactly these bytes.
func holds(path string, library []byte) (bool, error) {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer file.Close()
	if info, err := file.Stat(); err != nil || info.Size() != int64(len(library)) {
		return false, err
	}
	buf := make([]byte, min(compareBytes, len(library)))
	for len(library) > 0 {
		part := buf[:min(len(buf), len(library))]
		// One that became shorter meanwhile is not intact, and a disk that fails says so when it is replaced.
		if _, err := io.ReadFull(file, part); err != nil || !bytes.Equal(part, library[:len(part)]) {
			return false, nil
		}
		library = library[len(part):]
	}
	return true, nil
}

// place writes the file beside its target and renames it there.
func place(folder, path string, library []byte) error {
	temporary, err := os.CreateTemp(folder, ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(temporary.Name())
	_, err = temporary.Write(library)
	if err == nil {
		err = temporary.Chmod(0o500)
	}
	if closed := temporary.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	return os.Rename(temporary.Name(), path)
}

// libraryName is how the library's file is called here.
func libraryName() string {
	switch runtime.GOOS {
	case "darwin":
		return "libagentidp.dylib"
	case "windows":
		return "agentidp.dll"
	default:
		return "libagentidp.so"
	}
}

func verify(library []byte, want string) error {
	sum := sha256.Sum256(library)
	if have := hex.EncodeToString(sum[:]); have != want {
		return fmt.Errorf("its SHA-256 is %s, not %s", have, want)
	}
	return nil
}
