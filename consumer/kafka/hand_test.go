package kafka

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/consumertest"
)

// However much there is to read and however long nothing of it is finished, what is fetched stays within its bounds.
func TestKafkaMemoryStaysBounded(t *testing.T) {
	t.Parallel()
	const partitions = 8
	b := startKafka(t, kfake.SeedTopics(partitions, testTopic))
	value := strings.Repeat("x", 20<<10)
	var values []string
	for range 100 {
		values = append(values, value)
	}
	for p := range int32(partitions) {
		b.publishTo(p, values...)
	}
	c := b.config()
	c.FetchBytes = 2 << 20
	k := b.openWith(c)
	var mu sync.Mutex
	var held []func()
	free := false
	r := consumertest.Read(t, k, func(_ event.Lease, _ string, done func()) error {
		mu.Lock()
		defer mu.Unlock()
		if free {
			done()
		} else {
			held = append(held, done)
		}
		return nil
	})
	var peak int64
	for range 100 {
		time.Sleep(5 * time.Millisecond)
		if g := k.generation.Load(); g != nil {
			peak = max(peak, g.memory.Reserved())
		}
	}
	// The producer makes batches of up to a megabyte; the last one is fetched before its size is known.
	if total := len(values) * len(value) * partitions; peak == 0 || peak > c.FetchBytes+1<<20 {
		t.Errorf("%d bytes were held of %d, the limit is %d", peak, total, c.FetchBytes)
	}
	mu.Lock()
	free = true
	for _, done := range held {
		done()
	}
	mu.Unlock()
	consumertest.Eventually(t, "everything is read once there is room",
		func() bool { return len(r.Values()) == partitions*len(values) })
	r.Stop()
}

// One message that is not finished holds up neither the other partition nor what stands behind it, up to the limit.
func TestKafkaBoundsWhatIsInHand(t *testing.T) {
	t.Parallel()
	b := startKafka(t)
	b.Publish(numbers(0, 50)...)
	c := b.config()
	c.MaxUncommitted = 10
	var first func()
	r := consumertest.Read(t, b.openWith(c), func(_ event.Lease, value string, done func()) error {
		if value == "0" {
			first = done
			return nil
		}
		done()
		return nil
	})
	r.Want(numbers(0, 10)...)
	time.Sleep(300 * time.Millisecond)
	r.Want(numbers(0, 10)...)
	first()
	r.Want(numbers(0, 50)...)
	r.Stop()
}

func TestKafkaMessagesAreWhole(t *testing.T) {
	t.Parallel()
	b := startKafka(t)
	produced := producedRecord(b)
	var got event.Message
	ctx, cancel := context.WithCancel(t.Context())
	err := b.openWith(b.config()).Consume(ctx, func(_ event.Lease, m *event.Message, done func()) error {
		got = *m
		cancel()
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if got.Origin != (event.Origin{Topic: testTopic, Offset: 0}) || string(got.Key) != string(produced.Key) ||
		got.Value != nil {
		t.Errorf("got %v %q %q", got.Origin, got.Key, got.Value)
	}
	if !got.Time.Equal(produced.Timestamp.Truncate(time.Millisecond)) {
		t.Errorf("time %v, want %v", got.Time, produced.Timestamp)
	}
	want := []event.Header{{Key: "h", Value: []byte("1")}, {Key: "h", Value: []byte("2")}}
	if !slices.EqualFunc(got.Headers, want, func(a, b event.Header) bool {
		return a.Key == b.Key && bytes.Equal(a.Value, b.Value) && (a.Value == nil) == (b.Value == nil)
	}) {
		t.Errorf("headers %q", got.Headers)
	}
}
