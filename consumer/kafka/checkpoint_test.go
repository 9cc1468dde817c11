package kafka

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/ciobridge/ciobridge/consumer"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/consumertest"
	"github.com/ciobridge/ciobridge/internal/longtest"
)

// allBut acks every message but those named.
func allBut(open ...string) func(event.Lease, string, func()) error {
	return func(_ event.Lease, value string, done func()) error {
		if !slices.Contains(open, value) {
			done()
		}
		return nil
	}
}

// checkpointFor is what stands in the commit for partition 0.
func (b *testBed) checkpointFor(k *Source) (checkpoint, error) {
	m := newMember(&k.config, k.cluster)
	defer m.close()
	all, err := m.checkpoints(b.t.Context(), map[string]int{b.topic: 1})
	return all[partitionKey{b.topic, 0}], err
}

// One message is not finished. What stands behind it and is done is committed with the offset, soon and without the
// offset having moved, and whoever reads next leaves it out; and so does the one after that, which has not come to read
// all of it.
func TestKafkaLeavesOutWhatIsDone(t *testing.T) {
	t.Parallel()
	b := startKafka(t)
	b.Publish(numbers(0, 10)...)
	first := b.openWith(b.config())
	r := consumertest.Read(t, first, allBut("3", "7"))
	r.Want(numbers(0, 10)...)
	consumertest.Eventually(t, "what is done is committed", func() bool {
		o := b.offsets(b.config())[0]
		return o.Committed == 3 && o.Done == 5
	})
	b.Publish("10")
	consumertest.Eventually(t, "what is done later is too", func() bool { return b.offsets(b.config())[0].Done == 6 })
	r.Stop()
	second := b.openWith(b.config())
	r = consumertest.Read(t, second, func(event.Lease, string, func()) error {
		if c, err := b.checkpointFor(second); err != nil || c.reader != second.reader {
			t.Errorf("a message is handed over while the commit is %q's, not %q's (%v)", c.reader, second.reader, err)
		}
		return nil
	})
	r.Want("3", "7")
	r.Stop()
	if o := b.offsets(b.config())[0]; o.Committed != 3 || o.Done != 6 {
		t.Errorf("the second reader leaves behind offset %d and %d done", o.Committed, o.Done)
	}
	b.Publish("11")
	third := b.openWith(b.config())
	r = consumertest.Read(t, third, consumertest.AckAll)
	r.Want("3", "7", "11")
	consumertest.Eventually(t, "everything is committed",
		func() bool { return b.offsets(b.config())[0].Committed == 12 })
	r.Stop()
	if n := testutil.ToFloat64(third.metrics.skipped); n != 6 {
		t.Errorf("%v records are counted as left out, want 6", n)
	}
}

// An offset that an operator has set is read from, whatever was done behind it.
func TestKafkaReadsAgainFromASetOffset(t *testing.T) {
	t.Parallel()
	b := startKafka(t)
	b.Publish(numbers(0, 10)...)
	r := consumertest.Read(t, b.Open(), allBut("3"))
	r.Want(numbers(0, 10)...)
	r.Stop()
	k := b.openWith(b.config())
	if err := SetOffsets(t.Context(), k.kafka, k.config,
		[]consumer.OffsetChange{{Topic: testTopic, Offset: 3}}); err != nil {
		t.Fatal(err)
	}
	r = consumertest.Read(t, k, consumertest.AckAll)
	r.Want(numbers(3, 10)...)
	r.Stop()
}

// expulsion is a source whose commits fail from a time on and which then loses its membership: what it has acked is not
// committed. It comes back once rejoin is closed.
type expulsion struct {
	*testBed
	k      *Source
	r      *consumertest.Reading
	late   func()        // makes message 8 done
	rejoin chan struct{} // lets the source join again
}

// expel makes one. Messages 0 to 9 are read and, but for 6 and 8, acked; the commit says less.
func expel(t *testing.T) *expulsion {
	t.Helper()
	x := &expulsion{testBed: startKafka(t), rejoin: make(chan struct{})}
	x.session = 2 * time.Second
	var failing, expelled atomic.Bool
	gone := make(chan struct{})
	x.control(commitKey, func(req kmsg.Request) kmsg.Response {
		if commit := req.(*kmsg.OffsetCommitRequest); failing.Load() && commit.Generation >= 0 {
			res, _ := commitRefused(kerr.RequestTimedOut.Code)(commit)
			return res
		}
		return nil
	})
	x.control(heartbeatKey, func(req kmsg.Request) kmsg.Response {
		res := req.ResponseKind().(*kmsg.HeartbeatResponse)
		if res.ErrorCode = kerr.UnknownMemberID.Code; !expelled.Load() {
			return nil
		}
		return res
	})
	x.control(joinKey, func(req kmsg.Request) kmsg.Response {
		if !expelled.Load() {
			return nil
		}
		select {
		case <-gone:
		default:
			close(gone)
		}
		select {
		case <-x.rejoin:
			expelled.Store(false)
			failing.Store(false)
			return nil
		default:
		}
		res := req.ResponseKind().(*kmsg.JoinGroupResponse)
		res.ErrorCode = kerr.CoordinatorLoadInProgress.Code
		return res
	})
	x.k = x.openWith(x.config())
	late := make(chan func(), 1)
	x.r = consumertest.Read(t, x.k, func(_ event.Lease, value string, done func()) error {
		switch {
		case value == "6":
			return nil // never
		case value == "8" && !expelled.Load():
			late <- done
			return nil
		}
		done()
		return nil
	})
	x.Publish("0")
	x.r.Want("0")
	consumertest.Eventually(t, "the first is committed", func() bool { return x.offsets(x.config())[0].Committed == 1 })
	failing.Store(true)
	x.Publish(numbers(1, 10)...)
	x.r.Want(numbers(0, 10)...)
	x.late = <-late
	expelled.Store(true)
	<-gone
	if o := x.offsets(x.config())[0]; o.Committed != 1 || o.Done != 0 {
		t.Fatalf("offset %d and %d done are committed", o.Committed, o.Done)
	}
	return x
}

// The numbers of requests.
const (
	joinKey      = 11
	heartbeatKey = 12
)

// control lets answer look at every request of a kind; it answers those that it does not return nil for.
func (b *testBed) control(key int16, answer func(kmsg.Request) kmsg.Response) {
	b.cluster.ControlKey(key, func(req kmsg.Request) (kmsg.Response, error, bool) {
		b.cluster.KeepControl()
		res := answer(req)
		return res, nil, res != nil
	})
}

// The process has lost its membership, and what it did last could not be committed. It comes back to the partition and
// knows what it has done, also what was finished in between.
func TestKafkaRemembersWhatItHasDone(t *testing.T) {
	t.Parallel()
	x := expel(t)
	x.late()
	close(x.rejoin)
	want := append(numbers(0, 10), "6")
	x.r.Want(want...)
	x.Publish("10")
	x.r.Want(append(want, "10")...)
	x.r.Stop()
	if o := x.offsets(x.config())[0]; o.Committed != 6 || o.Done != 4 {
		t.Errorf("offset %d and %d done are committed", o.Committed, o.Done)
	}
}

// While the process was out, somebody else has had the partition, or an operator has set its offset. What the process
// knows counts no more: another may have delivered earlier messages again, which the later ones must follow.
func TestKafkaMemoryEndsWithAnothersCommit(t *testing.T) {
	longtest.Only(t)
	t.Parallel()
	for name, test := range map[string]struct {
		commit checkpoint
		want   []string
	}{
		"another replica": {checkpoint{offset: 1, reader: "another", acked: consumer.AckedRanges{{From: 4, To: 6}}},
			[]string{"1", "2", "3", "6", "7", "8", "9"}},
		"an operator": {checkpoint{offset: 2}, numbers(2, 10)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := expel(t)
			m := newMember(&x.k.config, x.k.cluster)
			defer m.close()
			consumertest.Eventually(t, "the group has no member, so that another can commit", func() bool {
				key := partitionKey{testTopic, 0}
				return m.commit(t.Context(), outside, map[partitionKey]checkpoint{key: test.commit}, maxMetadata) == nil
			})
			x.late()
			close(x.rejoin)
			x.r.Want(append(numbers(0, 10), test.want...)...)
			x.r.Stop()
		})
	}
}

// The topic is deleted and made again while the process is out. Nothing that it has done is in the new log.
func TestKafkaMemoryEndsWithTheLog(t *testing.T) {
	t.Parallel()
	x := expel(t)
	x.deleteTopic()
	x.makeTopic()
	x.Publish(numbers(20, 32)...)
	close(x.rejoin)
	x.r.Want(append(numbers(0, 10), numbers(20, 32)...)...)
	x.r.Stop()
}

// The log has lost its end. What it gets in its place is new, whatever stands in the commit.
func TestKafkaLogEndsBeforeWhatIsDone(t *testing.T) {
	t.Parallel()
	b := startKafka(t)
	b.Publish(numbers(0, 10)...)
	k := b.openWith(b.config())
	if _, err := k.cluster.metadata(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	m := newMember(&k.config, k.cluster)
	key := partitionKey{testTopic, 0}
	lost := map[partitionKey]checkpoint{key: {offset: 2, reader: "another",
		acked: consumer.AckedRanges{{From: 4, To: 6}, {From: 8, To: 12}}}}
	if err := m.commit(t.Context(), outside, lost, maxMetadata); err != nil {
		t.Fatal(err)
	}
	m.close()
	r := consumertest.Read(t, k, consumertest.AckAll)
	r.Want(numbers(2, 10)...)
	b.Publish("10", "11", "12")
	r.Want(numbers(2, 13)...)
	r.Stop()
}

// Brokers that take less metadata than is usual get less: the first of what is done, in the end nothing, and always the
// offset.
func TestKafkaMetadataTooLarge(t *testing.T) {
	t.Parallel()
	for _, most := range []int{300, 60, 10} {
		for _, code := range []int16{kerr.OffsetMetadataTooLarge.Code, kerr.InvalidCommitOffsetSize.Code} {
			t.Run(fmt.Sprintf("%d bytes, code %d", most, code), func(t *testing.T) {
				t.Parallel()
				if (most > 60) != (code == kerr.OffsetMetadataTooLarge.Code) || most == 60 {
					longtest.Only(t)
				}
				testMetadataTooLarge(t, most, code)
			})
		}
	}
}

func testMetadataTooLarge(t *testing.T, most int, code int16) {
	b := startKafka(t)
	var refused, taken atomic.Int64
	b.control(commitKey, func(req kmsg.Request) kmsg.Response {
		commit := req.(*kmsg.OffsetCommitRequest)
		if text := commit.Topics[0].Partitions[0].Metadata; text == nil || len(*text) <= most {
			taken.Store(commit.Topics[0].Partitions[0].Offset)
			return nil
		}
		refused.Add(1)
		res, _ := commitRefused(code)(commit)
		return res
	})
	b.Publish(numbers(0, 2000)...)
	k := b.openWith(b.config())
	r := consumertest.Read(t, k, func(_ event.Lease, value string, done func()) error {
		if n, _ := strconv.Atoi(value); n%2 == 1 || n < 100 {
			done()
		}
		return nil
	})
	consumertest.Eventually(t, "everything is read", func() bool { return len(r.Values()) == 2000 })
	consumertest.Eventually(t, "the offset is committed", func() bool { return taken.Load() == 100 })
	r.Stop()
	o := b.offsets(b.config())[0]
	if refused.Load() == 0 || o.Committed != 100 || o.Done > 300 || most == 300 && o.Done < 20 {
		t.Errorf("%d bytes of metadata: %d commits were refused, then %d with %d done was taken",
			most, refused.Load(), o.Committed, o.Done)
	}
	again := b.openWith(b.config())
	r = consumertest.Read(t, again, consumertest.AckAll)
	consumertest.Eventually(t, "the rest is read", func() bool { return int64(len(r.Values())) == 1900-o.Done })
	r.Stop()
}

func TestCommittedMetadata(t *testing.T) {
	const log = "cluster/topic/0"
	for _, c := range []checkpoint{
		{offset: 7}, {offset: 0, partitions: 12}, {offset: 7, partitions: 3, reader: "me"},
		{offset: 7, partitions: 3, reader: "me", acked: consumer.AckedRanges{{From: 7, To: 9}, {From: 100, To: 200}}},
	} {
		if got := parseCheckpoint(log, c.offset, c.metadata(log, maxMetadata)); !reflect.DeepEqual(got, c) {
			t.Errorf("%+v is read as %+v", c, got)
		}
	}
	for _, foreign := range []string{"", "something else", metadataPrefix, metadataPrefix + "-1",
		metadataPrefix + "x reader=me", " reader=me"} {
		if got := parseCheckpoint(log, 7, foreign); !reflect.DeepEqual(got, checkpoint{offset: 7}) {
			t.Errorf("%q is read as %+v", foreign, got)
		}
	}
	r := rand.New(rand.NewPCG(5, 5))
	for range 500 {
		c := checkpoint{offset: r.Int64N(1 << 40), partitions: r.IntN(5000), reader: newReaderID()}
		c.acked = randomRanges(r, c.offset, r.IntN(3000))
		limit := r.IntN(maxMetadata + 1)
		text := c.metadata(log, limit)
		got := parseCheckpoint(log, c.offset, text)
		if len(text) > limit || text != "" && (got.reader != c.reader || got.partitions != c.partitions) ||
			!slices.Equal(got.acked, c.acked[:len(got.acked)]) {
			t.Fatalf("%d of %d bytes are read as %+v", len(text), limit, got)
		}
	}
	old := metadataPrefix + "12" // what bridges wrote that knew of nothing else
	if got := parseCheckpoint(log, 7, old); got.partitions != 12 {
		t.Errorf("%q is read as %+v", old, got)
	}
}

// randomRanges makes n ranges past a committable offset.
func randomRanges(r *rand.Rand, committable int64, n int) (acked consumer.AckedRanges) {
	end := committable
	for range n {
		from := end + 1 + r.Int64N(300)
		end = from + 1 + r.Int64N(300)
		acked = append(acked, consumer.Range{From: from, To: end})
	}
	return acked
}
