package consumer

import (
	"testing"
	"time"
)

func TestJetStreamReadsInOrderAndAcknowledges(t *testing.T) {
	s := startNATS(t)
	s.publish(1, 5)
	r := s.replica(fastConfig()).start()
	waitUntil(t, "five messages are read", func() bool { return r.last() == 5 })
	s.publish(6, 50)
	waitUntil(t, "fifty messages are read", func() bool { return r.last() == 50 })
	wantSeen(t, "the reader", r.seen(), sequence(1, 50))
	waitUntil(t, "the floor is 50", func() bool { return s.floor() == 50 })
	if err := r.source.Ready(); err != nil || r.state() != "active" {
		t.Fatalf("state is %s, %v", r.state(), err)
	}
	r.stop()

	next := s.replica(fastConfig()).start()
	s.publish(51, 52)
	waitUntil(t, "the next process reads on", func() bool { return next.last() == 52 })
	wantSeen(t, "the next process", next.seen(), sequence(51, 52))
}

// What is settled out of turn is not acknowledged, and comes again in order after a stop.
func TestJetStreamSettlesOnlyTheUnbrokenPrefix(t *testing.T) {
	s := startNATS(t)
	s.publish(1, 5)
	r := s.replica(fastConfig())
	r.settle = func(seq int64) bool { return seq == 1 || seq == 2 || seq == 4 }
	r.start()
	waitUntil(t, "five messages are in hand", func() bool { return r.last() == 5 })
	r.stop()
	if floor := s.floor(); floor != 2 {
		t.Fatalf("floor is %d, want 2", floor)
	}
	next := s.replica(fastConfig()).start()
	waitUntil(t, "the rest is read", func() bool { return next.last() == 5 })
	wantSeen(t, "the next process", next.seen(), sequence(3, 5))
}

// Killed with floor 3 and 4 to 10 in flight, the next process sees 4, 5 and so on: neither 11 first, nor 4 to 10 lost.
func TestJetStreamCrashWithMessagesInFlight(t *testing.T) {
	s := startNATS(t)
	s.publish(1, 10)
	r := s.replica(fastConfig())
	r.settle = func(seq int64) bool { return seq <= 3 }
	r.start()
	waitUntil(t, "floor 3 with 4 to 10 in flight", func() bool {
		info := s.consumer()
		return info.AckFloor.Stream == 3 && info.NumAckPending == 7 && r.last() == 10
	})
	r.crash()
	s.publish(11, 20)

	next := s.replica(fastConfig()).start()
	waitUntil(t, "everything is read", func() bool { return next.last() == 20 })
	wantSeen(t, "the next process", next.seen(), sequence(4, 20))
	waitUntil(t, "the floor is 20", func() bool { return s.floor() == 20 })
}

var _ = time.Second
