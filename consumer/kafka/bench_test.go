package kafka

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/ciobridge/ciobridge/consumer"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/memory"
	"github.com/ciobridge/ciobridge/internal/recordtest"
)

// BenchmarkRecords is what a message costs from a fetched record set to its done: checksum, decoding, tracker. The
// sizes are those of a small and of an ordinary event.
func BenchmarkRecords(b *testing.B) {
	for name, size := range map[string]int{"276B": 276, "1037B": 1037} {
		for codec, attributes := range map[string]uint16{"plain": 0, "zstd": 4} {
			b.Run(name+"/"+codec, func(b *testing.B) { benchmarkRecords(b, size, attributes) })
		}
	}
}

func benchmarkRecords(b *testing.B, size int, attributes uint16) {
	const perBatch = 100
	tb := recordtest.Batch{Attributes: attributes, Producer: -1, Time: 1_700_000_000_000}
	for i := range perBatch {
		value := bytes.Repeat([]byte(`{"a":"b"},`), size/10)
		tb.Records = append(tb.Records, recordtest.Record{Delta: int64(i), Key: []byte("person-1234567890"),
			Value: value})
	}
	set := tb.Encode()
	w := memory.New(1<<30).Fetching(1<<30, nil)
	p := &partition{key: partitionKey{topic: "events"}, share: &memory.Share{Fetching: w},
		tracker: consumer.NewTracker(0, 10_000)}
	work := &worker{
		p: p, lease: consumer.NewLease(time.Now(), time.Hour), limit: 16 << 20,
		handle: func(_ event.Lease, _ *event.Message, done func()) error { done(); return nil },
	}
	b.ReportAllocs()
	b.SetBytes(int64(size))
	for i := 0; i < b.N; i += perBatch {
		buf := consumer.NewBuffer(len(set))
		copy(buf.Bytes, set) // as the connection does
		buf.Charge(p.share)
		work.position = 0
		if err := work.handOver(context.Background(), &chunk{set: buf}); err != nil {
			b.Fatal(err)
		}
	}
	if w.Reserved() != 0 {
		b.Fatalf("%d bytes are left", w.Reserved())
	}
}
