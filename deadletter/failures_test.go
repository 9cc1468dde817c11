package deadletter

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/ciobridge/ciobridge/event"
)

// withFailures gives a letter so many failures of one kind. The identity of the n-th is that of the letter and n thousand.
func withFailures(l event.FailedMessage, failures int) event.FailedMessage {
	first := l.Failures[0]
	number := int(first.ID[7])<<8 | int(first.ID[8])
	for n := 1; n < failures; n++ {
		f := first
		f.ID = testID(number + 1000*n)
		l.Failures = append(l.Failures, f)
	}
	return l
}

// Every call of one record is a letter of its own for whoever lists, shows, counts, replays or discards.
func TestOneRecordHoldsTheFailuresOfItsMessage(t *testing.T) {
	onEveryStore(t, func(t *testing.T, s Store) {
		l := withFailures(testLetter(1), 5)
		l.Failures[2].Reason, l.Failures[2].Detail, l.Failures[2].Attempts = event.ReasonPoison, "the second\u2028<kind>", 12
		mustPut(t, s, l)
		mustPut(t, s, testLetter(4))
		records := 0
		if err := s.Scan(t.Context(), func(Record) error { records++; return nil }); err != nil || records != 2 {
			t.Errorf("%d records, %v", records, err)
		}
		letters, _, _ := scanAll(t, s)
		if len(letters) != 6 {
			t.Fatalf("%d letters", len(letters))
		}
		slices.SortStableFunc(letters, func(a, b *Letter) int { return int(a.Message.Origin.Offset - b.Message.Origin.Offset) })
		for i, f := range l.Failures {
			if got := letters[i]; got.Failure != f || !same(got.Message, l.Message) || got.EventID != letters[0].EventID {
				t.Errorf("letter %d:\n got %+v\nwant %+v", i, got, f)
			}
		}
		if &letters[0].Message.Value[0] != &letters[4].Message.Value[0] {
			t.Error("the letters of one record have a copy of the message each")
		}
		want := []event.ID{testID(1), testID(1001), testID(2001), testID(3001), testID(4001), testID(4)}
		if got := listed(t, s, Filter{All: true}); !slices.Equal(got, want) {
			t.Errorf("listed are %v", got)
		}
		if got := listed(t, s, Filter{Reasons: []event.Reason{event.ReasonPoison}}); !slices.Equal(got, want[2:3]) {
			t.Errorf("poison are %v", got)
		}
		if n, err := Discard(t.Context(), s, Filter{IDs: want[1:2]}, "not wanted"); n != 1 || err != nil {
			t.Errorf("%d discarded, %v", n, err)
		}
		sum, err := Stats(t.Context(), s)
		if err != nil || sum.Open != 5 || sum.Resolved != 1 || sum.Written != 6 || sum.ByReason[event.ReasonPoison] != 1 {
			t.Errorf("%+v, %v", sum, err)
		}
		h, err := showOne(t, s, testID(2001))
		if err != nil || !h.Open || len(h.Letters) != 1 || h.Letters[0].Failure.Attempts != 12 {
			t.Errorf("%+v, %v", h, err)
		}
		if h, err := showOne(t, s, testID(1001)); err != nil || h.Open || len(h.Resolutions) != 1 {
			t.Errorf("%+v, %v", h, err)
		}
	})
}

// A replay takes each call of a record by itself, and what fails again of one event is one record again.
func TestAReplayOfOneRecord(t *testing.T) {
	onEveryStore(t, func(t *testing.T, s Store) {
		mustPut(t, s, withFailures(testLetter(1), 5))
		calls := rules(func(event.Message) (calls []event.Call, _ []event.Failure) {
			for n := range 6 {
				calls = append(calls, call(1+1000*n, "order", "track:order_completed"))
			}
			return calls, nil
		})
		f := &flow{refuse: func(c event.Call) bool { return c.ID == testID(1001) || c.ID == testID(3001) }}
		r := newReplay(t, s, calls, ReplayOptions{Filter: Filter{All: true}})
		if err := f.run(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		if got := r.Progress(); got != (Progress{Open: 5, Chosen: 5, Delivered: 3, FailedAgain: 2}) || len(f.sent) != 5 {
			t.Errorf("%+v, %d sent", got, len(f.sent))
		}
		if got := listed(t, s, Filter{All: true}); !slices.Equal(got, []event.ID{testID(1001), testID(3001)}) {
			t.Errorf("open are %v", got)
		}
		if h, err := showOne(t, s, testID(3001)); err != nil || len(h.Letters) != 2 || h.Letters[1].Failure.Attempts != 3 {
			t.Errorf("%+v, %v", h, err)
		}
	})
}

// What became of the many letters of one event is noted in as many resolutions as any store takes.
func TestResolutionsOfManyLettersFit(t *testing.T) {
	const letters = 3_000
	onEveryStore(t, func(t *testing.T, s Store) {
		lowerLimit(s)
		l := withFailures(testLetter(1), letters)
		mustPut(t, s, l)
		open, _, _ := scanAll(t, s)
		e := newReplayedEvent(open)
		for i := range e.statuses {
			e.statuses[i] = letterStatus{calls: 1, attempts: i % 2 * MaxAttempts}
		}
		progress := Progress{}
		settled, _ := e.resolutions(&progress)
		if progress.Delivered != letters/2 || progress.FailedAgain != letters/2 {
			t.Errorf("got %+v", progress)
		}
		if err := s.Resolve(t.Context(), settled...); err != nil {
			t.Fatal(err)
		}
		sum, err := Stats(t.Context(), s)
		if err != nil || sum.Open != letters/2 || sum.Resolved != letters/2 || sum.Unreadable != 0 {
			t.Errorf("got %+v, %v", sum, err)
		}
	})
}

// A record of before there were several failures is read as it always was.
func TestARecordOfOneFailureIsAsItWas(t *testing.T) {
	l := testLetter(1)
	r := Encode(&l, testTime, "hash")
	if _, ok := r.header(headerFailures); ok || len(r.Headers) != 2+letterHeaders {
		t.Errorf("one failure has the headers %v", r.Headers)
	}
	text := `{"time":"2026-03-04T05:06:07Z","key":"k","headers":[{"name":"a\u003c","value":"\u003e"},{"name":"b","value64":"/w=="}],"value":"\u003c\u0026"}`
	got, err := ParseJSON([]byte(text))
	if err != nil || string(got.Value) != "<&" || got.Headers[0].Key != "a<" || string(got.Headers[1].Value) != "\xff" {
		t.Errorf("%+v, %v", got, err)
	}
}

// Failures that make a record too large are divided among a few records with the whole message; when those are too many, or the
// message itself is too large, it is cut, and no failure is lost.
func TestFailuresThatDoNotFit(t *testing.T) {
	const limit = 20_000
	for name, c := range map[string]struct {
		value, failures, differing int
		records                    int
		cut                        bool
	}{
		"all fit":                     {10_000, 100, 0, 1, false},
		"two parts":                   {17_000, 80, 0, 2, false},
		"too many parts":              {17_900, 200, 0, 1, true},
		"failures over the limit":     {1_000, 1_500, 0, 4, false},
		"far over the limit":          {1_000, 20_000, 0, 64, false},
		"cut, and over the limit":     {50_000, 2_000, 0, 4, true},
		"different texts":             {1_000, 40, 1_000, 4, false},
		"a message that is too large": {50_000, 1, 0, 1, true},
	} {
		l := withFailures(testLetter(1), c.failures)
		for i := range l.Failures {
			l.Failures[i].ID = event.ID{1, byte(i >> 16), byte(i >> 8), byte(i)}
			if c.differing > 0 {
				l.Failures[i].Detail = fmt.Sprint(i) + strings.Repeat("x", c.differing)
			}
		}
		l.Message.Value = bytes.Repeat([]byte("v"), c.value)
		r := Encode(&l, testTime, "hash")
		records, err := Fit(r, limit, (*Record).Size)
		if err != nil {
			t.Fatal(name, err)
		}
		var all []event.Failure
		for _, r := range records {
			letters, _, err := Decode(r)
			if err != nil || r.Size() > limit || (letters[0].Truncated != nil) != c.cut || letters[0].EventID != EventID(&l.Message) {
				t.Fatalf("%s: a record of %d bytes, %v, %v", name, r.Size(), letters, err)
			}
			if !c.cut && len(letters[0].Message.Value) != c.value {
				t.Errorf("%s: %d bytes of value", name, len(letters[0].Message.Value))
			}
			for _, l := range letters {
				all = append(all, l.Failure)
			}
		}
		if len(records) > c.records || len(records) < (c.records+1)/2 || !slices.Equal(all, l.Failures) {
			t.Errorf("%s: %d records of %d failures", name, len(records), len(all))
		}
	}
}

// A topic or stream whose own limit is lower gets as many records as it takes.
func TestFailuresUnderTheStoresOwnLimit(t *testing.T) {
	l := withFailures(testLetter(1), 3_000)
	for i := range l.Failures {
		l.Failures[i].ID = event.ID{1, byte(i >> 16), byte(i >> 8), byte(i)}
	}
	cluster := startKafka(t)
	refused := refuseProduce(cluster, kerr.MessageTooLarge.Code, func(r *kmsg.ProduceRequest) bool {
		return len(r.Topics[0].Partitions[0].Records) > 20_000
	})
	js, _ := startNATS(t)
	makeStream(t, js, jetstream.StreamConfig{Name: "DEAD", Subjects: []string{"dead"}, MaxMsgSize: 20_000})
	for name, s := range map[string]Store{
		"kafka":     newKafka(t, cluster.ListenAddrs(), Config{Topic: testTopic}),
		"jetstream": NewJetStream(js, Config{Subject: "dead"}, "hash"),
	} {
		mustPut(t, s, l)
		letters, _, _ := scanAll(t, s)
		if len(letters) != len(l.Failures) {
			t.Errorf("%s: %d letters", name, len(letters))
		}
	}
	if refused.Load() == 0 {
		t.Error("no record was refused for its size")
	}
}

// What a letter takes on disk is at most twice its text: `<` and what else HTML escapes is written as it is.
func TestALineIsNotMuchLongerThanItsRecord(t *testing.T) {
	for name, unit := range map[string]string{"markup": "<>&", "quotes": `"\`, "control": "\x01", "mixed": "a\n\x02b<é", "binary": "\xff", "separators": "\u2028"} {
		l := testLetter(1)
		l.Message.Value = bytes.Repeat([]byte(unit), 100_000/len(unit))
		l.Message.Key = l.Message.Value[:1000]
		l.Message.Headers = append(l.Message.Headers, event.Header{Key: unit, Value: l.Message.Value[:1000]})
		r := Encode(&l, testTime, "hash")
		text := AppendJSON(nil, &r)
		if len(text) > 2*r.Size()+1_000 || !json.Valid(text) {
			t.Errorf("%s: %d bytes for %d", name, len(text), r.Size())
		}
		if name == "markup" && len(text) > r.Size()+1_000 {
			t.Errorf("%s: %d bytes for %d", name, len(text), r.Size())
		}
		got, err := ParseJSON(text)
		if err != nil || !bytes.Equal(got.Value, r.Value) || !bytes.Equal(got.Key, r.Key) || !slices.EqualFunc(got.Headers, r.Headers, func(a, b event.Header) bool {
			return a.Key == b.Key && bytes.Equal(a.Value, b.Value)
		}) {
			t.Errorf("%s: came back as %+v, %v", name, got, err)
		}
	}
}

// Ninety-five failures of a message of a megabyte take little more than the message, in the file and in memory.
func TestManyFailuresOfALargeMessage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dead.jsonl")
	s := NewFile(Config{File: path}, "hash")
	l := withFailures(testLetter(1), 95)
	l.Message.Value = bytes.Repeat([]byte("<"), 1_000_000)
	const puts = 20
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range puts {
		if err := s.Put(t.Context(), l); err != nil {
			t.Fatal(err)
		}
	}
	runtime.ReadMemStats(&after)
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if each := info.Size() / puts; each > 1_100_000 {
		t.Errorf("a letter takes %d bytes of the file", each)
	}
	if each := (after.TotalAlloc - before.TotalAlloc) / puts; each > 8_000_000 {
		t.Errorf("a letter takes %d bytes of memory", each)
	}
}

// Letters of one record have one event, which is inspected once.
func TestAnEventIsInspectedOnce(t *testing.T) {
	l := withFailures(testLetter(2), 50)
	other := testLetter(3)
	log := memory{Encode(&l, testTime, ""), Encode(&other, testTime, "")}
	log[1].Position.Offset = 1
	inspected := 0
	got := listed(t, log, Filter{Types: []string{"even"}, Inspect: func(m event.Message) (string, time.Time) {
		inspected++
		return []string{"even", "odd"}[m.Origin.Offset%2], m.Time
	}})
	if inspected != 2 || len(got) != 50 {
		t.Errorf("inspected %d times, %d letters", inspected, len(got))
	}
}
