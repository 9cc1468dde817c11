package jetstream

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/ciobridge/ciobridge/consumer"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/checkertest"
	"github.com/ciobridge/ciobridge/internal/longtest"
)

// partitioned has the server divide the subjects events.<person> by person, into so many partitions.
func (s *natsServer) partitioned(n int) Config {
	s.t.Helper()
	stream := s.stream().CachedInfo().Config
	stream.Subjects = []string{"events.*"}
	stream.SubjectTransform = &jetstream.SubjectTransformConfig{
		Source: "events.*", Destination: fmt.Sprintf("events.{{partition(%d,1)}}.{{wildcard(1)}}", n),
	}
	if _, err := s.client.JetStream().UpdateStream(s.t.Context(), stream); err != nil {
		s.t.Fatal(err)
	}
	cfg := fastConfig()
	cfg.Streams = []StreamConfig{{Name: "EVENTS"}}
	for i := range n {
		cfg.Streams[0].Partitions = append(cfg.Streams[0].Partitions, []string{fmt.Sprintf("events.%d.*", i)})
	}
	return cfg
}

// durables are the consumers of the partitions.
func (s *natsServer) durables(cfg Config) []*jetstream.ConsumerInfo {
	s.t.Helper()
	var infos []*jetstream.ConsumerInfo
	for _, p := range cfg.partitions() {
		c, err := s.client.JetStream().Consumer(s.t.Context(), p.stream, p.durable)
		if err != nil {
			return nil // not made yet
		}
		infos = append(infos, c.CachedInfo())
	}
	return infos
}

func (s *natsServer) allFinished(cfg Config) bool {
	infos := s.durables(cfg)
	return len(infos) > 0 && !slices.ContainsFunc(infos,
		func(i *jetstream.ConsumerInfo) bool { return i.NumPending > 0 || i.NumAckPending > 0 })
}

// sink is where the events of persons take effect, whichever replica delivers them.
type sink struct {
	mu        sync.Mutex
	published []checkertest.Published
	receipts  []checkertest.Receipt
	newest    map[int32]uint64 // the last sequence of each partition
}

// publishRound publishes one event of each person.
func (m *sink) publishRound(s *natsServer, persons int, seq int) {
	s.t.Helper()
	for i := range persons {
		person := fmt.Sprintf("p%d", i)
		s.store("events."+person, fmt.Append(nil, seq))
		m.published = append(m.published, checkertest.Published{Person: person, Seq: seq})
	}
}

// sinkReplica is a replica whose messages take effect when they are delivered, while their lease holds, and are acked a
// little later.
type sinkReplica struct {
	sink   *sink
	lanes  sync.WaitGroup
	ended  chan error
	cancel context.CancelFunc
	*replica
}

func (m *sink) startReplica(s *natsServer, cfg Config) *sinkReplica {
	ctx, cancel := context.WithCancel(context.Background())
	r := &sinkReplica{sink: m, replica: s.replica(cfg), cancel: cancel, ended: make(chan error, 1)}
	go func() { r.ended <- r.source.Consume(ctx, r.handle) }()
	s.t.Cleanup(func() { r.leave() })
	return r
}

func (r *sinkReplica) handle(lease event.Lease, m *event.Message, done func()) error {
	r.sink.mu.Lock()
	defer r.sink.mu.Unlock()
	if d, _ := lease.Deadline(); lease.Err() != nil || !time.Now().Before(d) {
		return context.Canceled
	}
	person := m.Origin.Subject[strings.LastIndexByte(m.Origin.Subject, '.')+1:]
	var seq int
	if _, err := fmt.Sscan(string(m.Value), &seq); err != nil {
		return err
	}
	r.sink.receipts = append(r.sink.receipts, checkertest.Receipt{Person: person, Seq: seq, ID: m.Origin.String(),
		Taken: true})
	r.sink.newest[m.Origin.Partition] = max(r.sink.newest[m.Origin.Partition], uint64(m.Origin.Offset))
	r.lanes.Go(func() {
		time.Sleep(time.Duration(rand.IntN(20)) * time.Millisecond)
		done()
	})
	return nil
}

// leave stops the replica, unless it has been; kill ends it without a word to the server.
func (r *sinkReplica) leave() {
	r.cancel()
	if err := <-r.ended; err != nil {
		r.t.Errorf("consume: %v", err)
	}
	r.ended <- nil
	r.lanes.Wait()
	r.conn.Close()
}

func (r *sinkReplica) kill() {
	r.conn.Close()
	r.leave()
}

func (r *sinkReplica) activeCount() int {
	n := 0
	for _, state := range r.source.States() {
		if state == string(stateActive) {
			n++
		}
	}
	return n
}

// Four partitions are shared by two replicas, evenly after a moment. One is killed and its share goes to the other;
// then a third joins and the other stops. Nobody's events are lost or out of order, and every floor is where its
// partition ends.
func TestJetStreamPartitionsAreShared(t *testing.T) {
	longtest.Only(t)
	t.Parallel()
	s := startNATS(t)
	cfg := s.partitioned(4)
	m := &sink{newest: map[int32]uint64{}}
	const persons = 20
	seq := 0
	publishUntil := func(until func() bool) { // events come all the time, since a pin is given with a message
		t.Helper()
		for end := time.Now().Add(15 * time.Second); !until(); time.Sleep(10 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatal("the shares did not become as they should")
			}
			seq++
			m.publishRound(s, persons, seq)
		}
	}

	a := m.startReplica(s, cfg)
	publishUntil(func() bool { return a.activeCount() == 4 })
	b := m.startReplica(s, cfg)
	publishUntil(func() bool { return a.activeCount() == 2 && b.activeCount() == 2 })
	if n := a.metric("ciobridge_stream_turns_total", "reason", "handed_over"); n != 2 {
		t.Errorf("%v partitions were handed over, want 2", n)
	}
	a.kill()
	publishUntil(func() bool { return b.activeCount() == 4 })
	c := m.startReplica(s, cfg)
	publishUntil(func() bool { return b.activeCount() == 2 && c.activeCount() == 2 })
	b.leave()
	publishUntil(func() bool { return c.activeCount() == 4 })
	waitUntil(t, "everything is acknowledged", func() bool { return s.allFinished(cfg) })

	for i, info := range s.durables(cfg) {
		if info.AckFloor.Stream != m.newest[int32(i)] {
			t.Errorf("the floor of partition %d is %d, want %d", i, info.AckFloor.Stream, m.newest[int32(i)])
		}
	}
	report := checkertest.Check(checkertest.History{Published: m.published, Receipts: m.receipts},
		checkertest.Limits{Fallbacks: true, Repeats: -1})
	for _, p := range report.Problems {
		t.Error(p)
	}
	if report.Accepted != persons*seq {
		t.Errorf("%d events were accepted, want %d", report.Accepted, persons*seq)
	}
}

// The budget's share follows the replicas.
func TestJetStreamTellsReplicas(t *testing.T) {
	t.Parallel()
	s := startNATS(t)
	cfg := s.partitioned(2)
	var mu sync.Mutex
	var told []int
	m := &sink{newest: map[int32]uint64{}}
	first := s.replica(cfg)
	first.source.OnReplicas(func(n int) {
		mu.Lock()
		defer mu.Unlock()
		told = append(told, n)
	})
	first.start()
	tells := func(want ...int) func() bool {
		return func() bool {
			mu.Lock()
			defer mu.Unlock()
			return slices.Equal(told, want)
		}
	}
	waitUntil(t, "it is alone", tells(1))
	second := m.startReplica(s, cfg)
	waitUntil(t, "they are two", tells(1, 2))
	third := m.startReplica(s, cfg)
	waitUntil(t, "three are known", func() bool {
		return strings.Count(fmt.Sprint(third.source.group.lastMembers()), "-replica-") == 3
	})
	second.kill()
	third.leave()
	waitUntil(t, "it is alone again", tells(1, 2, 1)) // two partitions are never divided among three
	first.stop()
}

// Another number of partitions is refused while the durables of before stand, whatever they have finished, in either
// direction; and the way that the refusal tells leads on, with nothing lost and nothing twice.
func TestJetStreamDividedAnew(t *testing.T) {
	t.Parallel()
	s := startNATS(t)
	m := &sink{newest: map[int32]uint64{}}
	whole := fastConfig()
	m.publishRound(s, 5, 1)
	r := m.startReplica(s, whole)
	waitUntil(t, "all is finished", func() bool { return s.allFinished(whole) })
	r.leave()

	four := s.partitioned(4)
	refused := func(cfg Config, durables ...string) {
		t.Helper()
		r := s.replica(cfg)
		defer r.conn.Close()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		err := r.source.Consume(ctx, r.handle)
		var division *DivisionError
		if !errors.As(err, &division) || !slices.Equal(division.Durables, durables) || len(r.seen()) > 0 {
			t.Fatalf("it is not refused: %v", err)
		}
	}
	refused(four, "ciobridge")
	if err := s.client.JetStream().DeleteConsumer(t.Context(), "EVENTS", "ciobridge"); err != nil {
		t.Fatal(err)
	}
	m.publishRound(s, 5, 2)
	var changes []consumer.OffsetChange
	for i := range 4 {
		changes = append(changes, consumer.OffsetChange{Topic: "EVENTS", Partition: int32(i), Offset: 6})
	}
	if err := SetOffsets(t.Context(), s.client, four, changes); err != nil {
		t.Fatal(err)
	}
	r = m.startReplica(s, four)
	waitUntil(t, "all is finished", func() bool { return s.allFinished(four) })
	offsets, err := Offsets(t.Context(), s.client, four)
	if err != nil || len(offsets) != 4 {
		t.Fatalf("%v, %v", offsets, err)
	}
	for i, o := range offsets {
		if int(o.Partition) != i || o.Lag() != 0 || o.Lost() != 0 {
			t.Errorf("partition %d is at %+v", i, o)
		}
	}
	if err := SetOffsets(t.Context(), s.client, four, changes[:1]); !errors.Is(err, ErrStreamRead) {
		t.Errorf("setting the offset under a reader gives %v", err)
	}
	r.leave()
	report := checkertest.Check(checkertest.History{Published: m.published, Receipts: m.receipts}, checkertest.Limits{})
	for _, p := range report.Problems {
		t.Error(p)
	}

	names := []string{"ciobridge-0-of-4", "ciobridge-1-of-4", "ciobridge-2-of-4", "ciobridge-3-of-4"}
	refused(whole, names...)
	refused(s.partitioned(8), names...)
	swapped := s.partitioned(4)
	p := swapped.Streams[0].Partitions
	p[0], p[1] = p[1], p[0]
	refused(swapped, names...)
}

func TestJetStreamPartitionsValidate(t *testing.T) {
	for name, tc := range map[string]struct {
		stream StreamConfig
		want   string
	}{
		"beside subjects": {StreamConfig{Subjects: []string{"a"}, Partitions: [][]string{{"b"}}},
			"streams[0].partitions: cannot stand beside subjects"},
		"the same": {StreamConfig{Partitions: [][]string{{"a"}, {"a"}}},
			"streams[0].partitions[1]: overlaps a subject of streams[0].partitions[0]"},
		"a star":        {StreamConfig{Partitions: [][]string{{"e.*.x"}, {"e.1.*"}}}, "overlaps"},
		"a tail":        {StreamConfig{Partitions: [][]string{{"e.>"}, {"e.1.2.3"}}}, "overlaps"},
		"within one":    {StreamConfig{Partitions: [][]string{{"e.1", "e.*"}}}, "overlaps"},
		"nothing":       {StreamConfig{Partitions: [][]string{{"a"}, nil}}, "partitions[1]: names no subject"},
		"no subject":    {StreamConfig{Partitions: [][]string{{"a..b"}}}, "partitions[0]: is not a subject"},
		"a tail inside": {StreamConfig{Partitions: [][]string{{"a.>.b"}}}, "partitions[0]: is not a subject"},
		"apart": {StreamConfig{Partitions: [][]string{{"e.0.>"}, {"e.1.>", "e.2"}, {"e"}, {"f.*.1"},
			{"f.*.2.>"}}}, ""},
	} {
		cfg := fastConfig()
		tc.stream.Name = "EVENTS"
		cfg.Streams = []StreamConfig{tc.stream}
		err := cfg.Validate()
		if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A floor below a message that is in flight is kept by the server although what lies between is not read here.
func TestJetStreamFloorBeforeAHole(t *testing.T) {
	longtest.Only(t)
	t.Parallel()
	s := startNATS(t)
	for i, subject := range []string{"events.a", "events.b", "events.a", "events.b", "events.b", "events.a"} {
		if _, err := s.client.JetStream().Publish(t.Context(), subject, fmt.Append(nil, i+1)); err != nil {
			t.Fatal(err)
		}
	}
	cfg := fastConfig()
	cfg.Streams[0].Subjects = []string{"events.a"}
	r := s.replica(cfg)
	r.autoAck = func(seq int64) bool { return seq == 1 }
	r.start()
	waitUntil(t, "the floor is 1", func() bool { return r.last() == 6 && s.ackFloor() == 1 })
	r.ack(3)
	waitUntil(t, "the floor is 3", func() bool { return s.ackFloor() == 3 })
	s.restart()
	waitUntil(t, "the rest comes again", func() bool { return len(r.seen()) == 4 })
	wantSeen(t, "the reader", r.seen(), []int64{1, 3, 6, 6})
	r.waitForProofs(1) // which compare the floor too
	if n := r.metric("ciobridge_stream_turns_total", "reason", "floor_went_back"); n != 0 {
		t.Errorf("%v sessions ended because the floor went back", n)
	}
	r.ack(6)
	waitUntil(t, "the floor is 6", func() bool { return s.ackFloor() == 6 })
}

// However many there are, all have as many parts as any other or one more, and few parts move.
func TestDivide(t *testing.T) {
	var members []string
	var before []string
	for n := 1; n <= 12; n++ {
		members = append(members, fmt.Sprintf("replica-%d", n))
		owners := assignPartitions(members, 16)
		has := map[string]int{}
		moved := 0
		for i, owner := range owners {
			has[owner]++
			if before != nil && before[i] != owner {
				moved++
			}
		}
		for _, m := range members {
			if has[m] < 16/n || has[m] > 16/n+1 {
				t.Errorf("of %d members %s has %d parts", n, m, has[m])
			}
		}
		if len(has) != n || before != nil && moved > 10 {
			t.Errorf("%d members, %d parts moved when the last came", len(has), moved)
		}
		before = owners
	}
}
