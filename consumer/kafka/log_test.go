package kafka

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/ciobridge/ciobridge/consumer"
	"github.com/ciobridge/ciobridge/internal/consumertest"
	"github.com/ciobridge/ciobridge/internal/recordtest"
)

// Retention has deleted what the group has not read: the partition stops with the exact number, the other one goes on,
// and the operator's decision is where it goes on.
func TestKafkaCommittedBelowTheLog(t *testing.T) {
	t.Parallel()
	b := startKafka(t, kfake.SeedTopics(2, testTopic))
	b.publishTo(0, numbers(0, 10)...)
	if got := b.offsets(b.config())[0]; got.Committed != -1 || got.Lag() != 10 || got.Lost() != 0 {
		t.Errorf("before anything is committed: %+v", got)
	}
	b.setOffset(0, 3)
	b.deleteBefore(0, 7)
	b.publishTo(1, "other")
	k := b.openWith(b.config())
	r := consumertest.Read(t, k, consumertest.AckAll)
	r.Want("other")
	if why := k.halted(t, 0); why.reason != stopBelowLog || why.offset != 3 || why.start != 7 || why.lost != 4 {
		t.Errorf("halted: %+v", why)
	}
	wantStates := map[string]string{
		"events/0": "stopped: offset_below_log at offset 3, the log goes from 7 to 10, 4 records lost",
		"events/1": "reading",
	}
	if got := k.States(); !maps.Equal(got, wantStates) {
		t.Errorf("states %v", got)
	}
	if text := scrape(t, k); !strings.Contains(text, `ciobridge_kafka_partition_lost_records{partition="0",`+
		`reason="offset_below_log",topic="events"} 4`) {
		t.Errorf("metrics:\n%s", text)
	}
	if err := SetOffsets(t.Context(), k.kafka, k.config,
		[]consumer.OffsetChange{{Topic: testTopic, Partition: 0, Offset: 7}}); err == nil {
		t.Error("offsets were set although the group is running")
	}
	r.Stop()
	if text := scrape(t, k); strings.Contains(text, "partition=") {
		t.Errorf("series of partitions are left:\n%s", text)
	}
	if err := SetOffsets(t.Context(), k.kafka, k.config,
		[]consumer.OffsetChange{{Topic: testTopic, Partition: 0, Offset: 6}}); err == nil {
		t.Error("an offset before the log was set")
	}
	if err := SetOffsets(t.Context(), k.kafka, k.config,
		[]consumer.OffsetChange{{Topic: testTopic, Partition: 0, Offset: 7}}); err != nil {
		t.Fatal(err)
	}
	again := consumertest.Read(t, b.Open(), consumertest.AckAll)
	again.Want("7", "8", "9")
	again.Stop()
	want := []consumer.OffsetInfo{{Topic: testTopic, Committed: 10, Start: 7, End: 10},
		{Topic: testTopic, Partition: 1, Committed: 1, End: 1}}
	if got := b.offsets(b.config()); !slices.Equal(got, want) {
		t.Errorf("offsets %v, want %v", got, want)
	}
}

// Where the configuration says so, reading goes on behind a gap at once, which is counted, also where it opens while
// messages are in flight.
func TestKafkaGapIsSkipped(t *testing.T) {
	t.Parallel()
	b := startKafka(t)
	b.Publish(numbers(0, 10)...)
	b.setOffset(0, 3)
	b.deleteBefore(0, 7)
	config := b.config()
	config.OnGap = consumer.GapSkip
	k := b.openWith(config)
	r := consumertest.Read(t, k, consumertest.AckAll)
	r.Want("7", "8", "9")
	r.Stop()
	if n := testutil.ToFloat64(k.metrics.lost); n != 4 {
		t.Errorf("%v records are counted as lost, want 4", n)
	}
	if got := b.offsets(config)[0]; got.Committed != 10 || got.Lost() != 0 {
		t.Errorf("offsets %+v", got)
	}
}

func TestKafkaGapIsSkippedWhileMessagesAreInHand(t *testing.T) {
	t.Parallel()
	b := startKafka(t)
	for i := range 60 {
		b.Publish(fmt.Sprintf("%d %s", i, strings.Repeat("x", 100<<10)))
	}
	release := make(chan struct{})
	config := b.config()
	config.OnGap = consumer.GapSkip
	k := b.openWith(config)
	r := consumertest.Read(t, k, consumertest.AckAfter(release))
	consumertest.Eventually(t, "a chunk is fetched ahead",
		func() bool { g := k.generation.Load(); return g != nil && g.memory.Reserved() > int64(g.fetchSize)*3/2 })
	b.deleteBefore(0, 50)
	close(release)
	consumertest.Eventually(t, "the end of the log is read",
		func() bool { v := r.Values(); return len(v) > 0 && strings.HasPrefix(v[len(v)-1], "59 ") })
	lost := 60 - len(r.Values())
	r.Stop()
	if n := testutil.ToFloat64(k.metrics.lost); lost == 0 || n != float64(lost) {
		t.Errorf("%v records are counted as lost, want %d", n, lost)
	}
	if got := b.offsets(config)[0]; got.Committed != 60 {
		t.Errorf("offsets %+v", got)
	}
}

func TestKafkaCommittedAboveTheLog(t *testing.T) {
	t.Parallel()
	b := startKafka(t, kfake.SeedTopics(2, testTopic))
	b.publishTo(0, "a")
	b.publishTo(1, "other")
	b.setOffset(0, 99)
	if got := b.offsets(b.config())[0]; got.Lost() != 98 || got.Lag() != 0 {
		t.Errorf("lost %d, lag %d", got.Lost(), got.Lag())
	}
	k := b.openWith(b.config())
	r := consumertest.Read(t, k, consumertest.AckAll)
	r.Want("other")
	if why := k.halted(t, 0); why.reason != stopAboveLog || why.offset != 99 || why.end != 1 || why.lost != 98 {
		t.Errorf("halted: %+v", why)
	}
	r.Stop()
}

// The log is deleted under a reader that is held up: what it has fetched is handed over, and what it has not is
// counted.
func TestKafkaLogDeletedWhileHeldUp(t *testing.T) {
	t.Parallel()
	b := startKafka(t)
	const n = 60
	for i := range n {
		b.Publish(fmt.Sprintf("%d %s", i, strings.Repeat("x", 100<<10)))
	}
	release := make(chan struct{})
	k := b.openWith(b.config())
	r := consumertest.Read(t, k, consumertest.AckAfter(release))
	consumertest.Eventually(t, "a chunk is fetched ahead",
		func() bool { g := k.generation.Load(); return g != nil && g.memory.Reserved() > int64(g.fetchSize)*3/2 })
	b.deleteBefore(0, 50)
	close(release)
	why := k.halted(t, 0)
	consumertest.Eventually(t, "everything that was fetched is handed over",
		func() bool { return int64(len(r.Values())) == why.offset })
	if why.reason != stopBelowLog || why.start != 50 || why.lost != 50-why.offset || why.offset == 0 ||
		why.offset >= 50 {
		t.Errorf("halted: %+v", why)
	}
	r.Stop()
}

// A byte is flipped on the way, twice: it is noticed, fetched again, and what is handed over is what was published.
func TestKafkaFlippedByte(t *testing.T) {
	t.Parallel()
	w := &damage{}
	b := startKafka(t, kfake.ListenFn(w.listen))
	w.flips.Store(2)
	b.Publish("1", marker, "3")
	k := b.openWith(b.config())
	r := consumertest.Read(t, k, consumertest.AckAll)
	r.Want("1", marker, "3")
	r.Stop()
	if w.flipped.Load() != 2 || k.failures(reasonCorrupt) != 2 {
		t.Errorf("%d bytes flipped, %d noticed", w.flipped.Load(), k.failures(reasonCorrupt))
	}
}

// Damage that stays stops the partition at its place; the other one goes on, and nothing behind the damage is handed
// over.
func TestKafkaDamageThatStays(t *testing.T) {
	t.Parallel()
	w := &damage{}
	b := startKafka(t, kfake.SeedTopics(2, testTopic), kfake.ListenFn(w.listen))
	w.flips.Store(1 << 30)
	b.publishTo(0, "1")
	b.publishTo(0, marker, "3")
	b.publishTo(0, "4")
	k := b.openWith(b.config())
	r := consumertest.Read(t, k, consumertest.AckAll)
	why := k.halted(t, 0)
	if why.reason != stopCorrupt || why.offset != 1 || why.resume != 3 || !strings.Contains(why.detail, "checksum") {
		t.Errorf("halted: %+v", why)
	}
	b.publishTo(1, "other")
	r.Want("1", "other")
	r.Stop()
	if got := b.offsets(b.config())[0].Committed; got != 1 {
		t.Errorf("committed %d, want 1", got)
	}
	if w.flipped.Load() < 4 {
		t.Errorf("only %d bytes were flipped", w.flipped.Load())
	}
}

// Aborted transactions and the markers of any are never handed over; their offsets are committed all the same.
func TestKafkaTransactions(t *testing.T) {
	t.Parallel()
	testTransactions(t, startKafka(t))
}

func TestRealKafkaTransactions(t *testing.T) {
	t.Parallel()
	testTransactions(t, realKafka(t, 1))
}

func testTransactions(t *testing.T, b *testBed) {
	one := b.producer(kgo.TransactionalID("one-" + b.topic))
	two := b.producer(kgo.TransactionalID("two-" + b.topic))
	say := func(client *kgo.Client, values ...string) {
		t.Helper()
		for _, v := range values {
			if err := client.ProduceSync(t.Context(), &kgo.Record{Topic: b.topic,
				Value: []byte(v)}).FirstErr(); err != nil {
				t.Fatal(err)
			}
		}
	}
	begin := func(clients ...*kgo.Client) {
		for _, client := range clients {
			if err := client.BeginTransaction(); err != nil {
				t.Fatal(err)
			}
		}
	}
	end := func(client *kgo.Client, how kgo.TransactionEndTry) {
		if err := client.EndTransaction(t.Context(), how); err != nil {
			t.Fatal(err)
		}
	}
	begin(one, two)
	say(one, "aborted 1")
	say(two, "kept 1")
	b.Publish("plain 1")
	say(one, "aborted 2")
	end(one, kgo.TryAbort)
	say(two, "kept 2")
	begin(one)
	say(one, "kept 3")
	end(two, kgo.TryCommit)
	end(one, kgo.TryCommit)
	b.Publish("plain 2")
	begin(two)
	say(two, "aborted 3")
	end(two, kgo.TryAbort)

	r := consumertest.Read(t, b.Open(), consumertest.AckAll)
	r.Want("kept 1", "plain 1", "kept 2", "kept 3", "plain 2")
	consumertest.Eventually(t, "the markers are passed", func() bool { return b.offsets(b.config())[0].Lag() == 0 })
	r.Stop()
	if o := b.offsets(b.config())[0]; o.End != 12 { // 8 records and 4 markers
		t.Errorf("the log ends at %d: the test has not made what it reads", o.End)
	}
	k := b.connect()
	var read []string
	for _, at := range b.readExtent(k, b.extents(k, consumer.Bounds{})[0]) {
		value, _, _ := strings.Cut(at, "@") // a broker writes a marker before or after what comes next
		read = append(read, value)
	}
	if want := []string{"kept 1", "plain 1", "kept 2", "kept 3", "plain 2"}; !slices.Equal(read, want) {
		t.Errorf("read beside the group: %q, want %q", read, want)
	}
}

// A compacted log has holes, batches without records and batches that end behind their last record.
func TestKafkaCompactedLog(t *testing.T) {
	t.Parallel()
	b := startKafka(t)
	b.Publish(numbers(0, 20)...) // so that the log is as long as the compacted one
	batches := []recordtest.Batch{
		{Base: 0, Producer: -1, Records: []recordtest.Record{{Delta: 0, Value: []byte("a")},
			{Delta: 1, Value: []byte("b")}}},
		{Base: 2, Producer: -1, LastDelta: 3},
		{Base: 6, Producer: -1, LastDelta: 1},
		{Base: 10, Producer: -1, LastDelta: 5, Records: []recordtest.Record{{Delta: 1, Value: []byte("c")},
			{Delta: 3, Key: []byte("tombstone")}}},
		{Base: 17, Producer: -1, LastDelta: 2, Records: []recordtest.Record{{Delta: 0, Value: []byte("d")}}},
	}
	var fetches atomic.Int64
	b.cluster.ControlKey(int16(kmsg.Fetch), func(req kmsg.Request) (kmsg.Response, error, bool) {
		b.cluster.KeepControl()
		fetches.Add(1)
		asked := req.(*kmsg.FetchRequest)
		res := asked.ResponseKind().(*kmsg.FetchResponse)
		topic := kmsg.NewFetchResponseTopic()
		topic.Topic = testTopic
		p := kmsg.NewFetchResponseTopicPartition()
		p.HighWatermark, p.LastStableOffset = 20, 20
		from := asked.Topics[0].Partitions[0].FetchOffset
		for _, tb := range batches {
			// One batch an answer, as a broker with small limits gives them.
			if last := tb.Base + int64(max(tb.LastDelta, 1)); last >= from && len(p.RecordBatches) == 0 {
				p.RecordBatches = tb.Encode()
			}
		}
		topic.Partitions = append(topic.Partitions, p)
		res.Topics = append(res.Topics, topic)
		if len(p.RecordBatches) == 0 {
			time.Sleep(50 * time.Millisecond)
		}
		return res, nil, true
	})
	began := time.Now()
	r := consumertest.Read(t, b.Open(), consumertest.AckAll)
	r.Want("a", "b", "c", "", "d")
	consumertest.Eventually(t, "the end of the log is committed",
		func() bool { return b.offsets(b.config())[0].Committed == 20 })
	r.Stop()
	if n := fetches.Load(); n > 50+int64(time.Since(began)/(50*time.Millisecond)) {
		t.Errorf("%d fetches for five batches", n)
	}
}

func TestKafkaCompressedBatches(t *testing.T) {
	t.Parallel()
	b := startKafka(t)
	var want []string
	for name, codec := range map[string]kgo.CompressionCodec{
		"gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(),
		"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
	} {
		client := b.producer(kgo.ProducerBatchCompression(codec))
		for i := range 20 {
			value := fmt.Sprintf("%s %d %s", name, i, strings.Repeat("again and ", 500))
			want = append(want, value)
			if err := client.ProduceSync(t.Context(), &kgo.Record{Topic: testTopic,
				Value: []byte(value)}).FirstErr(); err != nil {
				t.Fatal(err)
			}
		}
	}
	r := consumertest.Read(t, b.Open(), consumertest.AckAll)
	consumertest.Eventually(t, "everything is read", func() bool { return len(r.Values()) == len(want) })
	if !slices.Equal(r.Values(), want) {
		t.Error("what was read differs from what was published")
	}
	r.Stop()
}
