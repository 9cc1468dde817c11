package jetstream

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ciobridge/ciobridge/consumer"
	"github.com/ciobridge/ciobridge/event"
)

// session is one period of reading: from the moment the reader has the pin until it gives it up.
//
// startSession proves the pin, loads the checkpoint, resets the consumer, and stores the checkpoint under the new
// pin. From then on no earlier reader can write the checkpoint. run starts the goroutines below and delivers messages
// until the session ends. It ends when the pin is lost or cannot be proved, when the connection breaks, when a
// delivery does not follow the one before, when the partition is assigned to another replica, and when the process
// stops. The first cause counts. What is in flight then has until the drain limit to finish. The last commit stores
// what was finished, and the pin is given back if others can use it. The reader keeps the tracker, so that the next
// session of this process knows what was acked after the last commit.
//
// Goroutines. All of them have ended when run returns, except for one that waits for a handler past the drain limit.
//
//   - The caller of run starts and ends the others, and makes the last commit.
//   - deliverLoop asks for messages and delivers them. It alone uses pulls, position and decoder.
//   - keepPin proves the pin several times per session timeout. It extends lease and pin, and sets lag.
//   - commitEvery commits at intervals, and when much was delivered.
//   - inbox.readLoop reads the connection into chunks.
//
// The goroutines of the pipeline ack messages. They use tracker and the chunk of the message, nothing else.
//
// Locks. Two are held while another is taken, in this order: commits.mu before the mutexes of tracker and lease;
// inbox.mu before chunk.mu, before that of the pool of buffers. Only commits.mu is held while the server is waited
// for.
type session struct {
	r       *reader
	info    *jetstream.StreamInfo // the stream when the session began
	inbox   *inbox
	lease   *consumer.Lease   // messages are delivered under it
	tracker *consumer.Tracker // what is in flight, and the committable offset

	pin     heldPin
	commits commits

	pulls     pulls
	position  position
	decoder   decoder
	delivered event.Message // the one that is being handed over

	endCause atomic.Pointer[endCause] // why the session ends
	lag      atomic.Uint64            // messages of the stream that are not acked, when the pin was last proved
	deleted  atomic.Int64             // messages found deleted that were not logged yet
}

// startSession begins a session with a pin that the reader has just got. The inbox is opened after the reset, so that
// nothing that was sent before the reset is taken for what comes after it.
func (r *reader) startSession(ctx context.Context, pin string) (*session, error) {
	proof, err := r.provePin(ctx, pin)
	if err != nil {
		return nil, err
	}
	base, info, err := r.startFromCheckpoint(ctx, pin, proof.ackFloor)
	if err != nil {
		return nil, err
	}
	inbox, err := r.subscribe(ctx)
	if err != nil {
		return nil, err
	}
	s := newSession(r, pin, proof.sent, base, inbox)
	s.info = info
	s.lag.Store(proof.lag)
	return s, nil
}

// newSession makes a session that begins after the sequence base. Its pin was proved by a request written at proved.
func newSession(r *reader, pin string, proved time.Time, base uint64, inbox *inbox) *session {
	s := &session{
		r:        r,
		inbox:    inbox,
		lease:    consumer.NewLease(proved, r.cfg.SessionTimeout),
		tracker:  consumer.NewTracker(int64(base)+1, r.cfg.MaxUncommitted),
		pin:      heldPin{id: pin, timeout: r.cfg.SessionTimeout},
		commits:  commits{soon: make(chan struct{}, 1)},
		pulls:    newPulls(r, pin, inbox),
		position: position{resumeAt: uint64(r.progress.committable), streamSeq: base},
		decoder:  newDecoder(pin),
	}
	first := int64(base) + 1
	var acked consumer.AckedRanges
	acked = acked.Append(consumer.Range{From: first, To: max(first, r.progress.committable)})
	s.tracker.Resume(acked.AppendFrom(r.progress.acked, r.progress.committable))
	s.commits.ackFloor.Store(base)
	s.pin.extend(proved)
	return s
}

// run delivers messages until ctx or the session ends, drains what is in flight, and commits what is finished.
func (s *session) run(ctx context.Context, broken <-chan nats.Status, handle event.Handler) error {
	r := s.r
	defer s.inbox.close()
	r.session.Store(s)
	defer r.session.Store(nil)
	r.setState(stateActive, nil)
	r.wasReading = true
	unwatch := context.AfterFunc(ctx, func() { s.end(ctx.Err()) })
	defer unwatch()

	finish := make(chan struct{})
	var keepers sync.WaitGroup
	keepers.Go(func() { s.keepPin(finish, broken) })
	keepers.Go(func() { s.commitEvery(finish) })

	s.deliverUntilDrained(handle)
	s.commitFinal(ctx)
	close(finish)
	keepers.Wait()
	s.logDeleted()
	r.progress.lastTracker, r.progress.lastPin = s.tracker, s.pin.id
	r.metrics.countSession(s.cause())
	if (ctx.Err() != nil || isFatal(s.cause()) || errors.Is(s.cause(), errReassigned)) && s.pin.held() {
		r.releasePin()
	}
	return s.cause()
}

// deliverUntilDrained delivers messages until the session ends, and then waits for what is in flight up to the drain
// limit. A handler that has not returned by then is left behind: its lease is over, so nothing comes of what it
// returns.
func (s *session) deliverUntilDrained(handle event.Handler) {
	delivered := make(chan struct{})
	go func() {
		defer close(delivered)
		s.end(s.deliverLoop(handle))
	}()
	<-s.lease.Done()
	drained := time.NewTimer(s.r.cfg.DrainLimit)
	defer drained.Stop()
	s.lease.End(s.r.cfg.DrainLimit)
	select {
	case <-delivered:
	case <-drained.C:
		s.r.log.Warn("a message was not taken within the drain limit: reading ends without it, and it comes again")
	}
}

// keepPin proves the pin again and again. It ends the session when the pin is lost or was not proved in time, when
// the partition is assigned to another replica, and when the connection breaks, because what was on its way is then
// gone. It goes on during the drain, so that the last commit is made under the pin.
func (s *session) keepPin(done <-chan struct{}, broken <-chan nats.Status) {
	every := time.NewTicker(s.r.cfg.SessionTimeout / 4)
	defer every.Stop()
	assigned, changed := s.r.group.assigned(s.r.indexInGroup)
	for {
		if !assigned {
			s.end(errReassigned)
			changed = nil
		}
		select {
		case <-done:
			return
		case <-changed:
			assigned, changed = s.r.group.assigned(s.r.indexInGroup)
		case <-broken:
			s.end(errDisconnected)
			broken = nil
		case <-every.C:
			s.extendPin()
		}
	}
}

// extendPin proves the pin once, and extends it and the lease.
func (s *session) extendPin() {
	ackFloor := s.commits.ackFloor.Load()
	proof, err := s.r.provePin(context.Background(), s.pin.id)
	switch {
	case errors.Is(err, errPinLost):
		s.pin.lose()
		s.end(err)
		return
	case errors.Is(err, errConsumerGone) || isFatal(err):
		s.end(err)
		return
	case err == nil:
		s.pin.extend(proof.sent)
		s.lease.Renew(proof.sent)
		s.lag.Store(proof.lag)
	}
	if !s.lease.Owned() {
		s.end(errPinUnproven)
	} else if err == nil && proof.ackFloor < ackFloor {
		// An ack of an earlier session that arrived late makes the server take ours for older ones. A reset mends that.
		s.end(errFloorWentBack)
	}
}
