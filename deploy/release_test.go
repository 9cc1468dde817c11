package deploy

import (
	"archive/tar"
	"bufio"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// TestSnapshot looks at what goreleaser has made in the folder CIOBRIDGE_DIST.
func TestSnapshot(t *testing.T) {
	dist := os.Getenv("CIOBRIDGE_DIST")
	if dist == "" {
		t.Skip(".ci/run release makes a snapshot, and names its folder with CIOBRIDGE_DIST")
	}
	sums := checksums(t, dist)
	for _, ending := range []string{".tar.gz", ".deb", ".rpm", ".cdx.json"} {
		found, err := filepath.Glob(filepath.Join(dist, "ciobridge_*_linux_amd64"+ending))
		if err != nil || len(found) != 1 || !sums[filepath.Base(found[0])] {
			t.Errorf("%q end with %s, want one with a checksum (%v)", found, ending, err)
			continue
		}
		switch ending {
		case ".tar.gz":
			expectArchive(t, found[0], runtime.GOARCH == "amd64")
		case ".deb":
			expectPackage(t, found[0])
		case ".cdx.json":
			expectBill(t, found[0])
		}
	}
	cask, err := os.ReadFile(filepath.Join(dist, "homebrew/Casks/ciobridge.rb"))
	if err != nil || !strings.Contains(string(cask), "github.com/ciobridge/ciobridge/releases/download/") {
		t.Errorf("the cask: %v\n%s", err, cask)
	}
}

// checksums reads checksums.txt, and holds the files that it names to it.
func checksums(t *testing.T, dist string) map[string]bool {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dist, "checksums.txt"))
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		want, name, _ := strings.Cut(strings.TrimSpace(line), "  ")
		content, err := os.ReadFile(filepath.Join(dist, name))
		if sum := sha256.Sum256(content); err != nil || hex.EncodeToString(sum[:]) != want {
			t.Errorf("%s is not as checksums.txt says (%v)", name, err)
		}
		named[name] = true
	}
	return named
}

// mostBytes is how large the program may be: see docs/performance.md.
const mostBytes = 40_000_000

// expectArchive looks for what belongs beside the program, and runs the program where it can run.
func expectArchive(t *testing.T, path string, runs bool) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	unpacked, err := gzip.NewReader(bufio.NewReader(f))
	if err != nil {
		t.Fatal(err)
	}
	dir, names := t.TempDir(), map[string]bool{}
	for r := tar.NewReader(unpacked); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		names[h.Name] = true
		if h.Name != "ciobridge" {
			continue
		}
		content, err := io.ReadAll(r)
		if len(content) > mostBytes {
			t.Errorf("%s: the program has %d bytes, more than %d", path, len(content), mostBytes)
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, h.Name), content, 0o700)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{
		"ciobridge", "LICENSE", "THIRD_PARTY_NOTICES.txt", "README.md", "config/example.yaml", "man/ciobridge.1",
		"man/ciobridge-run.1", "completions/ciobridge.bash", "deploy/systemd/ciobridge.service",
	} {
		if !names[name] {
			t.Errorf("%s has no %s", path, name)
		}
	}
	if !runs {
		return
	}
	out, err := exec.CommandContext(t.Context(), filepath.Join(dir, "ciobridge"), "--version").CombinedOutput()
	version := strings.Split(filepath.Base(path), "_")[1]
	if err != nil || !strings.HasPrefix(string(out), "ciobridge "+version+" ") {
		t.Errorf("--version says %q, want %s (%v)", out, version, err)
	}
}

// expectPackage looks for the files of a package, where dpkg can list them.
func expectPackage(t *testing.T, path string) {
	t.Helper()
	dpkg, err := exec.LookPath("dpkg-deb")
	if err != nil {
		t.Logf("%s is not looked into: %v", path, err)
		return
	}
	out, err := exec.CommandContext(t.Context(), dpkg, "--contents", path).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", path, err, out)
	}
	for _, name := range []string{
		"/usr/bin/ciobridge", "/usr/lib/systemd/system/ciobridge.service", "/usr/share/man/man1/ciobridge-run.1",
		"/usr/share/bash-completion/completions/ciobridge", "/usr/share/doc/ciobridge/copyright", "/etc/ciobridge/",
	} {
		if !strings.Contains(string(out), " ."+name+"\n") {
			t.Errorf("%s has no %s", path, name)
		}
	}
}

// expectBill looks for a library in the bill of materials.
func expectBill(t *testing.T, path string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var bill struct {
		BOMFormat  string
		Components []struct{ Name, Version string }
	}
	if err := json.Unmarshal(text, &bill); err != nil || bill.BOMFormat != "CycloneDX" {
		t.Fatalf("%s: %q, %v", path, bill.BOMFormat, err)
	}
	for _, c := range bill.Components {
		if c.Name == "github.com/segmentio/kafka-go" && c.Version != "" {
			return
		}
	}
	t.Errorf("%s names %d components, and not the client of Kafka", path, len(bill.Components))
}
