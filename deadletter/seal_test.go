package deadletter_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/deadletter/internal/lettertest"
	"github.com/ciobridge/ciobridge/deadletter/internal/logtest"
	"github.com/ciobridge/ciobridge/deadletter/internal/storetest"
	"github.com/ciobridge/ciobridge/deadletter/seal"
	"github.com/ciobridge/ciobridge/event"
)

// keyLine is a line of a file of keys.
func keyLine(id string) string {
	return id + " " + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte(id[:1]), 32)) + "\n"
}

func keysFile(t *testing.T, lines ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(path, []byte(strings.Join(lines, "")), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestSealedLetters: what is stored shows nothing of the event, whoever has the key reads it as it was, a new key
// before the old one reads both, and without a key letters are listed, and counted, and their content is not known.
func TestSealedLetters(t *testing.T) {
	t.Parallel()
	storetest.OnEveryPlace(t, func(t *testing.T, open func(string) storetest.Store) {
		old := keysFile(t, "# of last year\n", keyLine("a-2025"))
		s, without := open(old), open("")
		if _, err := s.Check(t.Context()); err != nil {
			t.Fatal(err)
		}
		first := lettertest.Failed(1)
		first.Message.Headers = append(first.Message.Headers, event.Header{Key: "canary", Value: []byte("canary")})
		first.Message.Key, first.Message.Value = []byte("canary-key"), []byte(`{"who":"canary-person"}`)
		tombstone := lettertest.Failed(2)
		tombstone.Message.Key, tombstone.Message.Value = nil, nil
		lettertest.MustPut(t, s, first, tombstone)

		read := func(s storetest.Store, want ...event.FailedMessage) {
			t.Helper()
			letters, _, foreign := logtest.ScanAll(t, s)
			if len(letters) != len(want) || foreign > 0 {
				t.Fatalf("%d letters, %d foreign", len(letters), foreign)
			}
			for _, l := range letters {
				for _, w := range want {
					if l.ID() == w.Failures[0].ID && (l.Sealed != "" || !lettertest.Same(l.Message, w.Message)) {
						t.Errorf("%+v, sealed %q", l.Message, l.Sealed)
					}
				}
			}
		}
		read(s, first, tombstone)
		rotated := open(keysFile(t, keyLine("b-2026"), keyLine("a-2025")))
		second := lettertest.Failed(3)
		lettertest.MustPut(t, rotated, second)
		read(rotated, first, tombstone, second)

		if err := rotated.Resolve(t.Context(), (&deadletter.Letter{Message: first.Message, Failure: first.Failures[0],
			EventID: deadletter.EventID(&first.Message)}).Resolve(deadletter.Discarded, "")); err != nil {
			t.Fatal(err)
		}
		err := without.Scan(t.Context(), func(r deadletter.Record) error {
			for _, part := range append([]event.Header{{Key: "", Value: r.Key}, {Key: "", Value: r.Value}},
				r.Headers...) {
				if text := part.Key + string(part.Value); strings.Contains(text, "canary") ||
					strings.Contains(text, `"n":3`) || strings.Contains(text, "trace") {
					t.Errorf("the log shows %q", text)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if open := logtest.Listed(t, without, deadletter.Filter{All: true}); len(open) != 2 {
			t.Errorf("%d letters are listed without a key", len(open))
		}
		for l, err := range deadletter.List(t.Context(), without, deadletter.Filter{All: true}) {
			if err != nil || l.Sealed == "" || l.Failure.Rule != "order" {
				t.Errorf("%+v, %v", l, err)
			}
		}
		for _, err := range deadletter.List(t.Context(), without, deadletter.Filter{Keys: []string{"canary-key"}}) {
			if err == nil || !strings.Contains(err.Error(), "keys_file") {
				t.Errorf("a condition about what is sealed: %v", err)
			}
		}
		if letters, _, _ := logtest.ScanAll(t, s); len(letters) != 3 { // one of which it has no key for
			t.Errorf("%d letters with the old key", len(letters))
		}
	})
}

// TestSealedContentBelongsToItsLetter: what was moved to another letter, changed or cut is not opened.
func TestSealedContentBelongsToItsLetter(t *testing.T) {
	s := seal.New(keysFile(t, keyLine("k")))
	encode := func(n int) deadletter.Record {
		m := lettertest.Failed(n)
		r, err := s.Seal(deadletter.Encode(&m, lettertest.Time, "hash"))
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	one, other := encode(1), encode(2)
	if r := s.Open(one); r.SealedUnder() != "" {
		t.Fatal("it is not opened at all")
	}
	if bytes.Equal(one.Value, encode(1).Value) {
		t.Error("two seals of one record are the same")
	}
	moved, changed, cut := one, one, one
	moved.Value = other.Value
	changed.Value = append(bytes.Clone(one.Value[:len(one.Value)-1]), one.Value[len(one.Value)-1]^1)
	cut.Value = one.Value[:5]
	for name, r := range map[string]deadletter.Record{"moved": moved, "changed": changed, "cut": cut} {
		if s.Open(r).SealedUnder() == "" {
			t.Errorf("%s content is opened", name)
		}
	}
}

// TestFilesOfKeys: mistakes are named by line, and quote nothing.
func TestFilesOfKeys(t *testing.T) {
	for text, want := range map[string]string{
		"":                             "holds no key",
		"canary\n":                     ":1: is no line of an id and a key",
		"a canary==\n":                 ":1: the key is not 32 bytes",
		"a " + "Y2FuYXJ5" + "\n":       ":1: the key is not 32 bytes",
		keyLine("a") + keyLine("a"):    ":2: the id of the key is taken",
		strings.Repeat("i", 65) + " x": ":1: is no line",
	} {
		err := seal.New(keysFile(t, text)).Check()
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%q: %v", text, err)
		}
	}
	if err := seal.New(filepath.Join(t.TempDir(), "none")).Check(); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

// Letters of a person are found by their digests, also where they are sealed and nobody has the key. Those without
// digests are opened, and what cannot be opened is told of.
func TestDigestsOfPersons(t *testing.T) {
	t.Parallel()
	storetest.OnEveryPlace(t, func(t *testing.T, open func(string) storetest.Store) {
		s, without := open(keysFile(t, keyLine("a"))), open("")
		if _, err := s.Check(t.Context()); err != nil {
			t.Fatal(err)
		}
		named := lettertest.WithFailures(lettertest.Failed(1), 2)
		named.Failures[0].Persons, named.Failures[1].Persons = "aa bb", "cc"
		other := lettertest.Failed(2)
		other.Failures[0].Persons = "dd"
		lettertest.MustPut(t, s, named, other)

		asked := 0
		choose := func(digests ...string) deadletter.Filter {
			return deadletter.Filter{Persons: digests, Concerns: func(event.Message, int) (bool, error) {
				asked++
				return true, nil
			}}
		}
		for digest, want := range map[string]event.ID{"bb": named.Failures[0].ID, "cc": named.Failures[1].ID,
			"dd": other.Failures[0].ID, "a": {}, "bb cc": {}} {
			var found []event.ID
			for l, err := range deadletter.List(t.Context(), without, choose("zz", digest)) {
				if err != nil {
					t.Fatal(err)
				}
				found = append(found, l.ID())
			}
			if want.IsZero() && len(found) > 0 || !want.IsZero() && (len(found) != 1 || found[0] != want) {
				t.Errorf("of %s: %v, want %v", digest, found, want)
			}
		}
		if asked > 0 {
			t.Errorf("%d letters were opened that have digests", asked)
		}
		lettertest.MustPut(t, s, lettertest.Failed(3))
		if _, err := deadletter.Select(t.Context(), without, ptr(choose("aa"))); err == nil {
			t.Error("a sealed letter without digests was judged")
		}
		if list, err := deadletter.Select(t.Context(), s, ptr(choose("aa"))); err != nil || len(list.Letters) != 2 ||
			asked != 1 {
			t.Errorf("%d letters, %d opened, %v", len(list.Letters), asked, err)
		}
	})
}

func ptr[T any](v T) *T { return &v }

// Who was erased leaves no digest in a letter that holds nothing else of the event.
func TestErasedPeopleLeaveNoDigest(t *testing.T) {
	t.Parallel()
	m := lettertest.WithFailures(lettertest.Failed(1), 3)
	for reason, want := range map[event.Reason]int{event.ReasonRefused: 2, event.ReasonErased: 0} {
		for i := range m.Failures {
			m.Failures[i].Reason, m.Failures[i].Persons = reason, "aabbccdd"
		}
		n := 0
		for _, h := range deadletter.Encode(&m, lettertest.Time, "").Headers {
			if bytes.Contains(h.Value, []byte("aabbccdd")) {
				n++
			}
		}
		if n != want {
			t.Errorf("%s: %d headers, want %d", reason, n, want)
		}
	}
}
