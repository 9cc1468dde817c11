package nats

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	natsjetstream "github.com/nats-io/nats.go/jetstream"

	"github.com/ciobridge/ciobridge/broker"
	"github.com/ciobridge/ciobridge/consumer"
	"github.com/ciobridge/ciobridge/consumer/jetstream"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/canarytest"
)

// What stands between two times is read beside the durable consumer, of which there is none after it.
func TestExtents(t *testing.T) {
	t.Parallel()
	server, err := broker.StartEmbedded(broker.EmbeddedConfig{
		Dir: filepath.Join(t.TempDir(), "nats"), Listen: "127.0.0.1:0",
		Streams: []broker.EmbeddedStream{{Name: "EVENTS", Subjects: []string{"events.>"}}},
	}, canarytest.Logger(t))
	if err != nil {
		t.Fatal(err)
	}
	conn, err := server.NATS(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b := &Broker{conn: conn, server: server, config: jetstream.DefaultConfig()}
	defer b.Close()
	b.config.Streams = []jetstream.StreamConfig{{Name: "EVENTS"}}
	publish := func(subject, value string) time.Time {
		ack, err := conn.JetStream().Publish(t.Context(), subject, []byte(value))
		if err != nil {
			t.Fatal(err)
		}
		stream, err := conn.JetStream().Stream(t.Context(), "EVENTS")
		if err != nil {
			t.Fatal(err)
		}
		m, err := stream.GetMsg(t.Context(), ack.Sequence)
		if err != nil {
			t.Fatal(err)
		}
		return m.Time
	}
	read := func(between consumer.Bounds) string {
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
	want := func(between consumer.Bounds, want string) {
		t.Helper()
		if got := read(between); got != want {
			t.Errorf("%v brings %q, want %q", between, got, want)
		}
	}
	want(consumer.Bounds{}, "")
	publish("events.a", "a")
	second := publish("events.b", "b")
	last := publish("events.a", "c")
	want(consumer.Bounds{}, "a@1 b@2 c@3")
	want(consumer.Bounds{From: second, To: last}, "b@2")
	want(consumer.Bounds{To: second}, "a@1")
	want(consumer.Bounds{From: last.Add(time.Hour)}, "")
	b.config.Streams[0].Subjects = []string{"events.a"}
	want(consumer.Bounds{From: second}, "c@3")
	want(consumer.Bounds{To: last}, "a@1")
	b.config.Streams[0] = jetstream.StreamConfig{Name: "EVENTS", Partitions: [][]string{{"events.b"}, {"events.a"}}}
	want(consumer.Bounds{}, "b@2 a@1 c@3")

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
	stream, err := conn.JetStream().Stream(t.Context(), "EVENTS")
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
