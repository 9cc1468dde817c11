package pipeline

import (
	"context"
	"slices"
	"time"

	"github.com/cenkalti/backoff/v4"
	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/event"
)

// outbox holds letters on their way to the dead letters. Their messages stay in hand, so that the budget bounds them and the
// source waits when they cannot be stored.
type outbox struct {
	pending []*parcel
	bell    chan struct{} // rung for a letter
	ended   chan struct{} // rung for a lease that is being given up
	down    bool          // the last attempt failed
}

// What one Put takes: at most so many letters, and so many bytes unless the first alone has more.
const (
	lettersAtOnce     = 100
	letterBytesAtOnce = 1 << 20
)

// halt stops the flow when a message has made too much of a rule's fail, or nothing when of is nil. The caller holds p.mu.
func (p *Pipeline) halt(pc *parcel, of *guarded) {
	if of == nil {
		return
	}
	f := &pc.failures[len(pc.failures)-1]
	p.log.Error("flow stopped: most of the last events failed; mend the rule or the producer and restart, or raise dead_letters.stop_share",
		zap.Stringer("failing", of), zap.String("reason", string(f.Reason)), zap.String("field", f.Field), zap.Stringer("origin", pc.msg.Origin))
	p.metrics.stopped.Set(1)
	p.stopped.Store(true)
}

// post puts a message's letter into the outbox. The caller holds p.mu.
func (p *Pipeline) post(pc *parcel) {
	pc.tenancy.letters++
	p.outbox.pending = append(p.outbox.pending, pc)
	ring(p.outbox.bell)
	if pc.tenancy.draining {
		ring(p.outbox.ended)
	}
}

// writeLetters stores letters until ctx ends.
func (p *Pipeline) writeLetters(ctx context.Context) {
	wait := backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(200*time.Millisecond), backoff.WithMaxInterval(6500*time.Millisecond), backoff.WithMaxElapsedTime(0))
	for {
		parcels := p.outboxed()
		if len(parcels) == 0 {
			select {
			case <-p.outbox.bell:
				continue
			case <-ctx.Done():
				return
			}
		}
		letters := make([]event.FailedMessage, len(parcels))
		for i, pc := range parcels {
			letters[i] = event.FailedMessage{Message: pc.msg, Failures: pc.failures}
		}
		err := p.stages.DeadLetters.Put(ctx, letters...)
		p.posted(parcels, err)
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
func (p *Pipeline) outboxed() []*parcel {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.outbox.down && p.draining > 0 {
		kept := p.outbox.pending[:0]
		for _, pc := range p.outbox.pending {
			if t := pc.tenancy; t.draining {
				t.letters--
				t.settle()
				continue
			}
			kept = append(kept, pc)
		}
		clear(p.outbox.pending[len(kept):])
		p.outbox.pending = kept
		if len(kept) == 0 { // nothing waits any more, so that nothing would tell when storing works again
			p.outbox.down = false
			p.metrics.lettersDown.Set(0)
		}
	}
	n, size := 0, int64(0)
	for n < min(len(p.outbox.pending), lettersAtOnce) && (n == 0 || size+p.outbox.pending[n].letterSize() <= letterBytesAtOnce) {
		size += p.outbox.pending[n].letterSize()
		n++
	}
	return slices.Clone(p.outbox.pending[:n])
}

// letterSize is about what a message's letter takes.
func (pc *parcel) letterSize() int64 { return int64(pc.msg.Size() + len(pc.failures)*failureOverhead) }

// posted settles the letters of one Put.
func (p *Pipeline) posted(parcels []*parcel, err error) {
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
		clear(p.outbox.pending[:len(parcels)])
		p.outbox.pending = p.outbox.pending[len(parcels):]
		for _, pc := range parcels {
			for i := range pc.failures {
				p.metrics.letters[pc.failures[i].Reason].Inc()
			}
			t := pc.tenancy
			t.letters--
			done = p.finish(pc, done)
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
