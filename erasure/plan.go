package erasure

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/ciobridge/ciobridge/event"
)

// plan is what becomes of the calls of a request.
type plan struct {
	judged   []judged
	outcomes []event.Outcome // of those that are not sent
	stuck    bool            // a fence could not be written; no other is tried
}

type judged struct {
	verdict verdict
	digests []Digest
}

// plan decides about the calls, in their order, and raises and lifts the fences that they ask for. It is nil where all
// are simply sent.
func (s *Sender) plan(ctx context.Context, calls []event.Call) *plan {
	empty := s.fences.Len() == 0
	var p *plan
	var moved []Digest // whose fences this request moves: what comes behind is judged when that is settled
	for i := range calls {
		c := &calls[i]
		if c.About == nil || empty && c.Step.Fence == event.PassFence && moved == nil {
			continue
		}
		j := judged{digests: s.digests(c)}
		if slices.ContainsFunc(j.digests, func(d Digest) bool { return slices.Contains(moved, d) }) {
			j.verdict = hold
		} else {
			j.verdict = s.judge(c, j.digests)
		}
		if j.verdict == send && c.Step.Fence == event.PassFence {
			continue
		}
		if p == nil {
			p = &plan{judged: make([]judged, len(calls)), outcomes: make([]event.Outcome, len(calls))}
		}
		if c.Step.Fence != event.PassFence || j.verdict == raise || j.verdict == hold {
			moved = append(moved, j.digests...)
		}
		p.judged[i], p.outcomes[i] = s.prepare(ctx, p, c, j)
	}
	return p
}

// Stands reports whether the fences have none of the calls of a request held by now. Whoever makes the attempts calls
// it right before one: the calls may have waited for their turn since they were looked at, for as long as an outage
// lasts, and others have raised fences meanwhile.
func (s *Sender) Stands(calls []event.Call) bool {
	switch {
	case s.fences.Behind() > fresh:
		return false
	case s.fences.Len() == 0:
		return true
	}
	for i := range calls {
		if c := &calls[i]; c.About != nil && s.judge(c, s.digests(c)) != send {
			return false
		}
	}
	return true
}

func (s *Sender) digests(c *event.Call) []Digest {
	digests := make([]Digest, len(c.About.Persons))
	workspace := s.opts.Workspace(c.Destination())
	for i, identifier := range c.About.Persons {
		digests[i] = s.fences.digest.Of(workspace, identifier)
	}
	return digests
}

// judge decides about a call by all its identifiers. An erasure that has to be raised for one of them, or was not
// accepted for one, is sent.
func (s *Sender) judge(c *event.Call, digests []Digest) verdict {
	now, at := time.Now(), placeOf(c)
	all := make([]verdict, len(digests))
	for i, d := range digests {
		fence, known := s.fences.get(d)
		all[i], _ = fence.judge(known, c.Step, at, now, s.opts.Skew)
		if all[i] == raise && !erases(c) && now.Before(s.fences.pendingSince(d).Add(s.opts.Settle+patience)) {
			all[i] = hold // it would be erased by what has to come first
		}
	}
	switch {
	case len(all) == 0:
		return send
	case !erases(c):
		return slices.Max(all)
	case slices.Contains(all, raise):
		return raise
	}
	return slices.Min(all)
}

// erases reports whether a call is a delete or suppress.
func erases(c *event.Call) bool {
	return c.Step.Fence == event.DeleteFence || c.Step.Fence == event.SuppressFence
}

// patience is for how long what brings a person back waits for an erasure that could be sent and was not accepted:
// through most outages, but not for ever, as it may be a dead letter.
const patience = 5 * time.Minute

// prepare does what a verdict asks for before the call is sent, and gives the outcome of a call that is not.
func (s *Sender) prepare(ctx context.Context, p *plan, c *event.Call, j judged) (judged, event.Outcome) {
	switch j.verdict {
	case hold:
		return j, event.Outcome{NotBefore: time.Now().Add(pause)}
	case done:
		return j, event.Outcome{Result: event.Delivered, Unheard: true}
	case tooEarly:
		s.metrics.early.Add(1)
		return j, erased("its person was erased, and the event is earlier than that")
	case notRevive:
		s.metrics.late.Add(1)
		return j, erased("its person was erased before the event, and the rule does not say revive: true")
	case raise:
		err := errStuck
		if !p.stuck {
			err = s.move(ctx, c, j.digests)
		}
		if err != nil {
			p.stuck = true
			s.metrics.failed(s.log, "an erasure fence cannot be written; its calls wait", err)
			j.verdict = hold
			return j, event.Outcome{NotBefore: time.Now().Add(pause)}
		}
	}
	j.verdict = send
	if until := s.settledAt(c, j.digests); time.Now().Before(until) {
		j.verdict = hold
		return j, event.Outcome{NotBefore: until}
	}
	return j, event.Outcome{}
}

// errStuck means that a fence was not written because the one before it could not be.
var errStuck = errors.New("the log of fences fails")

// move raises or lifts the fences of a call.
func (s *Sender) move(ctx context.Context, c *event.Call, digests []Digest) error {
	ctx, cancel := context.WithTimeout(ctx, writeLimit)
	defer cancel()
	now, at := time.Now(), placeOf(c)
	return s.fences.put(ctx, digests, func(_ Digest, old Fence, known bool) Fence {
		verdict, next := old.judge(known, c.Step, at, now, s.opts.Skew)
		if verdict == raise {
			return next
		}
		return old
	})
}

// settledAt is from when on an erasure may be sent.
func (s *Sender) settledAt(c *event.Call, digests []Digest) (until time.Time) {
	if !erases(c) {
		return until
	}
	for _, d := range digests {
		if at := s.fences.pendingSince(d).Add(s.opts.Settle); at.After(until) {
			until = at
		}
	}
	return until
}

func erased(detail string) event.Outcome {
	return event.Outcome{Result: event.Refused, Unheard: true, Failure: &event.Failure{
		Stage: event.StageDelivery, Reason: event.ReasonErased, Detail: detail,
	}}
}
