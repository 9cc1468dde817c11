package jetstream

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/consumertest"
	"github.com/ciobridge/ciobridge/internal/longtest"
)

func TestJetStreamContract(t *testing.T) {
	t.Parallel()
	consumertest.Run(t, func(t *testing.T) consumertest.Testbed { return natsBed{startNATS(t)} })
}

// Killed with floor 3 and 4 to 10 in flight, the next process sees 4, 5 and so on: neither 11 first, nor 4 to 10 lost.
func TestJetStreamCrashWithMessagesInFlight(t *testing.T) {
	t.Parallel()
	for name, more := range map[string]bool{"new messages come": true, "everything was in flight": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startNATS(t)
			s.publish(1, 10)
			r := s.replica(fastConfig())
			r.autoAck = func(seq int64) bool { return seq <= 3 }
			r.start()
			waitUntil(t, "floor is 3 with 4 to 10 in flight", func() bool {
				info := s.consumer()
				return info.AckFloor.Stream == 3 && info.NumAckPending == 7 && r.last() == 10
			})
			r.crash()
			last := int64(10)
			if more {
				s.publish(11, 20)
				last = 20
			}
			next := s.replica(fastConfig()).start()
			waitUntil(t, "everything is read", func() bool { return next.last() == last })
			wantSeen(t, "the next process", next.seen(), sequence(4, last))
			waitUntil(t, "everything is acknowledged", func() bool { return s.ackFloor() == uint64(last) })
		})
	}
}

// A standby watches for longer than the pin lasts, with messages in flight at the active reader and none to deliver,
// which is when a reset would tempt it most. It leaves the active reader alone, and takes over in order when that
// stops.
func TestJetStreamStandby(t *testing.T) {
	longtest.Only(t)
	t.Parallel()
	s := startNATS(t)
	s.publish(1, 10)
	active := s.replica(fastConfig())
	active.autoAck = func(seq int64) bool { return seq <= 3 || seq == 7 }
	active.start()
	waitUntil(t, "ten messages are in flight", func() bool { return active.last() == 10 })
	standby := s.replica(fastConfig()).start()
	waitUntil(t, "it is on standby", func() bool { return standby.state() == "standby" })
	standby.waitForRequests(7) // one at each look, of which there are three in a session timeout
	if active.state() != "active" || standby.state() != "standby" || standby.source.Ready() != nil {
		t.Fatalf("states are %s and %s, %v", active.state(), standby.state(), standby.source.Ready())
	}
	wantSeen(t, "the active reader", active.seen(), sequence(1, 10))
	if n := active.metric("ciobridge_stream_turns_total"); n != 0 {
		t.Fatalf("the active reader was interrupted %v times", n)
	}

	stopped := time.Now()
	active.stop()
	s.publish(11, 12)
	waitUntil(t, "the standby reads", func() bool { return standby.last() == 12 })
	wantSeen(t, "the standby", standby.seen(), []int64{4, 5, 6, 8, 9, 10, 11, 12}) // 7 is done
	if took := time.Since(stopped); took > fastConfig().SessionTimeout {
		t.Errorf("taking over after a clean stop took %v: the pin was not given back", took)
	}
}

// A reader whose connection stalls finds its lease past before the standby gets the first message, and does not
// disturb it when the connection comes back.
func TestJetStreamStalledReader(t *testing.T) {
	longtest.Only(t)
	t.Parallel()
	s := startNATS(t)
	proxy := newProxy(t, strings.TrimPrefix(s.srv.URL(), "nats://"))
	s.publish(1, 10)
	stalled := s.replicaVia(fastConfig(), proxy.url())
	stalled.autoAck = func(seq int64) bool { return seq <= 3 }
	stalled.start()
	waitUntil(t, "ten messages are in flight", func() bool { return stalled.last() == 10 && s.ackFloor() == 3 })

	var overlap atomic.Bool
	standby := s.replica(fastConfig())
	standby.autoAck = func(int64) bool {
		if d, _ := stalled.leases[0].Deadline(); d.After(time.Now()) {
			overlap.Store(true)
		}
		return true
	}
	standby.start()
	waitUntil(t, "the other stands by", func() bool { return standby.state() == "standby" })
	proxy.stall()
	waitUntil(t, "the standby has taken over", func() bool { return standby.last() == 10 })
	if overlap.Load() {
		t.Error("the standby read while the stalled reader's lease still held")
	}
	stalled.ack(4, 5, 6, 7, 8, 9, 10)
	proxy.flow()
	waitUntil(t, "the stalled reader stands by", func() bool { return stalled.state() == "standby" })
	s.publish(11, 12)
	waitUntil(t, "the new reader reads on", func() bool { return standby.last() == 12 && s.ackFloor() == 12 })
	wantSeen(t, "the new reader", standby.seen(), sequence(4, 12))
	if n := stalled.metric("ciobridge_stream_turns_total"); n != 1 {
		t.Errorf("%v sessions of the stalled reader ended, want 1", n)
	}
}

// The connection that messages come over breaks, while the one that proves the right to read stands: the next turn
// goes on at the floor, by the same right.
func TestJetStreamMessagesConnectionBreaks(t *testing.T) {
	t.Parallel()
	s := startNATS(t)
	proxy := newProxy(t, strings.TrimPrefix(s.srv.URL(), "nats://"))
	s.publish(1, 10)
	r := s.replicaVia(fastConfig(), proxy.url())
	r.autoAck = func(seq int64) bool { return seq <= 3 || len(r.leases) > 1 }
	r.start()
	waitUntil(t, "ten messages are in flight", func() bool { return r.last() == 10 && s.ackFloor() == 3 })
	pin := pinOf(s.consumer())
	proxy.dropNewest()
	waitUntil(t, "everything is acknowledged", func() bool { return s.ackFloor() == 10 })
	wantSeen(t, "the reader", r.seen(), append(sequence(1, 10), sequence(4, 10)...))
	if n := r.metric("ciobridge_stream_turns_total", "reason", "disconnected"); n != 1 {
		t.Errorf("%v sessions ended by the broken connection, want 1", n)
	}
	if now := pinOf(s.consumer()); now != pin {
		t.Errorf("the pin changed from %s to %s", pin, now)
	}
	r.stop()
}

// An acknowledgement that is lost, or whose confirmation is, is covered by the next.
func TestJetStreamAcknowledgementsLost(t *testing.T) {
	t.Parallel()
	s := startNATS(t)
	s.publish(1, 5)
	r := s.replica(fastConfig())
	reader := r.source.readers[0]
	var lost atomic.Int32
	send := reader.ack
	reader.ack = func(ctx context.Context, subject string) error {
		switch lost.Add(1) {
		case 1: // never arrives
			return context.DeadlineExceeded
		case 2: // arrives, and the confirmation does not
			return errors.Join(send(ctx, subject), context.DeadlineExceeded)
		}
		return send(ctx, subject)
	}
	r.start()
	waitUntil(t, "the floor is acknowledged", func() bool {
		return r.metric("ciobridge_stream_acks_total", "result", "ok") == 1
	})
	if floor, failed := s.ackFloor(), r.metric("ciobridge_stream_acks_total", "result", "failed"); floor != 5 ||
		failed != 2 {
		t.Fatalf("floor is %d after %v failures, want 5 after 2", floor, failed)
	}
	r.stop()
}

// An acknowledgement of an earlier turn arrives late, with a higher count of deliveries than those of this turn: the
// server then takes the acknowledgements of this turn for old ones, and confirms them all the same. The reader
// notices and has itself set back.
func TestJetStreamLateAcknowledgementOfAnEarlierTurn(t *testing.T) {
	t.Parallel()
	s := startNATS(t)
	s.publish(1, 10)
	s.deleteMessages(3) // of a message in flight the server knows the count itself
	r := s.replica(fastConfig())
	r.autoAck = func(seq int64) bool { return seq <= 2 || len(r.leases) > 1 }
	r.start()
	waitUntil(t, "floor is 2", func() bool { return r.last() == 10 && s.ackFloor() == 2 })
	if _, err := s.client.Conn().Request("$JS.ACK.EVENTS.ciobridge.1.3.9.0.0", []byte("+ACK"),
		time.Second); err != nil {
		t.Fatal(err)
	}
	r.ack(4, 5, 6, 7)
	waitUntil(t, "the rest is acknowledged", func() bool { return s.ackFloor() == 10 })
	wantSeen(t, "the reader", r.seen(), []int64{1, 2, 4, 5, 6, 7, 8, 9, 10, 8, 9, 10})
	if n := r.metric("ciobridge_stream_turns_total", "reason", "floor_went_back"); n != 1 {
		t.Errorf("%v sessions ended by the floor, want 1", n)
	}
	r.stop()
}

func TestJetStreamServerRestart(t *testing.T) {
	t.Parallel()
	s := startNATS(t)
	s.publish(1, 10)
	r := s.replica(fastConfig())
	r.autoAck = func(seq int64) bool { return seq != 5 || len(r.leases) > 1 }
	r.start()
	waitUntil(t, "floor is 4", func() bool { return r.last() == 10 && s.ackFloor() == 4 })
	s.restart()
	s.publish(11, 15)
	waitUntil(t, "everything is read", func() bool { return r.last() == 15 })
	wantSeen(t, "the reader", r.seen(), append(sequence(1, 10), 5, 11, 12, 13, 14, 15))
	waitUntil(t, "everything is acknowledged", func() bool { return s.ackFloor() == 15 })
	if n := r.metric("ciobridge_stream_turns_total"); n != 1 {
		t.Errorf("%v sessions ended, want 1", n)
	}
	// The server forgets the pin when it restarts, so the lease of before must not have let anything begin after.
	if d, _ := r.leases[0].Deadline(); d.After(time.Now()) {
		t.Errorf("the lease of before the restart lasts until %v", d)
	}
	r.stop()
}

// The consumer is deleted under the reader's feet: it is made again where the reading stood, and nothing is read twice.
func TestJetStreamConsumerDeleted(t *testing.T) {
	t.Parallel()
	s := startNATS(t)
	s.publish(1, 10)
	r := s.replica(fastConfig()).start()
	waitUntil(t, "the floor is 10", func() bool { return s.ackFloor() == 10 })
	if err := s.client.JetStream().DeleteConsumer(t.Context(), "EVENTS", "ciobridge"); err != nil {
		t.Fatal(err)
	}
	s.publish(11, 12)
	waitUntil(t, "everything is read", func() bool { return r.last() == 12 })
	wantSeen(t, "the reader", r.seen(), sequence(1, 12))
	if n := r.metric("ciobridge_stream_turns_total", "reason", "consumer_gone"); n != 1 {
		t.Errorf("%v sessions ended by the deletion, want 1", n)
	}
	r.stop()
}

// A handler that takes longer than the server's patience is not given the message a second time.
func TestJetStreamSlowHandler(t *testing.T) {
	t.Parallel()
	s := startNATS(t)
	s.publish(1, 3)
	cfg := fastConfig()
	cfg.tuning.ackWait = 300 * time.Millisecond
	r := s.replica(cfg)
	r.autoAck = func(int64) bool { return false }
	r.start()
	waitUntil(t, "the server has delivered again", func() bool {
		return r.metric("ciobridge_stream_redelivered_total") >= 3
	})
	wantSeen(t, "the handler", r.seen(), sequence(1, 3))
	r.ack(1, 2, 3)
	waitUntil(t, "everything is acknowledged", func() bool { return s.ackFloor() == 3 })
	s.publish(4, 4)
	waitUntil(t, "the next message is read", func() bool { return r.last() == 4 })
	wantSeen(t, "the handler", r.seen(), sequence(1, 4))
	r.stop()
}

// While nothing is settled, what is handed over stays within fetch_bytes, and a message larger than a request's share
// passes.
func TestJetStreamBoundsWhatIsInHand(t *testing.T) {
	t.Parallel()
	s := startNATS(t)
	cfg := fastConfig()
	cfg.FetchBytes = 1 << 20
	large := make([]byte, 600<<10)
	for range 5 {
		if _, err := s.client.JetStream().Publish(t.Context(), "events.large", large); err != nil {
			t.Fatal(err)
		}
	}
	r := s.replica(cfg)
	var inHand, most, n atomic.Int64
	ctx, cancel := context.WithCancel(t.Context())
	dones := make(chan func(), 100)
	go func() {
		r.ended <- r.source.Consume(ctx, func(_ event.Lease, m *event.Message, done func()) error {
			n.Add(1)
			if now := inHand.Add(int64(len(m.Value))); now > most.Load() {
				most.Store(now)
			}
			dones <- func() { inHand.Add(-int64(len(m.Value))); done() }
			return nil
		})
	}()
	waitUntil(t, "the first comes", func() bool { return n.Load() == 1 })
	r.waitForProofs(1) // long enough for more to come, if more were asked for
	for range 5 {
		(<-dones)()
	}
	cancel()
	if err := r.wait(); err != nil {
		t.Fatal(err)
	}
	r.conn.Close()
	if most.Load() > cfg.FetchBytes+int64(len(large)) || n.Load() != 5 {
		t.Fatalf("%d messages came, with at most %d bytes in flight", n.Load(), most.Load())
	}
}

func TestJetStreamFilterHeadersAndHoles(t *testing.T) {
	t.Parallel()
	s := startNATS(t)
	js := s.client.JetStream()
	for _, subject := range []string{"events.a", "events.b", "events.a", "events.c"} {
		m := nats.NewMsg(subject)
		m.Header = nats.Header{"traceparent": {"x"}, "ce_id": {"1", "2"}}
		if _, err := js.PublishMsg(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.stream().DeleteMsg(t.Context(), 3); err != nil {
		t.Fatal(err)
	}
	read := func(cfg Config, want int) []event.Message {
		r := s.replica(cfg)
		ctx, cancel := context.WithCancel(t.Context())
		var got []event.Message
		go func() {
			r.ended <- r.source.Consume(ctx, func(_ event.Lease, m *event.Message, done func()) error {
				for i := range m.Headers {
					m.Headers[i].Value = slices.Clone(m.Headers[i].Value) // they are read when the message is settled
				}
				done()
				if got = append(got, *m); len(got) == want {
					cancel()
				}
				return nil
			})
		}()
		if err := r.wait(); err != nil {
			t.Fatal(err)
		}
		r.conn.Close()
		return got
	}
	all := read(fastConfig(), 3)
	if all[2].Origin.Offset != 4 || all[2].Origin.Subject != "events.c" || all[2].Origin.Topic != "EVENTS" {
		t.Fatalf("the third message is %+v", all[2].Origin)
	}
	h := all[0].Headers
	// the publisher's client keeps no order
	slices.SortStableFunc(h, func(a, b event.Header) int { return strings.Compare(a.Key, b.Key) })
	if len(h) != 3 || h[0].Key != "ce_id" || string(h[0].Value) != "1" || string(h[1].Value) != "2" ||
		h[2].Key != "traceparent" {
		t.Fatalf("headers are %v", h)
	}
	if time.Since(all[0].Time) > time.Minute {
		t.Fatalf("the time is %v", all[0].Time)
	}
	cfg := fastConfig()
	cfg.Durable, cfg.Streams[0].Subjects = "filtered", []string{"events.b", "events.c"}
	some := read(cfg, 2)
	if some[0].Origin.Offset != 2 || some[1].Origin.Offset != 4 {
		t.Fatalf("filtered: %v and %v", some[0].Origin, some[1].Origin)
	}
}

func TestJetStreamStartsWhereItIsTold(t *testing.T) {
	t.Parallel()
	s := startNATS(t)
	s.publish(1, 3)
	middle := time.Now().UTC().Format(time.RFC3339Nano)
	s.publish(4, 5)
	latest, timed := fastConfig(), fastConfig()
	latest.Durable, latest.StartAt = "latest", "latest"
	timed.Durable, timed.StartAt = "timed", middle
	a, b := s.replica(latest).start(), s.replica(timed).start()
	waitUntil(t, "both have joined", func() bool { return a.source.Ready() == nil && b.last() == 5 })
	s.publish(6, 6)
	waitUntil(t, "both read", func() bool { return a.last() == 6 && b.last() == 6 })
	wantSeen(t, "latest", a.seen(), sequence(6, 6))
	wantSeen(t, "a time", b.seen(), sequence(4, 6))
	a.stop()

	latest.StartAt = "earliest" // has no effect any more
	s.publish(7, 7)
	again := s.replica(latest).start()
	waitUntil(t, "the next process reads", func() bool { return again.last() == 7 })
	wantSeen(t, "the next process", again.seen(), sequence(7, 7))
}

func TestJetStreamWaitsForItsStream(t *testing.T) {
	t.Parallel()
	s := startNATS(t)
	if err := s.client.JetStream().DeleteStream(t.Context(), "EVENTS"); err != nil {
		t.Fatal(err)
	}
	r := s.replica(fastConfig()).start()
	waitUntil(t, "the reason is told", func() bool {
		err := r.source.Ready()
		return err != nil && strings.Contains(err.Error(), "no such stream")
	})
	if _, err := s.client.JetStream().CreateStream(t.Context(),
		jetstream.StreamConfig{Name: "EVENTS", Subjects: []string{"events.>"}}); err != nil {
		t.Fatal(err)
	}
	s.publish(1, 2)
	waitUntil(t, "the new stream is read", func() bool { return r.last() == 2 })
}

// A stream that disappears while it is read is told of by name, in a metric too, and waited for. Made again, it is read
// from its beginning.
func TestJetStreamStreamDisappears(t *testing.T) {
	t.Parallel()
	s := startNATS(t)
	r := s.readFive()
	if n := r.metric("ciobridge_stream_missing"); n != 0 {
		t.Errorf("a stream that is there is told of: %v", n)
	}
	info := s.stream().CachedInfo()
	if err := s.client.JetStream().DeleteStream(t.Context(), "EVENTS"); err != nil {
		t.Fatal(err)
	}
	waitUntil(t, "the reason is told", func() bool {
		err := r.source.Ready()
		return err != nil && strings.Contains(err.Error(), "stream EVENTS: the stream has been deleted")
	})
	if n := r.metric("ciobridge_stream_missing"); n != 1 {
		t.Errorf("the metric says %v", n)
	}
	if _, err := s.client.JetStream().CreateStream(t.Context(), info.Config); err != nil {
		t.Fatal(err)
	}
	s.publish(1, 2)
	waitUntil(t, "the new stream is read", func() bool { return len(r.seen()) == 7 })
	wantSeen(t, "the reader", r.seen(), append(sequence(1, 5), 1, 2))
	waitUntil(t, "all is well again", func() bool {
		return r.source.Ready() == nil && r.metric("ciobridge_stream_missing") == 0
	})
}
