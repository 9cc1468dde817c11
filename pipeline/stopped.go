package pipeline

import (
	"fmt"

	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/pipeline/breaker"
	"github.com/ciobridge/ciobridge/pipeline/inflight"
)

// A StoppedError is why the flow has stopped: most of what a rule makes failed in a stage. The rule is empty where
// most events failed before any rule.
type StoppedError struct {
	Rule  string
	Stage event.Stage
}

func (e *StoppedError) Error() string {
	if e.Rule == "" {
		return "stopped, because most events cannot be read; " +
			"look at the producer and at the topic's envelope, and restart"
	}
	return fmt.Sprintf("stopped, because most of what rule %q makes fails in %s; mend it and restart", e.Rule, e.Stage)
}

// Stopped is nil while the flow goes on, and a *StoppedError once too many failures have stopped it.
func (p *Pipeline) Stopped() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if over := p.breaker.Tripped(); over != nil {
		return &StoppedError{over.Rule, over.Stage}
	}
	return nil
}

// mapped has the breaker count what the rules have made of a message, and delivered what came of its calls.
func (p *Pipeline) mapped(msg *inflight.Message) *breaker.Subject {
	for i := range msg.Entries {
		msg.Entries[i].Rule = p.breaker.Rule(msg.Entries[i].Step)
	}
	if len(msg.Entries) == 1 && len(msg.Failures) == 0 {
		p.breaker.OneMapped(msg.Entries[0].Rule)
		return nil
	}
	return p.breaker.Mapped(msg.Counted())
}

func (p *Pipeline) delivered(msg *inflight.Message) *breaker.Subject {
	if len(msg.Entries) == 1 && len(msg.Failures) == 0 {
		p.breaker.OneDelivered(msg.Entries[0].Rule)
		return nil
	}
	return p.breaker.Delivered(msg.Counted())
}

// stopFlow stops the flow when a message has made too much of a rule's fail, or nothing when of is nil. The caller
// holds p.mu.
func (p *Pipeline) stopFlow(msg *inflight.Message, of *breaker.Subject) {
	if of == nil {
		return
	}
	f := &msg.Failures[len(msg.Failures)-1]
	p.log.Error("flow stopped: most of the last events failed; mend the rule or the producer and restart, "+
		"or raise dead_letters.stop_share",
		zap.Stringer("failing", of), zap.String("reason", string(f.Reason)), zap.String("field", f.Field),
		zap.Stringer("origin", msg.Event.Origin))
	p.metrics.stopped.Store(true)
	p.stopped.Store(true)
}
