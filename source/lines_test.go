package source_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ciobridge/ciobridge/consumer"
	"github.com/ciobridge/ciobridge/consumer/bounded"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/canarytest"
	"github.com/ciobridge/ciobridge/source/lines"
)

// taker acks what it is given, but what keep names.
type taker struct {
	mu   sync.Mutex
	got  []string
	keep string
}

func (k *taker) take(_ event.Lease, m *event.Message, done func()) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	text := string(m.Value)
	if len(text) > 20 {
		text = fmt.Sprintf("%d bytes", len(text))
	}
	k.got = append(k.got, fmt.Sprintf("%s %s", m.Origin, text))
	if k.keep == "" || !strings.Contains(text, k.keep) {
		done()
	}
	return nil
}

// Whatever the end of a line is, lines keep their numbers, and nothing of them is changed.
func TestLines(t *testing.T) {
	long := strings.Repeat("x", 100_000)
	text := "\xef\xbb\xbf{}\r\nnot JSON of canary\n\n  \n\xff\x00\n" + long + "\nlast"
	want := []string{"{}", "not JSON of canary", "", "", "\xff\x00", "100000 bytes", "last"}
	dir := t.TempDir()
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write([]byte(text)); err != nil || w.Close() != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{
		"a.ndjson": []byte(text), "b.ndjson": []byte(text + "\n"), "c.ndjson.gz": packed.Bytes(),
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		b, err := (&lines.Section{Path: path}).Connect(t.Context(), canarytest.Logger(t))
		if err != nil {
			t.Fatal(err)
		}
		r, err := b.Reader(nil, canarytest.Logger(t), canarytest.Registry(t))
		if err != nil {
			t.Fatal(err)
		}
		var k taker
		if err := r.Consume(t.Context(), k.take); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		var all []string
		for i, line := range want {
			if line != "" {
				all = append(all, fmt.Sprintf("%s/0@%d %s", name, i+1, line))
			}
		}
		if got := strings.Join(k.got, "\n"); got != strings.Join(all, "\n") {
			t.Errorf("%s holds\n%q, want\n%q", name, got, all)
		}
		found, err := b.Extents(t.Context(), consumer.Bounds{})
		if err != nil || len(found) != 1 || found[0].Count() != int64(len(want)) {
			t.Errorf("%s: %v, %v", name, found, err)
		}
		var one []string
		err = b.ReadExtent(t.Context(), consumer.Extent{Topic: name, From: 2, End: 4}, func(m *event.Message) error {
			one = append(one, string(m.Value))
			return nil
		})
		if err != nil || strings.Join(one, " ") != "not JSON of canary" {
			t.Errorf("%s: lines 2 and 3 are %q, %v", name, one, err)
		}
	}
}

// A source that ends says so only where everything is acked, and else how far all is.
func TestWhatIsNotAckedIsNotFinished(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events")
	if err := os.WriteFile(path, []byte("1\n2\nkept\n4\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	b, err := (&lines.Section{Path: path}).Connect(t.Context(), canarytest.Logger(t))
	if err != nil {
		t.Fatal(err)
	}
	r, err := b.Reader(nil, canarytest.Logger(t), canarytest.Registry(t))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	k := taker{keep: "kept"}
	err = r.Consume(ctx, func(l event.Lease, m *event.Message, done func()) error {
		if m.Origin.Offset == 4 {
			cancel()
		}
		return k.take(l, m, done)
	})
	if !errors.Is(err, bounded.ErrUnfinished) || !strings.Contains(err.Error(), "every line before 3 is finished") {
		t.Errorf("got %v", err)
	}
	if got := r.Partitions()[0]; got.Offset != 3 || got.InFlight != 2 {
		t.Errorf("the partition is %+v", got)
	}
}

// Parts are read side by side. The first that cannot be read ends the others, and what is in flight may be finished.
func TestPartsEndTogether(t *testing.T) {
	broken := errors.New("broken")
	finished := make(chan func(), 1)
	s := bounded.New([]bounded.Part{
		{From: 5, Read: func(_ context.Context, each func(*event.Message) error) error {
			if err := each(&event.Message{Origin: event.Origin{Topic: "a", Offset: 7}}); err != nil {
				return err
			}
			return broken
		}},
		{From: 1, Read: func(ctx context.Context, _ func(*event.Message) error) error {
			<-ctx.Done()
			return ctx.Err()
		}},
	}, bounded.Config{Drain: time.Minute})
	err := s.Consume(t.Context(), func(l event.Lease, _ *event.Message, done func()) error {
		finished <- done
		l.AfterFunc(func() { (<-finished)() })
		return nil
	})
	if !errors.Is(err, broken) || s.Finished(0) != 8 || s.Finished(1) != 1 {
		t.Errorf("got %v, finished %d and %d", err, s.Finished(0), s.Finished(1))
	}
}

// Of a line that is longer than any event its beginning is kept, and the next line is read as any other.
func TestEndlessLine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events")
	if err := os.WriteFile(path, []byte(strings.Repeat("y", 16<<20+5)+"\nlast"), 0o600); err != nil {
		t.Fatal(err)
	}
	b, err := (&lines.Section{Path: path}).Connect(t.Context(), canarytest.Logger(t))
	if err != nil {
		t.Fatal(err)
	}
	var k taker
	err = b.ReadExtent(t.Context(), consumer.Extent{From: 1, End: 3}, func(m *event.Message) error {
		return k.take(nil, m, func() {})
	})
	if got := strings.Join(k.got, ", "); err != nil || got != "events/0@1 16777216 bytes, events/0@2 last" {
		t.Errorf("got %s, %v", got, err)
	}
}
