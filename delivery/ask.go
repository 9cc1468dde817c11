package delivery

import (
	"context"
	"fmt"
	"io"
	"time"

	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/customerio/download"
)

// mostSuspect is how often a request is made that may itself be why it fails.
const mostSuspect = 5

// patience is how long a question waits for somebody to mend what halts its workspace. One to another workspace may be
// behind it.
const patience = time.Minute

// A HaltedError says that a workspace answers nothing until somebody mends its credentials, or what else is wrong.
type HaltedError struct {
	Workspace string
	State     State
}

// Error says what is wrong.
func (e *HaltedError) Error() string {
	if e.State.Cause == "" {
		return "the workspace is not proven yet, so that nothing is asked of it"
	}
	return fmt.Sprintf("Customer.io refuses every request until it is mended: %s, answer %d", e.State.Cause,
		e.State.Status)
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
// ends while the workspace cannot be reached or asks to be left alone, and for a minute while its credentials are
// refused, when new ones are taken up, or while it is held. A request that may itself be why it fails is made again
// some times, with growing pauses; then its last answer is given, whose verdict is Retry. An error is a *HaltedError, a
// *NoWorkspaceError or that of ctx.
func (s *Sender) Ask(ctx context.Context, workspace string, r customerio.Request) (customerio.Answer, error) {
	d, err := s.find(workspace, r.Endpoint)
	if err != nil {
		return customerio.Answer{}, err
	}
	pauses := newBackoff()
	began := time.Now()
	for suspect := 0; ; {
		answer, made := s.askOnce(ctx, d, r)
		now := d.report()
		switch {
		case ctx.Err() != nil && answer.Status == 0:
			return customerio.Answer{}, ctx.Err()
		case made && answer.Verdict != customerio.Retry && answer.Verdict != customerio.Halt:
			return answer, nil
		case (now.Held || now.Condition == Halted) && time.Since(began) >= patience:
			return customerio.Answer{}, &HaltedError{workspace, now.State}
		case !made, answer.NewCredentials:
			continue
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

// askOnce waits for a permit and makes the request, unless ctx ends before, or there is none for long.
func (s *Sender) askOnce(ctx context.Context, d *destination, r customerio.Request) (customerio.Answer, bool) {
	wait, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	d.breaker.awaitOpen(wait)
	p, ok := d.breaker.acquire(wait)
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
	number := s.count(d, answer, took)
	if line := s.log.Check(zap.DebugLevel, "request made"); line != nil {
		line.Write(zap.Int64("request", number), zap.Stringer("endpoint", r.Endpoint), zap.Int("status", answer.Status),
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
