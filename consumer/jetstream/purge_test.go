package jetstream

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/ciobridge/ciobridge/consumer"
	"github.com/ciobridge/ciobridge/internal/longtest"
)

// What goes from the stream while nobody reads stops the reading with an exact count, whatever took it: the server
// moves the consumer's floor along as if it had been read. The command tells the same, and its skip is the way on.
func TestJetStreamPurgedWhileAway(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		take func(s *natsServer)
		lost uint64
	}{
		"to a sequence":          {func(s *natsServer) { s.purge(jetstream.WithPurgeSequence(5)) }, 2},
		"all":                    {func(s *natsServer) { s.purge() }, 4},
		"a subject at the front": {func(s *natsServer) { s.purge(jetstream.WithPurgeSubject("events.front")) }, 2},
		"one by one":             {func(s *natsServer) { s.deleteMessages(1, 2, 3, 4) }, 2},
		"more than it may keep": {func(s *natsServer) {
			s.limit(func(c *jetstream.StreamConfig) { c.MaxMsgs = 2 })
		}, 2},
		"older than it may keep": {func(s *natsServer) {
			s.limit(func(c *jetstream.StreamConfig) { c.MaxAge = 100 * time.Millisecond; c.Duplicates = c.MaxAge })
		}, 4},
		"with the consumer deleted": {func(s *natsServer) {
			s.purge(jetstream.WithPurgeSequence(5))
			s.deleteConsumer()
		}, 2},
		"with the server restarted": {func(s *natsServer) { s.purge(jetstream.WithPurgeSequence(5)); s.restart() }, 2},
		"also what was read already": {func(s *natsServer) {
			s.deleteMessages(1)
			s.purge(jetstream.WithPurgeSequence(6))
		}, 3},
	} {
		for _, policy := range []consumer.GapPolicy{consumer.GapStop, consumer.GapSkip} {
			t.Run(name+"/"+string(policy), func(t *testing.T) {
				t.Parallel()
				if policy == consumer.GapSkip || name != "all" && name != "one by one" {
					longtest.Only(t)
				}
				s := startNATS(t)
				s.publishTo("events.front", 1, 2)
				r := s.replica(fastConfig()).start()
				waitUntil(t, "two are acknowledged", func() bool { return s.ackFloor() == 2 })
				r.stop()
				s.publishTo("events.front", 3, 4)
				s.publish(5, 6)
				c.take(s)
				first := int64(3 + c.lost)
				waitUntil(t, "they are gone", func() bool {
					return s.stream().CachedInfo().State.FirstSeq == uint64(first)
				})
				offsets, err := Offsets(t.Context(), s.client, fastConfig())
				if err != nil || offsets[0].Committed != 3 || offsets[0].Lost() != int64(c.lost) {
					t.Errorf("offsets are %+v, %v", offsets, err)
				}
				next := s.replica(fastConfig()).start()
				gap := wantGap(t, next)
				if gap.From != 3 || gap.To != 2+c.lost || gap.Lost() != c.lost || len(next.seen()) > 0 {
					t.Errorf("the gap is %+v, and %v was read", gap, next.seen())
				}
				if n := next.metric("ciobridge_stream_lost_total"); n != float64(c.lost) {
					t.Errorf("%v are counted as lost, want %d", n, c.lost)
				}
				config := fastConfig()
				if config.OnGap = policy; policy == consumer.GapStop {
					s.goOnAt(first)
				}
				last := s.replica(config).start()
				waitUntil(t, "it reads what is left",
					func() bool { return last.source.Ready() == nil && (first == 7 || last.last() == 6) })
				s.limit(func(c *jetstream.StreamConfig) { c.MaxAge = 0 }) // the next would be too old on a busy machine
				s.publish(7, 7)
				waitUntil(t, "it reads on", func() bool { return last.last() == 7 })
				wantSeen(t, "the reader", last.seen(), sequence(first, 7))
				if n := last.metric("ciobridge_stream_lost_total"); config.OnGap == consumer.GapSkip &&
					n != float64(c.lost) {
					t.Errorf("%v are counted as lost where reading went on, want %d", n, c.lost)
				}
				last.stop()
			})
		}
	}
}

// Messages are in flight when they are purged, for Customer.io is out, and then the process is killed: what it had
// finished beyond the floor is not counted as lost.
func TestJetStreamPurgedInHandThenKilled(t *testing.T) {
	t.Parallel()
	s := startNATS(t)
	s.publish(1, 10)
	r := s.replica(fastConfig())
	r.autoAck = func(seq int64) bool { return seq <= 2 || seq == 5 || seq == 7 }
	r.start()
	waitUntil(t, "what is done is stored", func() bool { return r.last() == 10 && s.stored().acked().Count() == 2 })
	s.purge(jetstream.WithPurgeSequence(9))
	waitUntil(t, "the server has moved its floor", func() bool { return s.ackFloor() == 8 })
	r.crash()
	offsets, err := Offsets(t.Context(), s.client, fastConfig())
	if err != nil || offsets[0].Committed != 3 || offsets[0].Lost() != 4 {
		t.Errorf("offsets are %+v, %v", offsets, err)
	}
	if gap := wantGap(t, s.replica(fastConfig()).start()); gap.From != 3 || gap.To != 8 || gap.Lost() != 4 {
		t.Errorf("the gap is %+v", gap)
	}
}

// A message in flight is deleted: the server then takes everything before it for acknowledged. A reader that comes
// after a kill begins at the bridge's own floor all the same, with a new message to be pinned by and without.
func TestJetStreamDeletedInHandThenKilled(t *testing.T) {
	longtest.Only(t)
	t.Parallel()
	for name, c := range map[string]struct {
		deleted uint64
		want    []int64
	}{
		"in the middle": {6, []int64{3, 4, 5, 7, 8, 9, 10}},
		"the last":      {10, sequence(3, 9)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startNATS(t)
			s.publish(1, 10)
			r := s.replica(fastConfig())
			r.autoAck = func(seq int64) bool { return seq <= 2 }
			r.start()
			waitUntil(t, "ten are in flight", func() bool { return r.last() == 10 && s.ackFloor() == 2 })
			s.deleteMessages(c.deleted)
			waitUntil(t, "the server has moved its floor", func() bool { return s.ackFloor() == c.deleted })
			r.crash()
			next := s.replica(fastConfig()).start()
			waitUntil(t, "the rest is read", func() bool { return next.last() == c.want[len(c.want)-1] })
			wantSeen(t, "the next process", next.seen(), c.want)
			next.stop()
		})
	}
}

// What is deleted in the middle, by somebody who names it, is counted and told, and stops nothing.
func TestJetStreamDeletedInTheMiddleWhileAway(t *testing.T) {
	t.Parallel()
	s := startNATS(t)
	s.publish(1, 2)
	r := s.replica(fastConfig()).start()
	waitUntil(t, "two are acknowledged", func() bool { return s.ackFloor() == 2 })
	r.stop()
	s.publish(3, 10)
	s.deleteMessages(5, 6, 8)
	next := s.replica(fastConfig()).start()
	waitUntil(t, "the rest is read", func() bool { return next.last() == 10 })
	wantSeen(t, "the next process", next.seen(), []int64{3, 4, 7, 9, 10})
	if n := next.metric("ciobridge_stream_deleted_total"); n != 3 {
		t.Errorf("%v are counted as lost, want 3", n)
	}
	next.stop()
}

// A bridge of an older version knows nothing of the bridge's own floor. Before and after it reading goes on where the
// server's floor stands.
func TestJetStreamBesideAnOlderBridge(t *testing.T) {
	t.Parallel()
	s := startNATS(t)
	s.publish(1, 4)
	r := s.replica(fastConfig()).start()
	waitUntil(t, "four are acknowledged", func() bool { return s.ackFloor() == 4 })
	r.stop()
	// as the older one leaves it
	if err := s.client.JetStream().DeleteKeyValue(t.Context(), CheckpointBucket); err != nil {
		t.Fatal(err)
	}
	s.publish(5, 8)
	r = s.replica(fastConfig()).start()
	waitUntil(t, "four more are acknowledged", func() bool { return s.ackFloor() == 8 })
	wantSeen(t, "the one after it", r.seen(), sequence(5, 8))
	r.stop()
	s.publish(9, 12)
	// it reads up to 11
	if _, err := s.client.JetStream().ResetConsumerToSequence(t.Context(), "EVENTS", "ciobridge", 12); err != nil {
		t.Fatal(err)
	}
	again := s.replica(fastConfig()).start()
	waitUntil(t, "the rest is read", func() bool { return again.last() == 12 })
	wantSeen(t, "the one after that", again.seen(), sequence(12, 12))
	again.stop()
}

func (s *natsServer) purge(opts ...jetstream.StreamPurgeOpt) {
	s.t.Helper()
	if err := s.stream().Purge(s.t.Context(), opts...); err != nil {
		s.t.Fatal(err)
	}
}

func (s *natsServer) deleteMessages(seqs ...uint64) {
	s.t.Helper()
	for _, seq := range seqs {
		if err := s.stream().DeleteMsg(s.t.Context(), seq); err != nil {
			s.t.Fatal(err)
		}
	}
}

func (s *natsServer) deleteConsumer() {
	s.t.Helper()
	if err := s.client.JetStream().DeleteConsumer(s.t.Context(), "EVENTS", "ciobridge"); err != nil {
		s.t.Fatal(err)
	}
}

func (s *natsServer) limit(change func(*jetstream.StreamConfig)) {
	s.t.Helper()
	cfg := s.stream().CachedInfo().Config
	change(&cfg)
	if _, err := s.client.JetStream().UpdateStream(s.t.Context(), cfg); err != nil {
		s.t.Fatal(err)
	}
}

// goOnAt does what the command does about an offset, once the last reader has let go.
func (s *natsServer) goOnAt(offset int64) {
	s.t.Helper()
	waitUntil(s.t, "the reader has let go", func() bool { return pinOf(s.consumer()) == "" })
	if err := SetOffsets(s.t.Context(), s.client, fastConfig(),
		[]consumer.OffsetChange{{Topic: "EVENTS", Offset: offset}}); err != nil {
		s.t.Fatal(err)
	}
}

// Where it cannot be told whether what was purged was to be read, reading goes on behind it, also by a consumer that
// began at a time: the server sets none of those to a place before the first message since that time.
func TestJetStreamPurgedWhileAwayWithAFilterFromATime(t *testing.T) {
	t.Parallel()
	s := startNATS(t)
	s.publishTo("events.mine", 1, 2)
	cfg := fastConfig()
	cfg.StartAt = "2020-01-01T00:00:00Z"
	cfg.Streams[0].Subjects = []string{"events.mine"}
	r := s.replica(cfg).start()
	waitUntil(t, "two are acknowledged", func() bool { return s.ackFloor() == 2 })
	r.stop()
	s.publishTo("events.mine", 3, 6)
	s.purge(jetstream.WithPurgeSequence(5))
	next := s.replica(cfg).start()
	waitUntil(t, "the rest is read", func() bool { return next.last() == 6 })
	wantSeen(t, "the next process", next.seen(), sequence(5, 6))
	waitUntil(t, "it is acknowledged", func() bool { return s.ackFloor() == 6 && s.stored().Committable == 7 })
	next.stop()
}
