package app

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/internal/exit"
	"github.com/ciobridge/ciobridge/internal/retry"
	"github.com/ciobridge/ciobridge/source"
)

// What is proven before the first event is read.
const (
	provesDestination = "customer.io"
	provesBroker      = "broker"
	provesSource      = "source"
	provesLetters     = "dead letters"
	provesLedger      = "send ledger"
)

// connectLimit is how long one attempt to connect takes, after which what is in the way is told. A silent network
// takes a client 5 s.
const connectLimit = 7 * time.Second

var errNotProven = errors.New("not proven yet")

// proofs are what is still to be proven, each with what is in its way.
type proofs struct {
	mu   sync.Mutex
	open []obstacle
}

func newProofs(names ...string) *proofs {
	p := &proofs{}
	for _, name := range names {
		p.open = append(p.open, obstacle{name, errNotProven})
	}
	return p
}

// note says what came of an attempt to prove something.
func (p *proofs) note(name string, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := slices.IndexFunc(p.open, func(o obstacle) bool { return o.what == name })
	switch {
	case i < 0:
	case err == nil:
		p.open = slices.Delete(p.open, i, i+1)
	default:
		p.open[i].err = err
	}
}

func (p *proofs) left() []obstacle {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.open)
}

// concurrently waits for several proofs. The first failure ends the others and is the error.
func concurrently(ctx context.Context, proofs ...func(context.Context) error) error {
	ctx, end := context.WithCancel(ctx)
	defer end()
	var all sync.WaitGroup
	var once sync.Once
	var first error // and not why ctx ended: where nobody waits any longer, the proof says for what
	for _, prove := range proofs {
		all.Go(func() {
			if err := prove(ctx); err != nil {
				once.Do(func() { first = err })
				end()
			}
		})
	}
	all.Wait()
	return first
}

// missingFor is how long a topic of the source may be missing at the start, or the source refuse us: a topic, a user or
// a certificate that was just made is not known everywhere.
const missingFor = 5 * time.Second

// A stopwatch measures for how long something has been so without a break: a topic is not missing while its broker
// cannot be asked.
type stopwatch struct{ begun time.Time }

// lasts says for how long it has been so, and begins anew where it is not.
func (s *stopwatch) lasts(so bool) time.Duration {
	switch {
	case !so:
		s.begun = time.Time{}
		return 0
	case s.begun.IsZero():
		s.begun = time.Now()
	}
	return time.Since(s.begun)
}

// proveSource makes sure that what is to be read exists, and that it may be read. A topic that is deleted later, and a
// right that is taken away later, is waited for.
func (b *Bridge) proveSource(ctx context.Context) error {
	var since stopwatch
	return exit.With(exit.Broker, b.await(ctx, provesSource, b.source.Check, func(err error) bool {
		return since.lasts(b.source.Missing(err) || source.Refused(err)) < missingFor
	}))
}

// checkPlace checks where something is kept, and warns of what is weak about it.
func checkPlace(ctx context.Context, place interface {
	Check(context.Context) (weak []string, err error)
}, what string, log *zap.Logger) error {
	weak, err := place.Check(ctx)
	for _, w := range weak {
		log.Warn(what+" kept weakly", zap.String("weakness", w))
	}
	return err
}

// proveLetters makes sure that dead letters can be kept.
func (b *Bridge) proveLetters(ctx context.Context) error {
	check := func(ctx context.Context) error { return checkPlace(ctx, b.letters, "dead letters are", b.log) }
	var since stopwatch
	err := b.await(ctx, provesLetters, check, func(err error) bool {
		// A broker that is silent ends the attempt with its deadline.
		return deadletter.Passing(err, since.lasts(errors.Is(err, deadletter.ErrMissing))) ||
			errors.Is(err, context.DeadlineExceeded)
	})
	if err != nil {
		code := exit.Broker
		if errors.Is(err, deadletter.ErrNotAFile) {
			code = exit.Input
		}
		return exit.With(code, fmt.Errorf("dead letters: %w", err))
	}
	return nil
}

// nothingYet is what the log says of what everything waits for.
const nothingYet = "cannot be reached yet; nothing is read until it can"

// await tries until it works, the failure is not passing, or ctx ends; then its error is that of the last attempt.
// What is in the way can be asked for. The first failure and the recovery are logged; being stopped is neither.
func (b *Bridge) await(
	ctx context.Context, what string, try func(context.Context) error, passing func(error) bool,
) error {
	return b.attempt(ctx, what, try, passing, func(err error) {
		b.log.Warn(nothingYet, zap.String("what", what), zap.Error(err))
	})
}

// attempt is await where another one is told of the first failure.
func (b *Bridge) attempt(
	ctx context.Context, what string, try func(context.Context) error, passing func(error) bool, failing func(error),
) error {
	return retry.Do(ctx, retry.Policy{
		Longest: 6500 * time.Millisecond,
		Passing: passing,
		Failing: failing,
		Working: func(failures *retry.Streak) {
			b.log.Info("reached at last", zap.String("what", what), zap.Int("attempts", failures.Count+1))
		},
	}, func(ctx context.Context) error {
		err := try(ctx)
		if err == nil || ctx.Err() == nil {
			b.proofs.note(what, err)
		}
		return err
	})
}

// proveApart makes sure that nothing that the bridge publishes comes back as an event, as far as the broker knows that.
func (b *Bridge) proveApart(ctx context.Context) error {
	published := map[string]string{
		"dead_letters.subject":   b.config.DeadLetters.Subject,
		"erasure.report_subject": b.config.Erasure.ReportSubject,
	}
	if subject := b.config.Webhooks.Subject; subject != "" {
		published["webhooks.subject"] = subject + ".>"
	}
	for i, r := range b.config.Reports {
		if r.To.Subject != "" {
			published[fmt.Sprintf("reports[%d].to.subject", i)] = r.To.Subject + ".>"
		}
	}
	for name, rule := range b.rules.Now().ReplyTo() {
		published[fmt.Sprintf("reply_to of the rule %q", rule)] = name
	}
	for _, what := range slices.Sorted(maps.Keys(published)) {
		if err := b.broker.CheckApart(ctx, what, published[what]); err != nil {
			return err
		}
	}
	return nil
}
