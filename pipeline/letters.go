package pipeline

import (
	"context"
	"time"

	"github.com/cenkalti/backoff/v4"
	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/event"
)

// outbox holds letters on their way to the dead letters. Their messages stay in hand, so that the budget bounds them and the
// source waits when they cannot be stored.
type outbox struct {
	pending []posting
	bell    chan struct{} // rung for a letter
	ended   chan struct{} // rung for a lease that is being given up
	down    bool          // the last attempt failed
}

// A posting is a letter and the message that waits for it.
type posting struct {
	parcel  *parcel
	failure event.Failure
}

// lettersAtOnce bounds the letters of one Put.
const lettersAtOnce = 100

// fail writes letters for what could not be mapped. The caller holds p.mu.
func (p *Pipeline) fail(pc *parcel, failures []event.Failure) {
	unread := false
	for i := range failures {
		unread = unread || failures[i].Rule == ""
		p.write(pc, failures[i])
	}
	if !unread {
		p.guard.read()
	}
}

// write puts a letter into the outbox. It returns false when there are so many failures that the flow has to stop: then the
// message stays in hand, and comes again after the restart. The caller holds p.mu.
func (p *Pipeline) write(pc *parcel, f event.Failure) bool {
	if p.guard.fail(f.Stage, f.Rule) {
		p.log.Error("flow stopped: most of a rule's last events failed; mend the rule and restart, or raise dead_letters.stop_share",
			zap.String("rule", f.Rule), zap.String("stage", string(f.Stage)), zap.String("reason", string(f.Reason)),
			zap.String("field", f.Field), zap.Stringer("origin", pc.msg.Origin))
		p.metrics.stopped.Set(1)
		p.stopped.Store(true)
	}
	if p.guard.stopped != nil {
		return false
	}
	pc.dead = true
	pc.tenancy.letters++
	if f.First.IsZero() {
		f.First = time.Now()
	}
	p.outbox.pending = append(p.outbox.pending, posting{pc, f})
	ring(p.outbox.bell)
	if pc.tenancy.draining {
		ring(p.outbox.ended)
	}
	return true
}

// writeLetters stores letters until ctx ends.
func (p *Pipeline) writeLetters(ctx context.Context) {
	wait := backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(200*time.Millisecond), backoff.WithMaxInterval(6500*time.Millisecond), backoff.WithMaxElapsedTime(0))
	for {
		postings := p.outboxed()
		if len(postings) == 0 {
			select {
			case <-p.outbox.bell:
				continue
			case <-ctx.Done():
				return
			}
		}
		letters := make([]event.Letter, len(postings))
		for i, l := range postings {
			letters[i] = event.Letter{Message: l.parcel.msg, Failures: []event.Failure{l.failure}}
		}
		err := p.stages.DeadLetters.Put(ctx, letters...)
		p.posted(postings, err)
		if err == nil {
			wait.Reset()
			continue
		}
		timer := time.NewTimer(wait.NextBackOff())
		select {
		case <-timer.C:
		case <-p.outbox.ended:
		case <-ctx.Done():
			timer.Stop()
			return
		}
		timer.Stop()
	}
}

// outboxed looks at the first letters of the outbox. Those of a lease that is being given up are dropped once storing fails:
// their messages come again.
func (p *Pipeline) outboxed() []posting {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.outbox.down && p.draining > 0 {
		kept := p.outbox.pending[:0]
		for _, l := range p.outbox.pending {
			if t := l.parcel.tenancy; t.draining {
				t.letters--
				t.settle()
				continue
			}
			kept = append(kept, l)
		}
		clear(p.outbox.pending[len(kept):])
		p.outbox.pending = kept
	}
	n := min(len(p.outbox.pending), lettersAtOnce)
	return append([]posting(nil), p.outbox.pending[:n]...)
}

// posted settles the letters of one Put.
func (p *Pipeline) posted(postings []posting, err error) {
	var done []*parcel
	p.mu.Lock()
	if err != nil && !p.outbox.down {
		p.log.Warn("dead letters cannot be stored; the source waits", zap.Error(err), zap.Int("waiting", len(p.outbox.pending)))
	}
	if err == nil && p.outbox.down {
		p.log.Info("dead letters are stored again")
	}
	p.outbox.down = err != nil
	p.metrics.lettersDown.Set(boolValue(p.outbox.down))
	if err == nil {
		clear(p.outbox.pending[:len(postings)])
		p.outbox.pending = p.outbox.pending[len(postings):]
		for _, l := range postings {
			p.metrics.letters[l.failure.Reason].Inc()
			t := l.parcel.tenancy
			t.letters--
			done = p.close(l.parcel, done)
			t.settle()
		}
	}
	p.mu.Unlock()
	p.tell(done)
}

func boolValue(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
