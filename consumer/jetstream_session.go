package consumer

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// session is one turn of reading: from gaining the pin until it is given up, and what is in hand meanwhile.
type session struct {
	r      *streamReader
	pin    string
	lease  *ownership
	ledger *ledger
	info   *jetstream.StreamInfo
	inbox  *inbox

	reply atomic.Pointer[string]    // of any message of the session
	acked atomic.Uint64             // the floor that the server has confirmed
	until atomic.Pointer[time.Time] // up to when the pin is promised to us
	lag   atomic.Uint64
	cause atomic.Pointer[causeOf] // why the session ends; the first counts

	much    chan struct{} // rung when much has been delivered
	deleted atomic.Int64  // messages that were found deleted since that was last told
	unsaved atomic.Bool   // the checkpoint cannot be stored

	committing sync.Mutex
	saved      uint64  // the ledger's news that is stored
	spans      settled // memory for what is done

	// Only pump uses what follows.
	next    uint64    // where reading went on when the session began
	asked   int       // messages asked for that have not come
	ordinal uint64    // of the last delivery
	last    uint64    // sequence of the last message
	frames  []frame   // taken from the inbox
	now     time.Time // when they were
	header  []byte    // the header of a message that has none of its own
	prefix  []byte    // of the reply subjects, up to their numbers
	names   names
	missing bool // the last heartbeat named a delivery that has not arrived
	single  bool // the next message is larger than a request's bytes: ask for it alone
}

type causeOf struct{ err error }

// begin claims the checkpoint, sets the consumer back and makes ready to read from there. The inbox is a new one and is first used
// after the reset, so that nothing that was sent before can be taken for what comes after.
func (r *streamReader) begin(ctx context.Context, pin string) (*session, error) {
	p, err := r.prove(ctx, pin)
	if err != nil {
		return nil, err
	}
	base, info, err := r.claim(ctx, pin, p.floor)
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
func newSession(r *streamReader, pin string, proved time.Time, base uint64) *session {
	s := &session{
		r: r, pin: pin, last: base, next: uint64(r.memory.next),
		lease:  newOwnership(proved, r.cfg.SessionTimeout),
		ledger: newLedger(int64(base)+1, r.cfg.MaxUncommitted),
		header: fmt.Appendf(nil, "NATS/1.0\r\n%s: %s\r\n\r\n", pinHeader, pin),
		names:  names{},
		much:   make(chan struct{}, 1),
	}
	s.ledger.resume(settled(nil).append(span{int64(base) + 1, max(int64(base)+1, r.memory.next)}).after(r.memory.done, r.memory.next))
	s.acked.Store(base)
	s.promised(proved)
	return s
}

// read hands over messages until ctx ends or the session does, gives up what is in hand, and acknowledges what is done.
func (s *session) read(ctx context.Context, broken <-chan nats.Status, handle handler) error {
	r := s.r
	defer s.inbox.close()
	r.current.Store(s)
	defer r.current.Store(nil)
	r.become(stateActive, nil)
	r.mine = true
	unwatch := context.AfterFunc(ctx, func() { s.stop(ctx.Err()) })
	defer unwatch()

	finish := make(chan struct{})
	var keepers sync.WaitGroup
	keepers.Go(func() { s.keepPin(finish, broken) })
	keepers.Go(func() { s.commitEvery(finish) })

	s.pumpUntilDrained(handle)
	s.commitLast(ctx)
	close(finish)
	keepers.Wait()
	s.tellDeleted()
	r.memory.past, r.memory.pin = s.ledger, s.pin
	r.metrics.ended(s.why())
	if stop := (*stopError)(nil); (ctx.Err() != nil || errors.As(s.why(), &stop) || errors.Is(s.why(), errShared)) && s.mayCommit() {
		r.release()
	}
	return s.why()
}

// pumpUntilDrained hands messages over until the session ends, and then waits for what is in hand up to the drain limit. A handler that has
// not returned by then is left behind: its lease is over, so that nothing comes of what it returns.
func (s *session) pumpUntilDrained(handle handler) {
	pumped := make(chan struct{})
	go func() {
		defer close(pumped)
		s.stop(s.pump(handle))
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

// stop ends the session for the given reason, unless it ends already. Where the right to read may have passed to others, no
// attempt begins from here on; the other ends leave it with us, and what is in hand may finish.
func (s *session) stop(err error) {
	if !s.cause.CompareAndSwap(nil, &causeOf{err}) {
		return
	}
	if stop := (*stopError)(nil); !errors.As(err, &stop) && !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, errFloorWentBack) && !errors.Is(err, errShared) {
		s.lease.lose()
	}
	s.lease.Revoke(s.r.cfg.DrainLimit)
}

func (s *session) why() error {
	if c := s.cause.Load(); c != nil {
		return c.err
	}
	return nil
}

// keepPin renews the pin, and ends the session when it is lost, cannot be proved in time, or the connection breaks, since what was
// on its way is then gone. It goes on during the drain, so that the last acknowledgement is made by right.
func (s *session) keepPin(done <-chan struct{}, broken <-chan nats.Status) {
	every := time.NewTicker(s.r.cfg.SessionTimeout / 4)
	defer every.Stop()
	mine, changed := s.r.sharing.mine(s.r.slot)
	for {
		if !mine {
			s.stop(errShared)
			changed = nil
		}
		select {
		case <-done:
			return
		case <-changed:
			mine, changed = s.r.sharing.mine(s.r.slot)
		case <-broken:
			s.stop(errDisconnected)
			broken = nil
		case <-every.C:
			s.renew()
		}
	}
}

func (s *session) renew() {
	acked := s.acked.Load()
	p, err := s.r.prove(context.Background(), s.pin)
	switch {
	case errors.Is(err, errPinLost):
		s.lost()
		s.stop(err)
		return
	case errors.Is(err, errConsumerGone) || errors.As(err, new(*stopError)):
		s.stop(err)
		return
	case err == nil:
		s.promised(p.sent)
		s.lease.renew(p.sent)
		s.lag.Store(p.lag)
	}
	if !s.lease.owned() {
		s.stop(errUnproven)
	} else if err == nil && p.floor < acked {
		// An acknowledgement of an earlier turn that arrived late makes the server take ours for older ones. A reset mends that.
		s.stop(errFloorWentBack)
	}
}
