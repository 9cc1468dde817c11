package pipeline

import (
	"fmt"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/pipeline/breaker"
	"github.com/ciobridge/ciobridge/pipeline/inflight"
	"github.com/ciobridge/ciobridge/pipeline/people"
)

// A Stop is a rule or a topic that has stopped.
type Stop struct {
	breaker.Stop
	Owner string // of the rule, as its author says
}

// StoppedError tells what has stopped. There is at least one.
type StoppedError []Stop

// Error tells each in a sentence.
func (e StoppedError) Error() string {
	var all []string
	for _, s := range e {
		switch {
		case s.Rule == "":
			all = append(all, fmt.Sprintf("the topic %q has stopped, because most of its events cannot be read; "+
				"look at the producer and at the topic's envelope, and resume", s.Topic))
		case s.Cause == breaker.NewPeople:
			all = append(all, fmt.Sprintf("the rule %q%s has stopped, because it names more people than new_people "+
				"allows who were not named before; look at whom it names, and resume", s.Rule, s.owned()))
		default:
			all = append(all, fmt.Sprintf("the rule %q%s has stopped, because most of what it makes fails in %s; "+
				"mend it, or resume", s.Rule, s.owned(), s.Stage))
		}
	}
	return strings.Join(all, "\n")
}

func (s *Stop) owned() string {
	if s.Owner == "" {
		return ""
	}
	return fmt.Sprintf(" of %q", s.Owner)
}

// Stops tells what has stopped.
func (p *Pipeline) Stops() []Stop {
	var all []Stop
	for _, s := range p.stops.Load().List() {
		all = append(all, Stop{s, p.stages.policy(s.Rule).Owner})
	}
	return all
}

// Stopped is nil while everything goes on, and a StoppedError once too many failures have stopped a rule or a topic.
func (p *Pipeline) Stopped() error {
	if stops := p.Stops(); len(stops) > 0 {
		return StoppedError(stops)
	}
	return nil
}

// FirstStop is closed when something stops for the first time.
func (p *Pipeline) FirstStop() <-chan struct{} { return p.firstStop }

// policy is what the author of a rule says of it.
func (s *Stages) policy(rule string) event.RulePolicy {
	if s.Rules == nil || rule == "" {
		return event.RulePolicy{}
	}
	return s.Rules(rule)
}

// lenient reports whether failures never stop a rule.
func (s *Stages) lenient(rule string) bool { return s.policy(rule).DeadLetters }

// mapped has the breaker count what the rules have made of a message, and delivered what came of its calls.
func (p *Pipeline) mapped(msg *inflight.Message) *breaker.Subject {
	entries := msg.Entries()
	for i := range entries {
		entries[i].Rule = p.breaker.Rule(entries[i].Step)
	}
	if len(msg.Calls) == 1 && len(msg.Failures) == 0 {
		p.breaker.OneMapped(msg.Event.Origin.Topic, entries[0].Rule)
		return nil
	}
	return p.breaker.Mapped(msg.Counted())
}

func (p *Pipeline) delivered(msg *inflight.Message) *breaker.Subject {
	if len(msg.Calls) == 1 && len(msg.Failures) == 0 {
		p.breaker.OneDelivered(msg.Entries()[0].Rule)
		return nil
	}
	return p.breaker.Delivered(msg.Counted())
}

// stopFlow makes known what a message has stopped, or nothing when of is nil. The caller holds p.mu.
func (p *Pipeline) stopFlow(msg *inflight.Message, of *breaker.Subject) {
	if of == nil {
		return
	}
	f := &msg.Failures[len(msg.Failures)-1]
	p.log.Error("flow stopped: most of the last events failed; mend the rule or the producer, and reload or resume, "+
		"or raise dead_letters.stop_share",
		zap.Stringer("failing", of), zap.String("owner", p.stages.policy(of.Rule).Owner),
		zap.String("reason", string(f.Reason)), zap.String("field", f.Field), zap.Stringer("origin", msg.Event.Origin))
	p.showStops()
}

// meet looks whether the person of a call is new, and stops a rule where too many are. Whom a rule names that
// has stopped, or is not in use any more, is not met. The caller holds p.mu.
func (p *Pipeline) meet(msg *inflight.Message, c *inflight.Call) {
	if !c.Step.NamesPerson || p.breaker.Stops().Rule(c.Step.Rule) || p.breaker.Former(c.Step.Rules) {
		return
	}
	if p.people == nil {
		p.people = people.New(p.config.NewPeople)
	}
	if p.people.Knows(c.Lanes(), c.Lane) {
		return
	}
	own := p.stages.policy(c.Step.Rule)
	over := p.people.Meet(c.Step.Rule, people.Limit{People: own.NewPeople, Per: own.Per}, time.Now(), c.Lanes(), c.Lane)
	if over == "" {
		return
	}
	p.breaker.Stop(breaker.Subject{Stage: event.StageMapping, Rule: over}, breaker.NewPeople)
	p.log.Error("rule stopped: it names more people than new_people allows who were not named before; look at whom "+
		"it names, and reload or resume", zap.String("rule", over), zap.String("owner", p.stages.policy(over).Owner),
		zap.Stringer("origin", msg.Event.Origin))
	p.showStops()
}

// showStops shows the stops of the breaker to those who do not hold p.mu. The caller does.
func (p *Pipeline) showStops() {
	stops := p.breaker.Stops()
	p.stops.Store(stops)
	p.metrics.stopped.Store(stops != nil)
	if stops != nil {
		p.tellFirstStop()
	}
}

// hold keeps a call of a rule that has stopped in its lanes. Its message comes again when the rule is resumed. The
// caller holds p.mu.
func (p *Pipeline) hold(c *inflight.Call) {
	c.Message.Assignment.Abandon(c)
	p.memory.Hold(c.Message.Account)
}
