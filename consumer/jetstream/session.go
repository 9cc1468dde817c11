package jetstream

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ciobridge/ciobridge/consumer"
)

// session is one turn of reading: from gaining the pin until it is given up, and what is in hand meanwhile.
type session struct {
	r       *reader
	pin     string
	lease   *consumer.Lease
	tracker *consumer.Tracker
	info    *jetstream.StreamInfo
	inbox   *inbox

	reply    atomic.Pointer[string]    // of any message of the session
	ackFloor atomic.Uint64             // the floor that the server has confirmed
	pinUntil atomic.Pointer[time.Time] // up to when the pin is promised to us
	lag      atomic.Uint64
	endCause atomic.Pointer[endCause] // why the session ends; the first counts

	commitSoon   chan struct{} // rung when much has been delivered
	deletedCount atomic.Int64  // messages that were found deleted since that was last told
	saveFailed   atomic.Bool   // the checkpoint cannot be stored

	commitMu     sync.Mutex
	savedVersion uint64               // the tracker's news that is stored
	ackedBuf     consumer.AckedRanges // memory for what is done

	// Only deliverLoop uses what follows.
	resumeAt        uint64    // where reading went on when the session began
	outstanding     int       // messages asked for that have not come
	lastConsumerSeq uint64    // of the last delivery
	lastStreamSeq   uint64    // sequence of the last message
	frames          []frame   // taken from the inbox
	receivedAt      time.Time // when they were
	bareHeader      []byte    // the header of a message that has none of its own
	replyPrefix     []byte    // of the reply subjects, up to their numbers
	names           nameCache
	heartbeatAhead  bool // the last heartbeat named a delivery that has not arrived
	askOne          bool // the next message is larger than a request's bytes: ask for it alone
}

type endCause struct{ err error }

// startSession claims the checkpoint, sets the consumer back and makes ready to read from there. The inbox is a new one and is first used
// after the reset, so that nothing that was sent before can be taken for what comes after.
func (r *reader) startSession(ctx context.Context, pin string) (*session, error) {
	p, err := r.renewPin(ctx, pin)
	if err != nil {
		return nil, err
	}
	base, info, err := r.startFromCheckpoint(ctx, pin, p.floor)
	if err != nil {
		return nil, err
	}
	inbox, err := r.subscribe(ctx)
	if err != nil {
		return nil, err
	}
	s := newSession(r, pin, p.sent, base)
	s.info, s.inbox = info, inbox
	s.lag.Store(p.lag)
	return s, nil
}

// newSession makes a session that begins after the sequence base, by a pin that was proved by a request written at proved.
func newSession(r *reader, pin string, proved time.Time, base uint64) *session {
	s := &session{
		r: r, pin: pin, lastStreamSeq: base, resumeAt: uint64(r.progress.committable),
		lease:      consumer.NewLease(proved, r.cfg.SessionTimeout),
		tracker:    consumer.NewTracker(int64(base)+1, r.cfg.MaxUncommitted),
		bareHeader: fmt.Appendf(nil, "NATS/1.0\r\n%s: %s\r\n\r\n", pinHeader, pin),
		names:      nameCache{},
		commitSoon: make(chan struct{}, 1),
	}
	s.tracker.Resume(consumer.AckedRanges(nil).Append(consumer.Range{From: int64(base) + 1, To: max(int64(base)+1, r.progress.committable)}).AppendFrom(r.progress.acked, r.progress.committable))
	s.ackFloor.Store(base)
	s.extendPin(proved)
	return s
}

// run hands over messages until ctx ends or the session does, gives up what is in hand, and acknowledges what is done.
func (s *session) run(ctx context.Context, broken <-chan nats.Status, handle consumer.Handler) error {
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
	r.progress.lastTracker, r.progress.lastPin = s.tracker, s.pin
	r.metrics.countSession(s.cause())
	if stop := (*fatalError)(nil); (ctx.Err() != nil || errors.As(s.cause(), &stop) || errors.Is(s.cause(), errReassigned)) && s.holdsPin() {
		r.releasePin()
	}
	return s.cause()
}

// deliverUntilDrained hands messages over until the session ends, and then waits for what is in hand up to the drain limit. A handler that has
// not returned by then is left behind: its lease is over, so that nothing comes of what it returns.
func (s *session) deliverUntilDrained(handle consumer.Handler) {
	pumped := make(chan struct{})
	go func() {
		defer close(pumped)
		s.end(s.deliverLoop(handle))
	}()
	<-s.lease.Done()
	drained := time.NewTimer(s.r.cfg.DrainLimit)
	defer drained.Stop()
	s.lease.End(s.r.cfg.DrainLimit)
	select {
	case <-pumped:
	case <-drained.C:
		s.r.log.Warn("a message was not taken within the drain limit: reading ends without it, and it comes again")
	}
}

// end ends the session for the given reason, unless it ends already. Where the right to read may have passed to others, no
// attempt begins from here on; the other ends leave it with us, and what is in hand may finish.
func (s *session) end(err error) {
	if !s.endCause.CompareAndSwap(nil, &endCause{err}) {
		return
	}
	if stop := (*fatalError)(nil); !errors.As(err, &stop) && !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, errFloorWentBack) && !errors.Is(err, errReassigned) {
		s.lease.Lose()
	}
	s.lease.Revoke(s.r.cfg.DrainLimit)
}

func (s *session) cause() error {
	if c := s.endCause.Load(); c != nil {
		return c.err
	}
	return nil
}

// keepPin renews the pin, and ends the session when it is lost, cannot be proved in time, or the connection breaks, since what was
// on its way is then gone. It goes on during the drain, so that the last acknowledgement is made by right.
func (s *session) keepPin(done <-chan struct{}, broken <-chan nats.Status) {
	every := time.NewTicker(s.r.cfg.SessionTimeout / 4)
	defer every.Stop()
	mine, changed := s.r.group.assigned(s.r.indexInGroup)
	for {
		if !mine {
			s.end(errReassigned)
			changed = nil
		}
		select {
		case <-done:
			return
		case <-changed:
			mine, changed = s.r.group.assigned(s.r.indexInGroup)
		case <-broken:
			s.end(errDisconnected)
			broken = nil
		case <-every.C:
			s.renewPin()
		}
	}
}

func (s *session) renewPin() {
	acked := s.ackFloor.Load()
	p, err := s.r.renewPin(context.Background(), s.pin)
	switch {
	case errors.Is(err, errPinLost):
		s.losePin()
		s.end(err)
		return
	case errors.Is(err, errConsumerGone) || errors.As(err, new(*fatalError)):
		s.end(err)
		return
	case err == nil:
		s.extendPin(p.sent)
		s.lease.Renew(p.sent)
		s.lag.Store(p.lag)
	}
	if !s.lease.Owned() {
		s.end(errPinUnproven)
	} else if err == nil && p.floor < acked {
		// An acknowledgement of an earlier turn that arrived late makes the server take ours for older ones. A reset mends that.
		s.end(errFloorWentBack)
	}
}
