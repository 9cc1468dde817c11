package app

import (
	"context"

	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/app/status"
	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/mapping"
	"github.com/ciobridge/ciobridge/pipeline"
	"github.com/ciobridge/ciobridge/source"
)

// Troubles says what keeps messages from coming. The bridge must be connected.
func (b *Bridge) Troubles() []string { return b.source.Troubles() }

// Stats is what a bridge has done since it was made.
type Stats struct {
	pipeline.Stats
	Requests int // to Customer.io
}

// Stats tells what the bridge has done. The bridge must be connected.
func (b *Bridge) Stats() Stats { return Stats{b.pipeline.Stats(), b.sender.Requests()} }

// Status tells how the bridge does.
func (b *Bridge) Status() status.Status {
	rules, generation := b.rules.Current()
	s := status.Status{Version: b.version, ConfigHash: rules.Hash(), Generation: generation, Started: b.started,
		Reports: b.reportStatus()}
	describeRules(&s, rules)
	if b.reloader != nil {
		s.Refused = b.reloader.refused.Load()
	}
	obstacles := b.obstacles()
	s.Ready = len(obstacles) == 0 && b.flowing.Load()
	for _, o := range obstacles {
		s.NotReady = append(s.NotReady, o.public())
	}
	s.Destinations = []status.Destination{}
	for _, d := range b.sender.Reports() {
		s.Destinations = append(s.Destinations, status.Destination{
			Workspace: d.Workspace, Endpoint: d.Endpoint.String(), URL: d.URL, State: string(d.Condition), Held: d.Held,
			Trouble: string(d.Cause), Status: d.Status, Failures: d.Failures, Since: d.Since, Accepted: d.Accepted,
		})
		if d.Accepted.After(s.LastSuccess) {
			s.LastSuccess = d.Accepted
		}
	}
	s.Source.Partitions = []status.Partition{}
	if section := b.config.Source.Section(); section != nil {
		s.Source.Kind, s.Source.Reads = section.Kind(), section.Names()
	}
	s.DeadLetters.Where = b.config.DeadLetters.Where()
	if b.flowing.Load() {
		b.describeFlow(&s)
	}
	return s
}

// describeFlow tells what only a bridge knows that has reached its broker.
func (b *Bridge) describeFlow(s *status.Status) {
	for _, p := range b.source.Partitions() {
		v := status.Partition{Topic: p.Topic, Partition: p.Partition, State: p.State, InFlight: p.InFlight,
			Oldest: p.Oldest.Seconds()}
		if p.Known {
			v.Offset, v.Lag = &p.Offset, &p.Lag
		}
		s.Source.Partitions = append(s.Source.Partitions, v)
	}
	n := b.Stats()
	s.Messages = status.Messages{Delivered: n.Delivered, DeadLettered: n.DeadLettered, Skipped: n.Skipped,
		Calls: n.CallsDelivered, Refused: n.CallsRefused, Requests: n.Requests}
	s.DeadLetters.Down = n.DeadLettersDown
	if err := b.letters.Ready(); err != nil {
		s.DeadLetters.Trouble = obstacle{provesLetters, err}.public()
	}
	if b.counter != nil {
		b.counter.Tell(&s.DeadLetters)
	}
	for _, stop := range b.pipeline.Stops() {
		s.Stopped = append(s.Stopped, status.Stop{Rule: stop.Rule, Topic: stop.Topic, Owner: stop.Owner,
			Stage: string(stop.Stage), Cause: string(stop.Cause), Since: stop.Since,
			Why: pipeline.StoppedError{stop}.Error()})
	}
}

// describeRules tells what the rules have done.
func describeRules(s *status.Status, rules *mapping.Rules) {
	byRule := map[string]*status.Rule{}
	stats := rules.Stats()
	s.Rules = make([]status.Rule, len(stats))
	for i, r := range stats {
		s.Rules[i] = status.Rule{Rule: r.Rule, Owner: rules.Policy(r.Rule).Owner, Matched: r.Matched,
			Skipped: r.Skipped, Calls: r.Calls, Failed: r.Failed, Unsent: r.Unsent}
		byRule[r.Rule] = &s.Rules[i]
	}
	for _, u := range rules.Unfit() {
		if r := byRule[u.Rule]; u.Cut {
			r.Truncated += u.Values
		} else {
			r.LeftOut += u.Values
		}
	}
	s.Skipped = status.Skipped(rules.Skips())
	types, others := rules.Unmatched()
	s.Unmatched = status.Unmatched{Types: []status.UnmatchedType{}, Others: others}
	for _, t := range types {
		s.Unmatched.Types = append(s.Unmatched.Types, status.UnmatchedType{Type: t.Type, Events: t.Events,
			First: t.First, Last: t.Last})
	}
}

// countLetters counts open dead letters at times until ctx ends.
func (b *Bridge) countLetters(ctx context.Context) {
	if b.counter != nil {
		b.counter.Run(ctx)
	}
}

// newCounter makes what counts open dead letters; nil where nobody wants them counted.
func (b *Bridge) newCounter() *status.Counter {
	every := b.config.DeadLetters.CountEvery
	if every == 0 {
		return nil
	}
	c := status.NewCounter(b.letters, every, func() map[event.Reason]int { return b.pipeline.Stats().DeadLetters },
		func(err error) { b.log.Warn("dead letters cannot be counted; it is tried again", zap.Error(err)) })
	b.registry.MustRegister(c)
	return c
}

// readableLetters are the dead letters once they are proven; nil before.
func (b *Bridge) readableLetters() deadletter.Reader {
	if !b.flowing.Load() {
		return nil
	}
	return b.letters
}

// Broker is the broker that Connect has reached.
func (b *Bridge) Broker() source.Broker { return b.broker }

// Letters are the dead letters, once Connect has reached their broker.
func (b *Bridge) Letters() source.Letters { return b.letters }
