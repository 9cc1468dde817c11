package jetstream

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/longtest"
)

// What a purge takes away before it was read is counted exactly, and the reading stops; what is in flight then still
// finishes, since it cannot come again.
func TestJetStreamPurgedWhileReading(t *testing.T) {
	t.Parallel()
	s := startNATS(t)
	s.publish(1, 20)
	cfg := fastConfig()
	cfg.tuning.prefetch = 4
	r := s.replica(cfg)
	r.blocked = make(chan struct{})
	r.autoAck = func(int64) bool { return false }
	finished := false
	r.onLeaseEnd = func(lease event.Lease) {
		d, _ := lease.Deadline()
		finished = d.After(time.Now())
	}
	r.start()
	waitUntil(t, "messages are on their way", func() bool { return s.consumer().Delivered.Stream >= 2 })
	if err := s.stream().Purge(t.Context(), jetstream.WithPurgeSequence(16)); err != nil {
		t.Fatal(err)
	}
	close(r.blocked)
	gap := wantGap(t, r)
	if gap.From != uint64(r.last())+1 || gap.To != 15 || gap.Lost() != uint64(15-r.last()) || r.last() > 10 {
		t.Fatalf("the gap is %d to %d after %d", gap.From, gap.To, r.last())
	}
	if !finished {
		t.Error("what was in flight had no time to finish")
	}
	if n := r.metric("ciobridge_stream_lost_total"); n != float64(gap.Lost()) {
		t.Errorf("%v are counted as lost, want %d", n, gap.Lost())
	}
}

// What the limits of the stream took away while nobody read stops the reading at its start.
func TestJetStreamDiscardedWhileAway(t *testing.T) {
	t.Parallel()
	s := startNATS(t)
	s.publish(1, 5)
	r := s.replica(fastConfig()).start()
	waitUntil(t, "the floor is 5", func() bool { return s.ackFloor() == 5 })
	r.stop()
	s.publish(6, 30)
	cfg := s.stream().CachedInfo().Config
	cfg.MaxMsgs = 10
	if _, err := s.client.JetStream().UpdateStream(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	next := s.replica(fastConfig()).start()
	gap := wantGap(t, next)
	if gap.From != 6 || gap.To != 20 || gap.Lost() != 15 || len(next.seen()) != 0 {
		t.Fatalf("the gap is %d to %d, and %v was read", gap.From, gap.To, next.seen())
	}
}

// Where newer messages replace older ones by design, nothing is missed.
func TestJetStreamReplacedMessagesAreNoGap(t *testing.T) {
	t.Parallel()
	s := startNATS(t)
	cfg := s.stream().CachedInfo().Config
	cfg.MaxMsgsPerSubject = 1
	if _, err := s.client.JetStream().UpdateStream(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	s.publish(1, 5)
	r := s.replica(fastConfig()).start()
	waitUntil(t, "the newest is read", func() bool { return r.last() == 5 && s.ackFloor() == 5 })
	r.stop()
	s.publish(6, 9)
	next := s.replica(fastConfig()).start()
	waitUntil(t, "the newest is read", func() bool { return next.last() == 9 })
	wantSeen(t, "the next process", next.seen(), sequence(9, 9))
}

func wantGap(t *testing.T, r *replica) *GapError {
	t.Helper()
	err := r.wait()
	gap := (*GapError)(nil)
	if !errors.As(err, &gap) {
		t.Fatalf("consume ends with %v", err)
	}
	if !strings.Contains(err.Error(), "offsets skip") {
		t.Errorf("the error tells no way on: %v", err)
	}
	return gap
}

func TestJetStreamRefusesWorkQueues(t *testing.T) {
	t.Parallel()
	s := startNATS(t)
	_, err := s.client.JetStream().CreateStream(t.Context(),
		jetstream.StreamConfig{Name: "JOBS", Subjects: []string{"jobs"}, Retention: jetstream.WorkQueuePolicy})
	if err != nil {
		t.Fatal(err)
	}
	cfg := fastConfig()
	cfg.Streams[0].Name = "JOBS"
	wantRefusal(t, s.replica(cfg).start(), "work-queue retention", "--source JOBS --retention limits")
}

func TestJetStreamReadsInterestStreams(t *testing.T) {
	t.Parallel()
	s := startNATS(t)
	_, err := s.client.JetStream().CreateStream(t.Context(),
		jetstream.StreamConfig{Name: "NEWS", Subjects: []string{"news"}, Retention: jetstream.InterestPolicy})
	if err != nil {
		t.Fatal(err)
	}
	cfg := fastConfig()
	cfg.Streams[0].Name = "NEWS"
	r := s.replica(cfg).start()
	waitUntil(t, "it has joined", func() bool { return r.source.Ready() == nil })
	for _, value := range []string{"1", "2"} {
		if _, err := s.client.JetStream().Publish(t.Context(), "news", []byte(value)); err != nil {
			t.Fatal(err)
		}
	}
	waitUntil(t, "two are read", func() bool { return r.last() == 2 })
	waitUntil(t, "the stream is empty", func() bool {
		stream, err := s.client.JetStream().Stream(t.Context(), "NEWS")
		return err == nil && stream.CachedInfo().State.Msgs == 0
	})
}

func TestJetStreamRefusesADifferingConsumer(t *testing.T) {
	t.Parallel()
	s := startNATS(t)
	for name, cfg := range map[string]jetstream.ConsumerConfig{
		"explicit": {AckPolicy: jetstream.AckExplicitPolicy, MaxDeliver: 5},
		"push":     {AckPolicy: jetstream.AckAllPolicy, DeliverSubject: "there"},
	} {
		cfg.Durable = name
		var err error
		if cfg.DeliverSubject != "" {
			_, err = s.client.JetStream().CreatePushConsumer(t.Context(), "EVENTS", cfg)
		} else {
			_, err = s.client.JetStream().CreateConsumer(t.Context(), "EVENTS", cfg)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	cfg := fastConfig()
	cfg.Durable = "explicit"
	wantRefusal(t, s.replica(cfg).start(), "ack_policy is explicit, want all", "max_deliver is 5, want -1",
		"priority_policy is none, want pinned_client", `"ack_policy":"all"`)
	cfg.Durable = "push"
	wantRefusal(t, s.replica(cfg).start(), "push consumer", "nats consumer rm EVENTS push")

	for range 2 { // the one that the bridge makes itself is as it wants it
		r := s.replica(fastConfig()).start()
		waitUntil(t, "it has joined", func() bool { return r.source.Ready() == nil })
		r.stop()
	}
}

// Somebody changes the consumer while it is read, so that the server would give up on messages: the reading stops and
// says so, what is done is acknowledged, and put right again it goes on with the next message.
func TestJetStreamConsumerChangedWhileReading(t *testing.T) {
	t.Parallel()
	s := startNATS(t)
	s.publish(1, 10)
	r := s.replica(fastConfig()).start()
	waitUntil(t, "everything is read", func() bool { return r.last() == 10 })
	right := s.consumer().Config
	changed := right
	changed.MaxDeliver, changed.AckWait = 3, 5*time.Second
	if _, err := s.client.JetStream().UpdateConsumer(t.Context(), "EVENTS", changed); err != nil {
		t.Fatal(err)
	}
	wantRefusal(t, r, "max_deliver is 3, want -1", "ack_wait is 5s, want 1h0m0s")
	if floor := s.ackFloor(); floor != 10 {
		t.Errorf("the floor is %d, want 10", floor)
	}
	if _, err := s.client.JetStream().UpdateConsumer(t.Context(), "EVENTS", right); err != nil {
		t.Fatal(err)
	}
	s.publish(11, 12)
	again := s.replica(fastConfig()).start()
	waitUntil(t, "the rest is read", func() bool { return again.last() == 12 })
	wantSeen(t, "the next reader", again.seen(), sequence(11, 12))
	again.stop()
}

func wantRefusal(t *testing.T, r *replica, words ...string) {
	t.Helper()
	err := r.wait()
	for _, word := range words {
		if err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%q is missing in: %v", word, err)
		}
	}
}

func TestJetStreamConfigValidate(t *testing.T) {
	cfg := Config{Streams: []StreamConfig{{Name: "a.b", Subjects: []string{"x y"}}, {Name: "S"}, {Name: "S"}},
		Durable: "no spaces"}
	err := cfg.Validate()
	for _, want := range []string{
		"streams[0].name: ", "streams[0].subjects[0]: ", "streams[2].name: ", "durable: ",
		"start_at: is missing", "drain_limit: ",
		"max_uncommitted: ", "fetch_bytes: ", "commit_interval: ",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in: %v", want, err)
		}
	}
	if err := fastConfig().Validate(); err != nil {
		t.Error(err)
	}
}

// Whoever asks why nothing flows is told every lasting reason, and nothing while all is well.
func TestJetStreamTroubles(t *testing.T) {
	longtest.Only(t)
	t.Parallel()
	s := startNATS(t)
	if _, err := s.client.JetStream().CreateStream(t.Context(),
		jetstream.StreamConfig{Name: "OTHER", Subjects: []string{"other"}}); err != nil {
		t.Fatal(err)
	}
	cfg := fastConfig()
	cfg.Streams = []StreamConfig{{Name: "OTHER"}, {Name: "LATER"}, {Name: "EVENTS"}}
	r := s.replica(cfg)
	if troubles := r.source.Troubles(); len(troubles) != 3 {
		t.Errorf("before it has begun: %q", troubles)
	}
	r.start()
	told := func(words ...string) func() bool {
		return func() bool {
			troubles := r.source.Troubles()
			if len(troubles) != len(words) || (r.source.Ready() == nil) != (len(words) == 0) {
				return false
			}
			for i, w := range words {
				if !strings.Contains(troubles[i], w) {
					return false
				}
			}
			return true
		}
	}
	waitUntil(t, "the missing stream is told", told("stream LATER: there is no such stream yet"))
	s.srv.Close()
	waitUntil(t, "the missing connection is told, once", told("not connected to nats"))
	s.start()
	waitUntil(t, "the client is connected again", s.client.Conn().IsConnected)
	waitUntil(t, "the missing stream is told", told("stream LATER: there is no such stream yet"))
	if _, err := s.client.JetStream().CreateStream(t.Context(),
		jetstream.StreamConfig{Name: "LATER", Subjects: []string{"later"}}); err != nil {
		t.Fatal(err)
	}
	waitUntil(t, "all is well", told())
	r.stop()
}

// A handler that does not return holds neither the stop nor the hand-over of what it was called for, and what it says
// later says nothing.
func TestJetStreamHandlerThatDoesNotReturn(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(r *replica){
		"stopped":           func(r *replica) { r.stop() },
		"connection broken": func(r *replica) { r.conn.Conn().ForceReconnect() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if name != "stopped" {
				longtest.Only(t)
			}
			s := startNATS(t)
			s.publish(1, 3)
			cfg := fastConfig()
			cfg.DrainLimit = time.Second
			release := make(chan struct{})
			var once atomic.Bool
			r := s.replica(cfg)
			r.before = func(seq int64) {
				if seq == 2 && once.CompareAndSwap(false, true) {
					<-release
				}
			}
			r.start()
			waitUntil(t, "a handler does not return", once.Load)
			began := time.Now()
			end(r)
			if name == "stopped" {
				if took := time.Since(began); took < cfg.DrainLimit/2 || took > 5*time.Second {
					t.Errorf("stopping took %v with a drain limit of %v", took, cfg.DrainLimit)
				}
				r = s.replica(cfg).start()
			}
			waitUntil(t, "the rest is read", func() bool { return r.last() == 3 && s.ackFloor() == 3 })
			close(release)
			r.stop()
		})
	}
}
