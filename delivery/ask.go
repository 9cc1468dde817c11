package delivery

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/cenkalti/backoff/v4"
	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/customerio/download"
)

// mostSuspect is how often a request is made that may itself be why it fails.
const mostSuspect = 5

// An UnansweredError says that a request was neither taken nor refused, as often as it was made.
type UnansweredError struct{ Answer customerio.Answer }

// Error says what came at last.
func (e *UnansweredError) Error() string {
	return "Customer.io gives no usable answer: " + e.Answer.String()
}

// A NoWorkspaceError says that nothing can be asked of a workspace, because there is none of this name, or no key.
type NoWorkspaceError struct {
	Workspace string
	Endpoint  customerio.Endpoint
}

// Error names the workspace.
func (e *NoWorkspaceError) Error() string {
	return fmt.Sprintf("the workspace %q has no credentials for %s", e.Workspace, e.Endpoint.API())
}

// Ask makes one request that asks for something, by the name of the workspace, and gives the answer that takes it or
// refuses it. It goes through the circuit breaker and the rate limiter of its endpoint, as calls do. It waits until ctx
// ends while the workspace is held, cannot be reached or asks to be left alone, and while its credentials are refused:
// new ones are taken up. A request that may itself be why it fails is made again some times, with growing pauses; then
// its last answer is given, whose verdict is Retry. An error is a *NoWorkspaceError or that of ctx.
func (s *Sender) Ask(ctx context.Context, workspace string, r customerio.Request) (customerio.Answer, error) {
	d, err := s.find(workspace, r.Endpoint)
	if err != nil {
		return customerio.Answer{}, err
	}
	pauses := backoff.NewExponentialBackOff(backoff.WithInitialInterval(firstBackoff), backoff.WithMultiplier(2),
		backoff.WithMaxInterval(largestBackoff), backoff.WithMaxElapsedTime(0))
	for suspect := 0; ; {
		answer, made := s.askOnce(ctx, d, r)
		switch {
		case ctx.Err() != nil && answer.Status == 0:
			return customerio.Answer{}, ctx.Err()
		case !made, answer.NewCredentials:
			continue
		case answer.Verdict != customerio.Retry && answer.Verdict != customerio.Halt:
			return answer, nil
		case !answer.Suspect():
			continue // the breaker says when
		}
		if suspect++; suspect == mostSuspect {
			return answer, nil
		}
		if !pause(ctx, pauses.NextBackOff()) {
			return customerio.Answer{}, ctx.Err()
		}
	}
}

// askOnce waits for a permit and makes the request, unless ctx ends before.
func (s *Sender) askOnce(ctx context.Context, d *destination, r customerio.Request) (customerio.Answer, bool) {
	d.breaker.awaitOpen(ctx)
	p, ok := d.breaker.acquire(ctx)
	if !ok {
		return customerio.Answer{}, false
	}
	withheld := customerio.Answer{Withheld: true}
	if ctx.Err() != nil {
		d.breaker.giveBack(p, withheld, 1)
		return customerio.Answer{}, false
	}
	start := time.Now()
	answer := d.client.Do(ctx, r)
	if ctx.Err() != nil && answer.Status == 0 {
		d.breaker.giveBack(p, withheld, 1) // we have ended it: that says nothing of the destination
		return customerio.Answer{}, false
	}
	d.breaker.giveBack(p, answer, 1)
	took := time.Since(start)
	s.count(d, answer, took)
	if line := s.log.Check(zap.DebugLevel, "request made"); line != nil {
		line.Write(zap.Stringer("endpoint", r.Endpoint), zap.Int("status", answer.Status),
			zap.Stringer("meaning", answer.Verdict), zap.Duration("took", took))
	}
	return answer, true
}

// Download fetches a file from the address that an export of the workspace has given. It needs no key, and no turn
// within the budget.
func (s *Sender) Download(ctx context.Context, workspace, address string) (io.ReadCloser, error) {
	d, err := s.find(workspace, customerio.App)
	if err != nil {
		return nil, err
	}
	return download.Fetch(ctx, d.client, address)
}

// find is the endpoint of the workspace of a name.
func (s *Sender) find(workspace string, e customerio.Endpoint) (*destination, error) {
	for _, d := range s.to {
		if d != nil && d.workspace == workspace && d.endpoint == e {
			return d, nil
		}
	}
	return nil, &NoWorkspaceError{workspace, e}
}

// awaitOpen waits while the breaker is held. Unlike acquire it is not the one request that is turned away then.
func (b *breaker) awaitOpen(ctx context.Context) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.held && ctx.Err() == nil {
		b.wait(time.Hour, ctx.Done())
	}
}

// pause waits, and reports whether it did to the end.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
