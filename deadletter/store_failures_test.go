package deadletter_test

import (
	"slices"
	"testing"

	nats "github.com/nats-io/nats.go/jetstream"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/deadletter/internal/lettertest"
	"github.com/ciobridge/ciobridge/deadletter/internal/logtest"
	"github.com/ciobridge/ciobridge/deadletter/internal/storetest"
	"github.com/ciobridge/ciobridge/deadletter/jetstream"
	"github.com/ciobridge/ciobridge/event"
)

// Every call of one record is a letter of its own for whoever lists, shows, counts, replays or discards.
func TestOneRecordHoldsTheFailuresOfItsMessage(t *testing.T) {
	t.Parallel()
	storetest.OnEveryStore(t, func(t *testing.T, s storetest.Store) {
		l := lettertest.WithFailures(lettertest.Failed(1), 5)
		f := &l.Failures[2]
		f.Reason, f.Detail, f.Attempts = event.ReasonPoison, "the second\u2028<kind>", 12
		lettertest.MustPut(t, s, l)
		lettertest.MustPut(t, s, lettertest.Failed(4))
		records := 0
		if err := s.Scan(t.Context(), func(deadletter.Record) error { records++; return nil }); err != nil ||
			records != 2 {
			t.Errorf("%d records, %v", records, err)
		}
		letters, _, _ := logtest.ScanAll(t, s)
		if len(letters) != 6 {
			t.Fatalf("%d letters", len(letters))
		}
		slices.SortStableFunc(letters, func(a, b *deadletter.Letter) int {
			return int(a.Message.Origin.Offset - b.Message.Origin.Offset)
		})
		for i, f := range l.Failures {
			if got := letters[i]; got.Failure != f || !lettertest.Same(got.Message, l.Message) ||
				got.EventID != letters[0].EventID {
				t.Errorf("letter %d:\n got %+v\nwant %+v", i, got, f)
			}
		}
		if &letters[0].Message.Value[0] != &letters[4].Message.Value[0] {
			t.Error("the letters of one record have a copy of the message each")
		}
		want := []event.ID{lettertest.ID(1), lettertest.ID(1001), lettertest.ID(2001), lettertest.ID(3001),
			lettertest.ID(4001), lettertest.ID(4)}
		if got := logtest.Listed(t, s, deadletter.Filter{All: true}); !slices.Equal(got, want) {
			t.Errorf("listed are %v", got)
		}
		poison := deadletter.Filter{Reasons: []event.Reason{event.ReasonPoison}}
		if got := logtest.Listed(t, s, poison); !slices.Equal(got, want[2:3]) {
			t.Errorf("poison are %v", got)
		}
		if n, err := deadletter.Discard(t.Context(), s, deadletter.Filter{IDs: want[1:2]}, "not wanted"); n != 1 ||
			err != nil {
			t.Errorf("%d discarded, %v", n, err)
		}
		sum, err := deadletter.Stats(t.Context(), s)
		if err != nil || sum.Open != 5 || sum.Resolved != 1 || sum.Written != 6 ||
			sum.ByReason[event.ReasonPoison] != 1 {
			t.Errorf("%+v, %v", sum, err)
		}
		h, err := logtest.ShowOne(t, s, lettertest.ID(2001))
		if err != nil || !h.Open || len(h.Letters) != 1 || h.Letters[0].Failure.Attempts != 12 {
			t.Errorf("%+v, %v", h, err)
		}
		if h, err := logtest.ShowOne(t, s, lettertest.ID(1001)); err != nil || h.Open || len(h.Resolutions) != 1 {
			t.Errorf("%+v, %v", h, err)
		}
	})
}

// A topic or stream whose own limit is lower gets as many records as it takes.
func TestFailuresUnderTheStoresOwnLimit(t *testing.T) {
	t.Parallel()
	l := lettertest.WithFailures(lettertest.Failed(1), 3_000)
	for i := range l.Failures {
		l.Failures[i].ID = event.ID{1, byte(i >> 16), byte(i >> 8), byte(i)}
	}
	cluster := lettertest.StartKafka(t)
	refused := lettertest.RefuseProduce(cluster, kerr.MessageTooLarge.Code, func(r *kmsg.ProduceRequest) bool {
		return len(r.Topics[0].Partitions[0].Records) > 20_000
	})
	js, _ := lettertest.StartNATS(t)
	lettertest.MakeStream(t, js, nats.StreamConfig{Name: "DEAD", Subjects: []string{"dead"}, MaxMsgSize: 20_000})
	for name, s := range map[string]storetest.Store{
		"kafka":     storetest.Kafka(t, cluster.ListenAddrs(), deadletter.Config{Topic: lettertest.Topic}),
		"jetstream": jetstream.New(js, deadletter.Config{Subject: "dead"}, "hash"),
	} {
		lettertest.MustPut(t, s, l)
		letters, _, _ := logtest.ScanAll(t, s)
		if len(letters) != len(l.Failures) {
			t.Errorf("%s: %d letters", name, len(letters))
		}
	}
	if refused.Load() == 0 {
		t.Error("no record was refused for its size")
	}
}

// Two events may make a call of the same identity: each has its letter, and what becomes of one says nothing of the
// other.
func TestLettersOfOneIdentityAndTwoEvents(t *testing.T) {
	t.Parallel()
	storetest.OnEveryStore(t, func(t *testing.T, s storetest.Store) {
		first, second := lettertest.Failed(1), lettertest.Failed(1)
		second.Message.Value = []byte(`{"n":"another"}`)
		lettertest.MustPut(t, s, first)
		lettertest.MustPut(t, s, second)
		if got := logtest.Listed(t, s, deadletter.Filter{All: true}); !slices.Equal(got,
			[]event.ID{lettertest.ID(1), lettertest.ID(1)}) {
			t.Fatalf("got %v", got)
		}
		for l := range deadletter.List(t.Context(), s, deadletter.Filter{All: true}) {
			if lettertest.Same(l.Message, second.Message) {
				if err := s.Resolve(t.Context(), l.Resolve(deadletter.Delivered, "")); err != nil {
					t.Fatal(err)
				}
			}
		}
		var open []*deadletter.Letter
		for l := range deadletter.List(t.Context(), s, deadletter.Filter{All: true}) {
			open = append(open, l)
		}
		if len(open) != 1 || !lettertest.Same(open[0].Message, first.Message) {
			t.Errorf("open are %+v", open)
		}
		histories, err := deadletter.Show(t.Context(), s, lettertest.ID(1))
		if err != nil || len(histories) != 2 || !histories[0].Open || histories[1].Open ||
			len(histories[0].Resolutions) != 0 {
			t.Errorf("got %+v, %v", histories, err)
		}
	})
}
