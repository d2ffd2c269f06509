package native

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func bundleOf(library string) Bundle {
	sum := sha256.Sum256([]byte(library))
	return Bundle{Platform: platform(), SHA256: hex.EncodeToString(sum[:]), Library: []byte(library)}
}

// privateFolders gives the test a cache and a folder for temporary files of its own.
func privateFolders(t *testing.T) (cache, temporary string) {
	cache, temporary = filepath.Join(t.TempDir(), "cache"), t.TempDir()
	t.Setenv("HOME", filepath.Dir(cache))
	t.Setenv("XDG_CACHE_HOME", cache)
	t.Setenv("TMPDIR", temporary)
	return cache, temporary
}

func TestALibraryIsExtractedOnceAndChecked(t *testing.T) {
	privateFolders(t)
	bundle := bundleOf("library")
	path, err := extract(bundle)
	if err != nil {
		t.Fatal(err)
	}
	if have, _ := os.ReadFile(path); string(have) != "library" || !strings.Contains(path, bundle.SHA256) {
		t.Errorf("%s holds %q", path, have)
	}
	first, _ := os.Stat(path)
	if again, err := extract(bundle); err != nil || again != path {
		t.Fatal(again, err)
	}
	if second, _ := os.Stat(path); !os.SameFile(first, second) {
		t.Error("a good file was replaced")
	}
	for _, folder := range []string{filepath.Dir(path), filepath.Dir(filepath.Dir(path))} {
		if info, _ := os.Stat(folder); info.Mode().Perm() != 0o700 {
			t.Errorf("%s has mode %v", folder, info.Mode())
		}
	}
	left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".new-*"))
	if len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestAChangedFileIsReplaced(t *testing.T) {
	privateFolders(t)
	bundle := bundleOf("library")
	path, err := extract(bundle)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, other := range []string{"somebody else's", "librarY", "librar", ""} {
		if err := os.Chmod(path, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(other), 0o700); err != nil {
			t.Fatal(err)
		}
		if path, err = extract(bundle); err != nil {
			t.Fatal(err)
		}
		if have, _ := os.ReadFile(path); string(have) != "library" {
			t.Errorf("%q would be loaded", have)
		}
	}
}

func BenchmarkFindingTheExtractedLibrary(b *testing.B) {
	b.Setenv("XDG_CACHE_HOME", b.TempDir())
	b.Setenv("HOME", b.TempDir())
	bundle := bundleOf(strings.Repeat("library!", 1<<20))
	for range b.N {
		if _, err := extract(bundle); err != nil {
			b.Fatal(err)
		}
	}
}

func TestProcessesThatStartTogetherDoNotDisturbEachOther(t *testing.T) {
	privateFolders(t)
	bundle := bundleOf(strings.Repeat("library", 10_000))
	var all sync.WaitGroup
	for range 16 {
		all.Add(1)
		go func() {
			defer all.Done()
			path, err := extract(bundle)
			if err != nil {
				t.Error(err)
				return
			}
			if have, _ := os.ReadFile(path); !bytes.Equal(have, bundle.Library) {
				t.Error("a part of the file was visible")
			}
		}()
	}
	all.Wait()
}

func TestAFolderThatOthersCanWriteToIsRefused(t *testing.T) {
	cache, temporary := privateFolders(t)
	open := filepath.Join(cache, "agentidp")
	if err := os.MkdirAll(open, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(open, 0o777); err != nil {
		t.Fatal(err)
	}
	path, err := extract(bundleOf("library"))
	if err != nil || !strings.HasPrefix(path, temporary) {
		t.Errorf("%s %v", path, err)
	}
}

func TestADamagedBundleIsNotWritten(t *testing.T) {
	cache, _ := privateFolders(t)
	bundle := bundleOf("library")
	bundle.Library = []byte("damaged")
	if path, err := extract(bundle); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("%s %v", path, err)
	}
	if found, _ := filepath.Glob(filepath.Join(cache, "agentidp", "*", "*")); len(found) != 0 {
		t.Errorf("%v", found)
	}
}

func TestWhereTheLibraryComesFrom(t *testing.T) {
	t.Setenv(libraryVariable, "relative.so")
	if _, err := locate(); err == nil || !strings.Contains(err.Error(), "absolute") {
		t.Error(err)
	}
	t.Setenv(libraryVariable, "/somewhere/lib.so")
	if path, err := locate(); err != nil || path != "/somewhere/lib.so" {
		t.Error(path, err)
	}
	t.Setenv(libraryVariable, "")
	if _, err := locate(); err == nil || !strings.Contains(err.Error(), libraryVariable) {
		t.Error(err)
	}
	privateFolders(t)
	bundle := bundleOf("library")
	bundled = &bundle
	defer func() { bundled = nil }()
	if path, err := locate(); err != nil || !strings.Contains(path, bundle.SHA256) {
		t.Error(path, err)
	}
}

func TestAFileThatIsNoLibraryIsAnError(t *testing.T) {
	path := filepath.Join(t.TempDir(), "not.so")
	if err := os.WriteFile(path, []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv(libraryVariable, path)
	var none symbols
	if err := open(&none); err == nil {
		t.Error("text was loaded")
	}
}
