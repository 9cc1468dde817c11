package pipeline

import (
	"context"
	"slices"
	"sync"

	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/pipeline/breaker"
)

// resumption is what somebody has asked to go on, and how the reading is ended for it.
type resumption struct {
	mu     sync.Mutex
	chosen []func(breaker.Stop) bool
	again  context.CancelFunc // ends the reading that is going on; nil while none is
}

// Resume lets rules and topics go on that have stopped, and returns which it has chosen. What is held of them is read
// again: the source gives up its leases, what moves finishes, the rest is dropped and comes again in its order, and is
// mapped anew. Resume does not wait for that.
func (p *Pipeline) Resume(chosen func(Stop) bool) []Stop {
	resumed := slices.DeleteFunc(p.Stops(), func(s Stop) bool { return !chosen(s) })
	if len(resumed) == 0 {
		return nil
	}
	r := &p.resume
	r.mu.Lock()
	defer r.mu.Unlock()
	r.chosen = append(r.chosen, func(s breaker.Stop) bool {
		return slices.ContainsFunc(resumed, func(o Stop) bool { return o.Stop == s })
	})
	if r.again != nil {
		r.again()
	}
	return resumed
}

// RulesChanged is called when the mapper has taken up other rules, with their hash. What those of before have made, or
// are still making, stops none of them.
func (p *Pipeline) RulesChanged(hash string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.breaker.Changed(hash)
}

// consume has the source read until ctx ends or it fails, and read again whenever something is resumed.
func (p *Pipeline) consume(ctx context.Context) error {
	r := &p.resume
	for {
		reading, again := context.WithCancel(ctx)
		r.mu.Lock()
		r.again = again
		if len(r.chosen) > 0 {
			again()
		}
		r.mu.Unlock()
		err := p.stages.Source.Consume(reading, p.handle)
		resumes := reading.Err() != nil && ctx.Err() == nil
		r.mu.Lock()
		chosen := r.chosen
		r.chosen, r.again = nil, nil
		r.mu.Unlock()
		again()
		if err != nil || !resumes {
			return err
		}
		p.goOn(chosen)
	}
}

// goOn ends what is left under the leases of a reading that has ended, and lets the chosen go on.
func (p *Pipeline) goOn(chosen []func(breaker.Stop) bool) {
	for _, a := range p.input.held() {
		if a.Unregister() {
			p.drain(a)
			p.drains.Done()
		}
	}
	p.drains.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, of := range p.breaker.Stops().List() {
		for _, f := range chosen {
			if f(of) {
				p.log.Info("goes on", zap.Stringer("resumed", of), zap.String("owner", p.stages.policy(of.Rule).Owner))
			}
		}
	}
	p.breaker.Resume(func(s breaker.Stop) bool {
		return slices.ContainsFunc(chosen, func(f func(breaker.Stop) bool) bool { return f(s) })
	})
	if p.people != nil {
		p.people.Resume()
	}
	p.showStops()
}
