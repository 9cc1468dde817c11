package source_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	natsjetstream "github.com/nats-io/nats.go/jetstream"

	"github.com/ciobridge/ciobridge/consumer"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/source"
	"github.com/ciobridge/ciobridge/source/nats"
)

// What stands between two times is read beside the durable consumer, of which there is none after it.
func TestExtents(t *testing.T) {
	t.Parallel()
	own := embedded(t, nats.Stream{Name: "EVENTS", Subjects: []string{"events.>"}})
	js := own.Connection().JetStream()
	b := beside(t, own, nats.Stream{Name: "EVENTS"})
	publish := func(subject, value string) time.Time {
		ack, err := js.Publish(t.Context(), subject, []byte(value))
		if err != nil {
			t.Fatal(err)
		}
		stream, err := js.Stream(t.Context(), "EVENTS")
		if err != nil {
			t.Fatal(err)
		}
		m, err := stream.GetMsg(t.Context(), ack.Sequence)
		if err != nil {
			t.Fatal(err)
		}
		return m.Time
	}
	read := func(b source.Broker, between consumer.Bounds) string {
		t.Helper()
		found, err := b.Extents(t.Context(), between)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, e := range found {
			err := b.ReadExtent(t.Context(), e, func(m *event.Message) error {
				got = append(got, fmt.Sprintf("%s@%d", m.Value, m.Origin.Offset))
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		return strings.Join(got, " ")
	}
	want := func(b source.Broker, between consumer.Bounds, want string) {
		t.Helper()
		if got := read(b, between); got != want {
			t.Errorf("%v brings %q, want %q", between, got, want)
		}
	}
	want(b, consumer.Bounds{}, "")
	publish("events.a", "a")
	second := publish("events.b", "b")
	last := publish("events.a", "c")
	want(b, consumer.Bounds{}, "a@1 b@2 c@3")
	want(b, consumer.Bounds{From: second, To: last}, "b@2")
	want(b, consumer.Bounds{To: second}, "a@1")
	want(b, consumer.Bounds{From: last.Add(time.Hour)}, "")
	b = beside(t, own, nats.Stream{Name: "EVENTS", Subjects: []string{"events.a"}})
	want(b, consumer.Bounds{From: second}, "c@3")
	want(b, consumer.Bounds{To: last}, "a@1")
	b = beside(t, own, nats.Stream{Name: "EVENTS", Partitions: []nats.Subjects{{"events.b"}, {"events.a"}}})
	want(b, consumer.Bounds{}, "b@2 a@1 c@3")

	notes := b.Notes("backfill-1")
	for range 2 { // once without the bucket
		if noted, err := notes.Load(t.Context()); err != nil || noted != nil {
			t.Errorf("noted %v, %v", noted, err)
		}
		if err := notes.Remove(t.Context()); err != nil {
			t.Error(err)
		}
		noted := []consumer.OffsetChange{{Topic: "EVENTS", Partition: 1, Offset: 3}}
		if err := notes.Store(t.Context(), noted); err != nil {
			t.Fatal(err)
		}
		if got, err := notes.Load(t.Context()); err != nil || !slices.Equal(got, noted) {
			t.Errorf("noted %v, %v", got, err)
		}
		if err := notes.Remove(t.Context()); err != nil {
			t.Error(err)
		}
	}
	stream, err := js.Stream(t.Context(), "EVENTS")
	if err != nil {
		t.Fatal(err)
	}
	if n := stream.CachedInfo().State.Consumers; n != 0 {
		t.Errorf("%d consumers are left", n)
	}
	if err := stream.Purge(t.Context(), natsjetstream.WithPurgeSequence(3)); err != nil {
		t.Fatal(err)
	}
	var gone *consumer.GoneError
	err = b.ReadExtent(t.Context(), consumer.Extent{Topic: "EVENTS", From: 1, End: 4}, nil)
	if !errors.As(err, &gone) || gone.To != 3 {
		t.Errorf("what is gone: %v", err)
	}
}
