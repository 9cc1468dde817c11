package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ciobridge/ciobridge/broker"
	"github.com/ciobridge/ciobridge/consumer"
	"github.com/ciobridge/ciobridge/event"
)

// extents asks where two times stand.
func (b *testBed) extents(k *broker.Kafka, between consumer.Bounds) []consumer.Extent {
	b.t.Helper()
	found, err := Extents(b.t.Context(), k, b.config(), between)
	if err != nil {
		b.t.Fatal(err)
	}
	return found
}

func (b *testBed) connect() *broker.Kafka {
	b.t.Helper()
	k, err := broker.NewKafka(b.config().KafkaConfig)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(k.Close)
	return k
}

// readExtent is what stands in an extent, as value@offset.
func (b *testBed) readExtent(k *broker.Kafka, e consumer.Extent) []string {
	b.t.Helper()
	var got []string
	err := ReadExtent(b.t.Context(), k, b.config(), e, func(m *event.Message) error {
		got = append(got, fmt.Sprintf("%s@%d", m.Value, m.Origin.Offset))
		return nil
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return got
}

// What stands between two times is read beside the group, which learns nothing of it.
func TestKafkaExtents(t *testing.T) {
	t.Parallel()
	b := startKafka(t, kfake.SeedTopics(2, testTopic))
	k := b.connect()
	day := time.Date(2026, 10, 5, 0, 0, 0, 0, time.UTC)
	b.publishAt(day, "a", "b")
	b.client = b.producer(kgo.ProducerBatchCompression(kgo.ZstdCompression()))
	b.publishAt(day.Add(time.Hour), "c", "d")
	b.publishTo(0, "now")
	b.publishTo(1, "other")

	all := b.extents(k, consumer.Bounds{})
	want := []consumer.Extent{{Topic: testTopic, End: 5}, {Topic: testTopic, Partition: 1, End: 1}}
	if !slices.Equal(all, want) {
		t.Fatalf("all is %v", all)
	}
	for _, c := range []struct {
		between consumer.Bounds
		want    string
	}{
		{consumer.Bounds{}, "a@0 b@1 c@2 d@3 now@4"},
		{consumer.Bounds{From: day.Add(time.Minute)}, "c@2 d@3 now@4"},
		{consumer.Bounds{To: day.Add(time.Hour)}, "a@0 b@1"},
		{consumer.Bounds{From: day.Add(time.Hour), To: day.Add(2 * time.Hour)}, "c@2 d@3"},
		{consumer.Bounds{From: time.Now().Add(time.Hour)}, ""},
		{consumer.Bounds{From: day.Add(2 * time.Hour), To: day}, ""},
	} {
		got := strings.Join(b.readExtent(k, b.extents(k, c.between)[0]), " ")
		if got != c.want {
			t.Errorf("%v brings %q, want %q", c.between, got, c.want)
		}
	}
	if got := b.readExtent(k, consumer.Extent{Topic: testTopic, From: 3, End: 4}); !slices.Equal(got, []string{"d@3"}) {
		t.Errorf("one record brings %v", got)
	}
	if o := b.offsets(b.config())[0]; o.Committed != -1 {
		t.Errorf("the group has committed %d", o.Committed)
	}
}

// What retention takes away before it is read is told, and the error of whoever reads comes back as it is.
func TestKafkaExtentsGone(t *testing.T) {
	t.Parallel()
	b := startKafka(t)
	k := b.connect()
	b.Publish("a", "b", "c")
	asked := b.extents(k, consumer.Bounds{})[0]
	b.deleteBefore(0, 2)
	nothing := func(*event.Message) error { return nil }
	err := ReadExtent(t.Context(), k, b.config(), asked, nothing)
	var gone *consumer.GoneError
	if !errors.As(err, &gone) || gone.From != 0 || gone.To != 2 {
		t.Fatalf("got %v", err)
	}
	asked.From = gone.To
	if got := b.readExtent(k, asked); !slices.Equal(got, []string{"c@2"}) {
		t.Errorf("the rest is %v", got)
	}
	stop := errors.New("stop")
	refuse := func(*event.Message) error { return stop }
	if err := ReadExtent(t.Context(), k, b.config(), asked, refuse); !errors.Is(err, stop) {
		t.Errorf("got %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := ReadExtent(ended, k, b.config(), asked, nothing); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	unknown := consumer.Extent{Topic: "nowhere", End: 1}
	if err := ReadExtent(t.Context(), k, b.config(), unknown, nothing); err == nil {
		t.Error("a topic that does not exist is read")
	}
}
