package jetstream

import (
	"bytes"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/ciobridge/ciobridge/internal/longtest"
)

// makeAgain deletes the stream and makes it again.
func (s *natsServer) makeAgain() {
	s.t.Helper()
	info := s.stream().CachedInfo()
	if err := s.client.JetStream().DeleteStream(s.t.Context(), "EVENTS"); err != nil {
		s.t.Fatal(err)
	}
	stream, err := s.client.JetStream().CreateStream(s.t.Context(), info.Config)
	if err != nil {
		s.t.Fatal(err)
	}
	if stream.CachedInfo().Created.Equal(info.Created) {
		s.t.Fatal("the stream is as old as before")
	}
}

// A stream that is made again while the bridge is away is read from its beginning, wherever start_at would begin, and
// it is told: what was noted of the earlier one says only that it was read.
func TestJetStreamStreamMadeAgainWhileAway(t *testing.T) {
	longtest.Only(t)
	t.Parallel()
	for _, startAt := range []string{"earliest", "latest", "2100-01-01T00:00:00Z"} {
		t.Run(startAt, func(t *testing.T) {
			t.Parallel()
			s := startNATS(t)
			r := s.readFive()
			r.stop()
			s.makeAgain()
			s.publish(1, 3)
			cfg := fastConfig()
			cfg.StartAt = startAt
			offsets, err := Offsets(t.Context(), s.client, cfg)
			if err != nil || offsets[0].Committed != 1 {
				t.Errorf("offsets are %+v, %v", offsets, err)
			}
			next := s.replica(cfg).start()
			waitUntil(t, "the new stream is read", func() bool { return next.last() == 3 && s.ackFloor() == 3 })
			wantSeen(t, "the next process", next.seen(), sequence(1, 3))
			if n := next.metric("ciobridge_stream_made_again_total"); n != 1 {
				t.Errorf("it is counted %v times", n)
			}
			next.stop()
			last := s.replica(cfg).start()
			s.publish(4, 4)
			waitUntil(t, "it reads on", func() bool { return last.last() == 4 })
			wantSeen(t, "the one after that", last.seen(), []int64{4})
			if n := last.metric("ciobridge_stream_made_again_total"); n != 0 {
				t.Errorf("it is counted again, %v times", n)
			}
			last.stop()
		})
	}
}

// Where nothing was ever read, start_at counts, also on a stream that was made again.
func TestJetStreamStreamMadeAgainNeverRead(t *testing.T) {
	t.Parallel()
	s := startNATS(t)
	s.publish(1, 5)
	s.makeAgain()
	s.publish(1, 3)
	cfg := fastConfig()
	cfg.StartAt = "latest"
	r := s.replica(cfg).start()
	waitUntil(t, "the consumer is made", func() bool { return s.consumer().Name != "" })
	s.publish(4, 4)
	waitUntil(t, "what comes is read", func() bool { return r.last() == 4 })
	wantSeen(t, "the reader", r.seen(), []int64{4})
	r.stop()
}

// A stream that is made again while it is read is read from its beginning too, by one replica, and what is in flight of
// the earlier one counts for nothing in the new one.
func TestJetStreamStreamMadeAgain(t *testing.T) {
	t.Parallel()
	s := startNATS(t)
	cfg := fastConfig()
	cfg.StartAt = "latest"
	cfg.DrainLimit = 500 * time.Millisecond
	r := s.replica(cfg)
	r.autoAck = func(seq int64) bool { return seq != 4 }
	r.start()
	waitUntil(t, "the consumer is made", func() bool { return s.consumer().Name != "" })
	s.publish(1, 5)
	waitUntil(t, "three are acknowledged", func() bool { return r.last() == 5 && s.ackFloor() == 3 })
	standby := s.replica(cfg).start()
	waitUntil(t, "another stands by", func() bool { return standby.state() == "standby" })
	s.makeAgain()
	r.ack(4) // of the earlier one
	s.publish(1, 6)
	waitUntil(t, "the new stream is read", func() bool {
		return len(r.seen())+len(standby.seen()) == 11 && s.ackFloor() >= 3
	})
	want := append(sequence(1, 5), sequence(1, 6)...)
	wantSeen(t, "the readers", slices.Concat(r.seen(), standby.seen()), want)
	for _, replica := range []*replica{r, standby} {
		waitUntil(t, "each has told it", func() bool {
			return replica.metric("ciobridge_stream_made_again_total") == 1
		})
	}
	if len(standby.seen()) == 0 {
		waitUntil(t, "the floor stands before what is in flight", func() bool { return s.stored().Committable == 4 })
		r.ack(4)
	}
	waitUntil(t, "all is acknowledged", func() bool { return s.ackFloor() == 6 })
	standby.stop()
	r.stop()
}

// Whether others have acknowledged a message is asked of that message alone, however many others were deleted.
func TestJetStreamLooksForOneMessage(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		floor  uint64 // that the server has
		change func(*natsServer)
		want   []int64
	}{
		"it is there":    {8, nil, []int64{10, 11, 12}},
		"it was deleted": {9, nil, []int64{5, 6, 8, 10, 11, 12}},
		"it is there, with direct gets": {8, func(s *natsServer) {
			s.limit(func(c *jetstream.StreamConfig) { c.AllowDirect = true })
		}, []int64{10, 11, 12}},
		"it was replaced by a newer one": {8, func(s *natsServer) {
			s.limit(func(c *jetstream.StreamConfig) { c.MaxMsgsPerSubject = 3 })
		}, []int64{10, 11, 12}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startNATS(t)
			s.publishTo("events.front", 1, 1)
			s.publish(2, 4)
			r := s.replica(fastConfig()).start()
			waitUntil(t, "four are acknowledged", func() bool { return s.ackFloor() == 4 })
			r.stop()
			s.publish(5, 12)
			s.deleteMessages(7, 9)
			if c.change != nil {
				c.change(s)
			}
			if _, err := s.client.JetStream().ResetConsumerToSequence(t.Context(), "EVENTS", "ciobridge",
				c.floor+1); err != nil {
				t.Fatal(err)
			}
			p := newProxy(t, strings.TrimPrefix(s.srv.URL(), "nats://"))
			var all, one atomic.Int64
			p.watch(func(data []byte) {
				if bytes.Contains(data, []byte("deleted_details")) {
					all.Add(1)
				}
				if bytes.Contains(data, []byte("$JS.API.STREAM.MSG.GET.EVENTS")) {
					one.Add(1)
				}
			})
			next := s.replicaVia(fastConfig(), p.url()).start()
			waitUntil(t, "the rest is read", func() bool { return next.last() == 12 })
			wantSeen(t, "the next process", next.seen(), c.want)
			if all.Load() > 0 || one.Load() == 0 {
				t.Errorf("it asked %d times for all that was deleted and %d times for one message", all.Load(),
					one.Load())
			}
			next.stop()
		})
	}
}
