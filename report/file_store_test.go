package report_test

import (
	"bufio"
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ciobridge/ciobridge/internal/longtest"
	"github.com/ciobridge/ciobridge/report"
	"github.com/ciobridge/ciobridge/report/file"
	"github.com/ciobridge/ciobridge/report/internal/placetest"
)

func TestFileStore(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "sub", "state")
	placetest.Stores(t, placetest.StorePlace{Session: 50 * time.Millisecond, Open: func() (report.Store, func()) {
		s := file.NewStore(path)
		t.Cleanup(s.Close)
		return s, nil
	}})
}

// growth is by how many bytes a file may grow before it is written anew.
const growth = 1 << 20

// A process that dies while it writes leaves part of a line. What stands before and behind it is read.
func TestAPartialLineOfTheState(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state")
	put := func(key, value string) {
		t.Helper()
		s := file.NewStore(path)
		defer s.Close()
		if err := s.Put(t.Context(), key, []byte(value)); err != nil {
			t.Fatal(err)
		}
	}
	put("a", `{"x":1}`)
	one, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	put("b", "no JSON")
	both, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for cut := len(both); cut >= len(one); cut -= longtest.Either(7, 1) {
		if err := os.WriteFile(path, both[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		put("c", "3")
		got := placetest.Known(t, file.NewStore(path), "")
		want := map[string]string{"a": `{"x":1}`, "c": "3"}
		if got["b"] != "" {
			want["b"] = "no JSON"
		}
		if !maps.Equal(got, want) || cut == len(both) && len(got) != 3 {
			t.Fatalf("cut at %d of %d: %v", cut, len(both), got)
		}
	}
}

// A file of somebody else is neither read as a state nor touched, however large it is.
func TestWhatIsNoFileOfTheState(t *testing.T) {
	for _, text := range []string{"hello\n", "{}\n", strings.Repeat("rules: []\n", 3*growth/10)} {
		path := filepath.Join(t.TempDir(), "state")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		s := file.NewStore(path)
		_, checked := s.Check(t.Context())
		loaded := s.Load(t.Context(), "", func(string, []byte) error { return nil })
		for _, err := range []error{checked, loaded, s.Put(t.Context(), "a", []byte("1"))} {
			if !errors.Is(err, report.ErrUnfit) {
				t.Errorf("%.10q: %v", text, err)
			}
		}
		s.Close()
		if after, err := os.ReadFile(path); err != nil || string(after) != text {
			t.Errorf("%.10q has become %.10q, %v", text, after, err)
		}
	}
}

// The file is written anew when most of it no longer counts, and has the same values then.
func TestTheStateIsWrittenAnew(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state")
	s := file.NewStore(path)
	defer s.Close()
	if _, err := s.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	put := func(key, value string) {
		t.Helper()
		if err := s.Put(t.Context(), key, []byte(value)); err != nil {
			t.Fatal(err)
		}
	}
	put("a", "1")
	large := strings.Repeat("x", growth/3)
	for range 4 {
		put("b", large)
		put("gone", large)
		put("gone", "")
	}
	info, err := os.Stat(path)
	if err != nil || info.Size() > 2*growth {
		t.Errorf("the file has %d bytes, %v", info.Size(), err)
	}
	put("c", "2")
	want := map[string]string{"a": "1", "b": large, "c": "2"}
	if got := placetest.Known(t, file.NewStore(path), ""); !maps.Equal(got, want) {
		t.Errorf("%d values stand there, want 3", len(got))
	}
	if err := os.Chmod(path, 0o666); err != nil {
		t.Fatal(err)
	}
	if weak, err := s.Check(t.Context()); err != nil || len(weak) != 1 {
		t.Errorf("a file that others can change: %q, %v", weak, err)
	}
}

// The lead of a process that is killed is free at once.
func TestTheLeadOfAProcessThatIsKilled(t *testing.T) {
	t.Parallel()
	const variable = "CIOBRIDGE_TEST_LEAD"
	if path := os.Getenv(variable); path != "" { // the other process
		if _, _, err := file.NewStore(path).Lead(t.Context(), func() {}); err != nil {
			t.Fatal(err)
		}
		os.Stdout.WriteString("leads\n")
		select {}
	}
	path := filepath.Join(t.TempDir(), "state")
	other := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
	other.Env = append(os.Environ(), variable+"="+path)
	out, err := other.StdoutPipe()
	if err == nil {
		err = other.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Wait() }()
	said := bufio.NewScanner(out)
	for said.Scan() && said.Text() != "leads" {
		t.Log(said.Text())
	}
	told := 0
	led, release, err := file.NewStore(path).Lead(t.Context(), func() {
		told++
		if err := other.Process.Kill(); err != nil {
			t.Error(err)
		}
	})
	if err != nil || told != 1 || led.Err() != nil {
		t.Fatalf("told %d times to stand by; %v", told, err)
	}
	release()
}
