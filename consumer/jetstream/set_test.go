package jetstream

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/ciobridge/ciobridge/consumer"
	"github.com/ciobridge/ciobridge/internal/canarytest"
	"github.com/ciobridge/ciobridge/internal/longtest"
)

// setting is an operator's change of offsets, held up before one of its writes.
type setting struct {
	t      *testing.T
	held   chan struct{} // closed when it is
	goOn   context.Context
	letGo  context.CancelFunc
	cancel context.CancelFunc
	ended  chan error
}

// setHeldUp begins to set the offsets over a connection that holds back the write of the given number: a change
// writes the checkpoint and the consumer.
func (s *natsServer) setHeldUp(cfg Config, write int64, changes ...consumer.OffsetChange) *setting {
	s.t.Helper()
	o := &setting{t: s.t.(*testing.T), held: make(chan struct{}), ended: make(chan error, 1)}
	o.goOn, o.letGo = context.WithCancel(context.Background())
	var writes atomic.Int64
	p := newProxy(o.t, strings.TrimPrefix(s.srv.URL(), "nats://"))
	p.watch(func(data []byte) {
		isWrite := bytes.Contains(data, []byte("PUB $JS.API.CONSUMER.RESET.")) ||
			bytes.Contains(data, []byte("PUB $KV."))
		if isWrite && writes.Add(1) == write {
			close(o.held)
			<-o.goOn.Done()
		}
	})
	s.t.Cleanup(o.letGo)
	conn := s.dial(p.url())
	s.t.Cleanup(conn.Close)
	ctx, cancel := context.WithCancel(s.t.Context())
	o.cancel = cancel
	go func() { o.ended <- SetOffsets(ctx, conn, cfg, changes) }()
	select {
	case <-o.held:
	case err := <-o.ended:
		s.t.Fatalf("it ends without that write: %v", err)
	}
	return o
}

func (o *setting) finish() error {
	o.t.Helper()
	o.letGo()
	return <-o.ended
}

// A standby gains the pin while an operator goes back, between the two writes: it reads what it was set to, and once.
func TestJetStreamOffsetsSetBackWhileAStandbyBegins(t *testing.T) {
	longtest.Only(t)
	t.Parallel()
	s := startNATS(t)
	r := s.readFive()
	s.restart() // which forgets the pin
	waitUntil(t, "it stands by", func() bool { return r.state() == "standby" && pinOf(s.consumer()) == "" })
	set := s.setHeldUp(fastConfig(), 2, consumer.OffsetChange{Topic: "EVENTS", Offset: 3})
	s.publish(6, 6)
	waitUntil(t, "the standby reads", func() bool { return r.last() == 6 })
	if err := set.finish(); err != nil {
		t.Errorf("setting the offset: %v", err)
	}
	s.publish(7, 7)
	waitUntil(t, "all is acknowledged", func() bool { return s.ackFloor() == 7 && s.stored().Committable == 8 })
	wantSeen(t, "the standby", r.seen(), []int64{1, 2, 3, 4, 5, 3, 4, 5, 6, 7})
	r.stop()
}

// A process starts while an operator skips what was purged, between the two writes: it does not stop at the gap again.
func TestJetStreamOffsetsSkippedWhileAProcessStarts(t *testing.T) {
	t.Parallel()
	s := startNATS(t)
	r := s.readFive()
	r.stop()
	s.publish(6, 10)
	s.purge(jetstream.WithPurgeSequence(9))
	wantGap(t, s.replica(fastConfig()).start())
	waitUntil(t, "it has let go", func() bool { return pinOf(s.consumer()) == "" })
	set := s.setHeldUp(fastConfig(), 2, consumer.OffsetChange{Topic: "EVENTS", Offset: 9})
	next := s.replica(fastConfig()).start()
	waitUntil(t, "it reads what is left", func() bool { return next.last() == 10 })
	if err := set.finish(); err != nil {
		t.Errorf("setting the offset: %v", err)
	}
	s.publish(11, 11)
	waitUntil(t, "all is acknowledged", func() bool { return s.ackFloor() == 11 })
	wantSeen(t, "the next process", next.seen(), sequence(9, 11))
	next.stop()
}

// The consumer cannot be set: the error says what has been changed, the command and a reader go by that, and giving
// it again completes it.
func TestJetStreamOffsetsSetInPart(t *testing.T) {
	t.Parallel()
	s := startNATS(t)
	r := s.readFive()
	r.stop()
	set := s.setHeldUp(fastConfig(), 2, consumer.OffsetChange{Topic: "EVENTS", Offset: 3})
	set.cancel()
	err := <-set.ended
	set.letGo()
	if err == nil || errors.Is(err, ErrStreamRead) || !strings.Contains(err.Error(), "checkpoint is set to 3") ||
		!strings.Contains(err.Error(), "run the command again") {
		t.Errorf("the error is %v", err)
	}
	offsets, err := Offsets(t.Context(), s.client, fastConfig())
	if err != nil || offsets[0].Committed != 3 {
		t.Errorf("offsets are %+v, %v", offsets, err)
	}
	s.goOnAt(3)
	if floor := s.ackFloor(); floor != 2 {
		t.Errorf("the server's floor is %d", floor)
	}
	r = s.replica(fastConfig()).start()
	waitUntil(t, "it reads from there", func() bool { return r.last() == 5 })
	wantSeen(t, "the next process", r.seen(), sequence(3, 5))
	r.stop()
}

// A reader begins before the checkpoint is written: nothing has been changed, and where another one has been set
// already, the error says so.
func TestJetStreamOffsetsSetAfterAReaderBegan(t *testing.T) {
	t.Parallel()
	s := startNATS(t)
	s.publish(1, 5)
	cfg := s.partitioned(2)
	changes := []consumer.OffsetChange{{Topic: "EVENTS", Offset: 3}, {Topic: "EVENTS", Partition: 1, Offset: 3}}
	if err := SetOffsets(t.Context(), s.client, cfg, changes); err != nil { // makes the consumers
		t.Fatal(err)
	}
	parts := cfg.partitions()
	begin := func(part int) {
		c := newCheckpointStore(s.client, &parts[part])
		_, err := c.open(t.Context())
		if err == nil {
			_, err = c.load(t.Context())
		}
		if err == nil {
			err = c.write(t.Context(), &checkpoint{Committable: 5, Sets: 1, Reader: "another"})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	set := s.setHeldUp(cfg, 1, changes...)
	begin(0)
	if err := set.finish(); !errors.Is(err, ErrStreamRead) {
		t.Errorf("the error is %v", err)
	}
	for _, part := range parts {
		c, err := s.client.JetStream().Consumer(t.Context(), "EVENTS", part.durable)
		if err != nil || c.CachedInfo().AckFloor.Stream != 2 {
			t.Errorf("the consumer of %s was changed: %v", &part, err)
		}
	}
	set = s.setHeldUp(cfg, 3, changes...)
	begin(1)
	if err := set.finish(); err == nil || errors.Is(err, ErrStreamRead) ||
		!strings.Contains(err.Error(), "already set: EVENTS/0") {
		t.Errorf("the error is %v", err)
	}
}

// With interest retention the consumer cannot be made again further back. That is found out before anything is changed.
func TestJetStreamOffsetsSetBeforeInterestBegan(t *testing.T) {
	t.Parallel()
	for name, startAt := range map[string]string{"at a sequence": "latest", "at a time": "2020-01-01T00:00:00Z"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startNATS(t)
			js := s.client.JetStream()
			stream, err := js.CreateStream(t.Context(),
				jetstream.StreamConfig{Name: "NEWS", Subjects: []string{"news"}, Retention: jetstream.InterestPolicy})
			if err != nil {
				t.Fatal(err)
			}
			// keeps everything
			other := jetstream.ConsumerConfig{Durable: "other", AckPolicy: jetstream.AckExplicitPolicy}
			if _, err := stream.CreateConsumer(t.Context(), other); err != nil {
				t.Fatal(err)
			}
			publish := func() {
				for range 3 {
					if _, err := js.Publish(t.Context(), "news", []byte("{}")); err != nil {
						t.Fatal(err)
					}
				}
			}
			publish()
			cfg := fastConfig()
			cfg.Streams[0].Name = "NEWS"
			cfg.StartAt = startAt
			want := newReader(s.client, cfg, cfg.partitions()[0], canarytest.Logger(t)).consumerConfig()
			want.DeliverPolicy, want.OptStartSeq = jetstream.DeliverByStartSequencePolicy, 3
			if startAt != "latest" {
				third, err := stream.GetMsg(t.Context(), 3)
				if err != nil {
					t.Fatal(err)
				}
				want.DeliverPolicy = jetstream.DeliverByStartTimePolicy
				want.OptStartSeq, want.OptStartTime = 0, &third.Time
			}
			if _, err := stream.CreateConsumer(t.Context(), want); err != nil {
				t.Fatal(err)
			}
			publish()
			set := func(offset int64) error {
				return SetOffsets(t.Context(), s.client, cfg, []consumer.OffsetChange{{Topic: "NEWS", Offset: offset}})
			}
			for _, offset := range []int64{3, 7, 5, 3} {
				if err := set(offset); err != nil {
					t.Errorf("setting it to %d: %v", offset, err)
				}
			}
			if err := set(2); err == nil || !strings.Contains(err.Error(),
				"its retention keeps only what consumers want") {
				t.Errorf("setting it to before gives %v", err)
			}
			offsets, err := Offsets(t.Context(), s.client, cfg)
			if err != nil || offsets[0].Committed != 3 {
				t.Errorf("offsets are %+v, %v", offsets, err)
			}
		})
	}
}
