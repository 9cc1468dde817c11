package pipeline

import (
	"context"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/retry"
	"github.com/ciobridge/ciobridge/pipeline/inflight"
)

// pendingLetters holds letters on their way to the dead letters. Their messages stay in flight, so that the memory
// limit bounds them and the source waits when they cannot be stored.
type pendingLetters struct {
	letters []*inflight.Message
	wake    chan struct{} // holds one when a letter was added
	ended   chan struct{} // holds one for a lease that is being given up
	down    bool          // the last attempt failed
}

// What one Put takes: at most so many letters, and so many bytes unless the first alone has more.
const (
	lettersAtOnce     = 100
	letterBytesAtOnce = 1 << 20
)

// addLetter puts a message's letter into the pending letters. The caller holds p.mu.
func (p *Pipeline) addLetter(msg *inflight.Message) {
	msg.Assignment.Letters++
	p.pending.letters = append(p.pending.letters, msg)
	notify(p.pending.wake)
	if msg.Assignment.Draining {
		notify(p.pending.ended)
	}
}

// writeLetters stores letters until ctx ends.
func (p *Pipeline) writeLetters(ctx context.Context) {
	streak := retry.Policy{First: 200 * time.Millisecond, Longest: 6500 * time.Millisecond}.Streak()
	for {
		messages := p.nextLetters()
		if len(messages) == 0 {
			select {
			case <-p.pending.wake:
				continue
			case <-ctx.Done():
				return
			}
		}
		letters := make([]event.FailedMessage, len(messages))
		for i, msg := range messages {
			letters[i] = event.FailedMessage{Message: msg.Event, Failures: msg.Failures, Calls: msg.Calls}
		}
		err := p.stages.DeadLetters.Put(ctx, letters...)
		if err == nil {
			p.recordLetters(messages)
		}
		p.lettersStored(messages, err)
		if err == nil {
			streak.Worked()
			continue
		}
		timer := time.NewTimer(streak.Failed())
		select {
		case <-timer.C:
		case <-p.pending.ended:
		case <-ctx.Done():
			timer.Stop()
			return
		}
		timer.Stop()
	}
}

// nextLetters looks at the first letters of the pending letters. Those of a lease that is being given up are
// dropped once storing fails: their messages come again.
func (p *Pipeline) nextLetters() []*inflight.Message {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.pending.down && p.draining > 0 {
		kept := p.pending.letters[:0]
		for _, msg := range p.pending.letters {
			if a := msg.Assignment; a.Draining {
				a.Letters--
				a.CheckDrained()
				continue
			}
			kept = append(kept, msg)
		}
		clear(p.pending.letters[len(kept):])
		p.pending.letters = kept
		if len(kept) == 0 { // nothing waits any more, so that nothing would tell when storing works again
			p.pending.down = false
			p.metrics.lettersDown.Store(false)
		}
	}
	n, size := 0, int64(0)
	for n < min(len(p.pending.letters), lettersAtOnce) {
		if size += letterSize(p.pending.letters[n]); n > 0 && size > letterBytesAtOnce {
			break
		}
		n++
	}
	return slices.Clone(p.pending.letters[:n])
}

// letterSize is about what a message's letter takes.
func letterSize(msg *inflight.Message) int64 {
	return int64(msg.Event.Size() + len(msg.Failures)*failureOverhead)
}

// lettersStored settles the letters of one Put.
func (p *Pipeline) lettersStored(messages []*inflight.Message, err error) {
	var done []*inflight.Message
	p.mu.Lock()
	if err != nil && !p.pending.down {
		p.log.Warn("dead letters cannot be stored; the source waits",
			zap.Error(err), zap.Int("waiting", len(p.pending.letters)))
	}
	if err == nil && p.pending.down {
		p.log.Info("dead letters are stored again")
	}
	p.pending.down = err != nil
	p.metrics.lettersDown.Store(p.pending.down)
	if err == nil {
		clear(p.pending.letters[:len(messages)])
		p.pending.letters = p.pending.letters[len(messages):]
		for _, msg := range messages {
			for i := range msg.Failures {
				p.metrics.letters[msg.Failures[i].Reason].Add(1)
			}
			a := msg.Assignment
			a.Letters--
			done = p.finish(msg, done)
			a.CheckDrained()
		}
	}
	p.mu.Unlock()
	p.ack(done)
}
