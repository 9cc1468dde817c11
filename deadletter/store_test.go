package deadletter_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/deadletter/internal/lettertest"
	"github.com/ciobridge/ciobridge/deadletter/internal/logtest"
	"github.com/ciobridge/ciobridge/deadletter/internal/storetest"
	"github.com/ciobridge/ciobridge/event"
)

func TestStoresKeepTheRecordWhole(t *testing.T) {
	t.Parallel()
	odd := lettertest.Failed(1)
	odd.Message.Key, odd.Message.Value = []byte{0xff, 0, '\n'}, []byte("\xff\x00not json\r\n")
	odd.Message.Headers = []event.Header{
		{Key: "two\nlines", Value: []byte("a\r\nb")}, {Key: "", Value: []byte(" padded ")}, {Key: "Nats-Rollup",
			Value: []byte("all")},
		{Key: "Nats-Expected-Stream", Value: []byte("OTHER")}, {Key: "Status", Value: []byte("404")}, {Key: "bin",
			Value: []byte{0, 0xfe}},
		{Key: "empty", Value: []byte{}},
	}
	odd.Failures[0].Rule = "two\nlines"
	tombstone, empty, keyless := lettertest.Failed(2), lettertest.Failed(3), lettertest.Failed(4)
	tombstone.Message.Value, empty.Message.Value, keyless.Message.Key = nil, []byte{}, nil
	empty.Message.Key = []byte{}
	nats := lettertest.Failed(5)
	nats.Message.Origin = event.Origin{Topic: "EVENTS", Subject: "events.a b/c@d", Offset: 9}
	timeless := lettertest.Failed(6)
	timeless.Message.Time = time.Time{}
	want := []event.FailedMessage{lettertest.Failed(0), odd, tombstone, empty, keyless, nats, timeless}
	for i, headers := range oddHeaders() {
		l := lettertest.Failed(10 + i)
		l.Message.Headers = headers
		want = append(want, l)
	}

	storetest.OnEveryStore(t, func(t *testing.T, s storetest.Store) {
		lettertest.MustPut(t, s, want...)
		letters, _, foreign := logtest.ScanAll(t, s)
		if len(letters) != len(want) || foreign != 0 {
			t.Fatalf("got %d letters and %d foreign records, want %d and 0", len(letters), foreign, len(want))
		}
		found := map[event.ID]*deadletter.Letter{}
		for _, l := range letters {
			found[l.ID()] = l
		}
		for _, w := range want {
			got := found[w.Failures[0].ID]
			if got == nil {
				t.Fatalf("letter of %s is missing", w.Message.Origin)
			}
			if !lettertest.Same(got.Message, w.Message) {
				t.Errorf("message changed:\n got %+v\nwant %+v", got.Message, w.Message)
			}
			if got.Failure != w.Failures[0] {
				t.Errorf("failure changed:\n got %+v\nwant %+v", got.Failure, w.Failures[0])
			}
			if got.EventID != deadletter.EventID(&w.Message) || got.ConfigHash != "hash-1" || got.Truncated != nil ||
				time.Since(got.Written) > time.Minute {
				t.Errorf("story changed: %+v", got)
			}
			again, err := s.Read(t.Context(), got.Position)
			if err != nil {
				t.Fatal(err)
			}
			if l, _, err := deadletter.Decode(again); err != nil || len(l) != 1 || l[0].ID() != got.ID() ||
				l[0].Position != got.Position {
				t.Errorf("read at %s gives %+v, %v", got.Position, l, err)
			}
		}
	})
}

// oddHeaders are lists of headers that a store may find hard to give back: repeated, null, empty, binary, with odd
// names, with names that NATS would obey, that many to a record, or with names of the bridge's own beside them.
func oddHeaders() [][]event.Header {
	h := func(key, value string) event.Header { return event.Header{Key: key, Value: []byte(value)} }
	null := func(key string) event.Header { return event.Header{Key: key} }
	var all, many []event.Header
	for c := range 256 {
		all = append(all, h(string([]byte{'n', byte(c)}), string([]byte{byte(c)})),
			h("v", string([]byte{'<', byte(c), '>'})))
		many = append(many, h("m"+string(rune('a'+c%26)), "x"))
	}
	return [][]event.Header{
		nil, {},
		{h("x", "plain"), h("x", " padded"), h("x", "plain again"), h("x", "two\r\nlines"), h("x", "end")},
		{h("x", ""), null("x"), h("x", "a"), null("x"), h("x", "")},
		{null("null"), h("empty", ""), h("", ""), null(""), h("", "nameless")},
		{h("z", "1"), h("a", "2"), h("z", "3"), h("a", "4"), h("A", "5")},
		{h("bin", "\x00\xff\xfe"), h("bin", "\x80"), h("bin", "\v\f\x7f"), h("\xff\x00", "odd name"), h("é ü", "ÿ")},
		{h("Nats-Msg-Id", "1"), h("nats-rollup", "all"), h("NATS-TTL", "1s"), h("Nats-Msg-Id", "2"), h("Nats-", ""),
			h("traceparent", "00-0-0-01")},
		{h("Status", "503"), h("Description", "x"), h("status", "x"), h("KV-Operation", "PURGE"),
			h("Content-Length", "7"), h("host", "a:b: c")},
		{h("ce_type", "order"), h("ce-id", "1"), h("ce_source", "/shop?a=b#c"), h("ce_type", `"order"`),
			h("content-type", "application/json; charset=utf-8")},
		{h("ciobridge-keys", "not ours"), h("Ciobridge-Key", "not ours"), h("CIOBRIDGE-TOMBSTONE", "true"),
			h("__connect.errors.topicx", "x")},
		all, many,
	}
}

func TestStoresKeepTheOrderOfAKey(t *testing.T) {
	t.Parallel()
	storetest.OnEveryStore(t, func(t *testing.T, s storetest.Store) {
		for n := range 30 {
			lettertest.MustPut(t, s, lettertest.Failed(n))
		}
		last := map[string]int64{}
		letters, _, _ := logtest.ScanAll(t, s)
		for _, l := range letters {
			key := string(l.Message.Key)
			if at, ok := last[key]; ok && at >= l.Message.Origin.Offset {
				t.Errorf("key %s: %d stands behind %d", key, l.Message.Origin.Offset, at)
			}
			last[key] = l.Message.Origin.Offset
		}
		if len(letters) != 30 {
			t.Errorf("got %d letters, want 30", len(letters))
		}
	})
}

func TestStoresResolve(t *testing.T) {
	t.Parallel()
	storetest.OnEveryStore(t, func(t *testing.T, s storetest.Store) {
		lettertest.MustPut(t, s, lettertest.FailedBetween(0, 4)...)
		letters, _, _ := logtest.ScanAll(t, s)
		var first *deadletter.Letter
		for _, l := range letters {
			if l.ID() == lettertest.ID(2) {
				first = l
			}
		}
		if err := s.Resolve(t.Context(), first.Resolve(deadletter.Discarded, "a test\nof ours")); err != nil {
			t.Fatal(err)
		}
		_, resolutions, foreign := logtest.ScanAll(t, s)
		if len(resolutions) != 1 || foreign != 0 {
			t.Fatalf("got %d resolutions and %d foreign records", len(resolutions), foreign)
		}
		r := resolutions[0]
		if r.Kind != deadletter.Discarded || r.Note != "a test of ours" || r.Origin != first.Message.Origin ||
			!bytes.Equal(r.Key, first.Message.Key) || r.At.IsZero() {
			t.Errorf("got %+v", r)
		}
		if got := logtest.Listed(t, s, deadletter.Filter{All: true}); len(got) != 3 {
			t.Errorf("%d letters are open, want 3", len(got))
		}
		h, err := logtest.ShowOne(t, s, lettertest.ID(2))
		if err != nil || h.Open || len(h.Letters) != 1 || len(h.Resolutions) != 1 {
			t.Errorf("got %+v, %v", h, err)
		}
		if _, err := logtest.ShowOne(t, s, lettertest.ID(99)); !errors.Is(err, deadletter.ErrUnknownLetter) {
			t.Errorf("got %v", err)
		}
		again := lettertest.Failed(2)
		again.Failures[0].Attempts = 5
		lettertest.MustPut(t, s, again)
		if h, err := logtest.ShowOne(t, s, lettertest.ID(2)); err != nil || !h.Open || len(h.Letters) != 2 {
			t.Errorf("a letter that was written again is not open: %+v, %v", h, err)
		}
	})
}

func TestStoresDiscardWithANote(t *testing.T) {
	t.Parallel()
	storetest.OnEveryStore(t, func(t *testing.T, s storetest.Store) {
		const letters = 150
		lettertest.MustPut(t, s, lettertest.FailedBetween(0, letters)...)
		n, err := deadletter.Discard(t.Context(), s, deadletter.Filter{All: true}, " \n")
		if !errors.Is(err, deadletter.ErrNote) || n != 0 {
			t.Errorf("without a note: %d, %v", n, err)
		}
		if n, err := deadletter.Discard(t.Context(), s, deadletter.Filter{All: true, Limit: letters - 2},
			"a test"); err != nil || n != letters-2 {
			t.Errorf("discarded %d, %v", n, err)
		}
		if sum, err := deadletter.Stats(t.Context(), s); err != nil || sum.Open != 2 || sum.Resolved != letters-2 {
			t.Errorf("got %+v, %v", sum, err)
		}
	})
}

func TestStoresCutWhatIsTooLarge(t *testing.T) {
	t.Parallel()
	storetest.OnEveryStoreOf(t, lettertest.MinMaxBytes, func(t *testing.T, s storetest.Store) {
		long, heavy := lettertest.Failed(1), lettertest.Failed(2)
		long.Message.Value = bytes.Repeat([]byte("x"), 3*lettertest.MinMaxBytes)
		heavy.Message.Key = bytes.Repeat([]byte("k"), 2*lettertest.MinMaxBytes)
		heavy.Message.Headers = []event.Header{{Key: "big", Value: bytes.Repeat([]byte("h"), 2*lettertest.MinMaxBytes)}}
		lettertest.MustPut(t, s, lettertest.Failed(0), long, heavy)
		letters, _, _ := logtest.ScanAll(t, s)
		if len(letters) != 3 {
			t.Fatalf("got %d letters, want 3", len(letters))
		}
		for _, l := range letters {
			var whole []byte
			switch l.ID() {
			case long.Failures[0].ID:
				whole = long.Message.Value
				if len(l.Message.Value) < lettertest.MinMaxBytes/2 || !bytes.HasPrefix(whole, l.Message.Value) {
					t.Errorf("kept %d bytes", len(l.Message.Value))
				}
				if l.EventID != deadletter.EventID(&long.Message) {
					t.Error("the identity of the event changed")
				}
			case heavy.Failures[0].ID:
				whole = heavy.Message.Value
			default:
				if l.Truncated != nil {
					t.Error("a small letter was cut")
				}
				continue
			}
			if l.Truncated == nil || l.Truncated.Bytes != len(whole) || l.Truncated.SHA256 != sha256.Sum256(whole) {
				t.Errorf("letter %s: cut is %v", l.ID(), l.Truncated)
			}
		}
		if sum, err := deadletter.Stats(t.Context(), s); err != nil || sum.Truncated != 2 {
			t.Errorf("stats count %d cut letters, want 2 (%v)", sum.Truncated, err)
		}
	})
}

func TestStoresTakeConcurrentWriters(t *testing.T) {
	t.Parallel()
	const writers, each = 8, 25
	storetest.OnEveryStore(t, func(t *testing.T, s storetest.Store) {
		var wg sync.WaitGroup
		for w := range writers {
			wg.Go(func() {
				for n := range each {
					if err := lettertest.Put(t, s, lettertest.Failed(w*each+n)); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		if got := logtest.Listed(t, s, deadletter.Filter{All: true}); len(got) != writers*each {
			t.Errorf("%d letters, want %d", len(got), writers*each)
		}
	})
}

func TestScanEndsWhereTheLogEndedWhenItBegan(t *testing.T) {
	t.Parallel()
	storetest.OnEveryStore(t, func(t *testing.T, s storetest.Store) {
		lettertest.MustPut(t, s, lettertest.FailedBetween(0, 9)...)
		n := 0
		err := s.Scan(t.Context(), func(deadletter.Record) error {
			lettertest.MustPut(t, s, lettertest.Failed(100+n))
			n++
			return nil
		})
		if err != nil || n != 9 {
			t.Errorf("scanned %d records of 9: %v", n, err)
		}
		stop := errors.New("enough")
		if err := s.Scan(t.Context(), func(deadletter.Record) error { return stop }); !errors.Is(err, stop) {
			t.Errorf("got %v", err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := s.Scan(ctx, func(deadletter.Record) error { return nil }); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		if err := s.Put(ctx, lettertest.Failed(1)); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
}
