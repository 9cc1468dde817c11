package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/delivery"
	"github.com/ciobridge/ciobridge/internal/exit"
)

// A prover makes sure of each workspace, beside the others, that Customer.io takes the credentials and that the region
// is right. Until that is so nothing is sent to the workspace: its calls wait in the delivery. What may pass by itself
// is waited for. An answer that stays until somebody mends the configuration or the account is final where there is
// one workspace; of several it holds its own, and they go on being proven.
type prover struct {
	bridge *Bridge
	end    func() // ends the proofs, and waits for them

	mu       sync.Mutex
	changed  chan struct{} // closed and replaced when a workspace stands otherwise
	standing []error       // by number: what is in the way of a workspace, nil once it is proven
}

// proveWorkspaces begins to prove all workspaces, until ctx ends. The prover must be ended.
func (b *Bridge) proveWorkspaces(ctx context.Context) *prover {
	ctx, cancel := context.WithCancel(ctx)
	p := &prover{bridge: b, changed: make(chan struct{}),
		standing: slices.Repeat([]error{errNotProven}, len(b.workspaces))}
	var proofs sync.WaitGroup
	for i := range b.workspaces {
		proofs.Go(func() { p.prove(ctx, i) })
	}
	p.end = func() {
		cancel()
		proofs.Wait()
	}
	return p
}

// provesWorkspace is what is proven of a workspace.
func provesWorkspace(name string) string {
	if name == "" {
		return provesDestination
	}
	return provesDestination + ", workspace " + name
}

// several reports whether one workspace may be used without another.
func (p *prover) several() bool { return len(p.standing) > 1 }

func (p *prover) prove(ctx context.Context, i int) {
	w := p.bridge.workspaces[i]
	err := p.bridge.attempt(ctx, provesWorkspace(w.Name),
		func(ctx context.Context) error { return p.bridge.verify(ctx, w) },
		func(err error) bool {
			p.failed(i, err)
			return passes(err) || p.several()
		}, nil)
	if err == nil {
		p.bridge.sender.Open(i)
	}
	_ = p.stands(i, named(w.Name, err)) // how it stood before concerns those who tell of changes
}

// named says of which workspace an error is.
func named(workspace string, err error) error {
	if err == nil || workspace == "" {
		return err
	}
	return fmt.Errorf("workspace %s: %w", workspace, err)
}

// passes reports whether what is in the way of a workspace may pass by itself.
func passes(err error) bool {
	var unreachable *customerio.UnreachableError
	return errors.As(err, &unreachable) && !unreachable.Cause.Halts()
}

// isFinal reports whether what is in the way of a workspace stays until somebody mends it.
func isFinal(err error) bool { return err != nil && !errors.Is(err, errNotProven) && !passes(err) }

// failed takes up that a workspace could not be proven. The log is told of the first time, and when what was in the
// way is of another kind; who has one workspace gets what is final as an error.
func (p *prover) failed(i int, err error) {
	w := p.bridge.workspaces[i]
	cause, status := troubleOf(err)
	p.bridge.sender.Hold(i, cause, status)
	what := []zap.Field{zap.String("what", provesWorkspace(w.Name)), zap.Error(err)}
	switch was := p.stands(i, named(w.Name, err)); {
	case isFinal(err) && p.several() && !isFinal(was):
		p.bridge.log.Error("cannot be used as it is configured; its calls wait until that is mended", what...)
	case passes(err) && !passes(was) && p.several():
		p.bridge.log.Warn("cannot be reached yet; its calls wait until it can", what...)
	case passes(err) && !passes(was):
		p.bridge.log.Warn(nothingYet, what...)
	}
}

// troubleOf is how the state of a destination tells of a failed proof.
func troubleOf(err error) (customerio.Cause, int) {
	var unreachable *customerio.UnreachableError
	var refused *customerio.CredentialsError
	switch {
	case errors.As(err, &unreachable):
		return unreachable.Cause, unreachable.Status
	case errors.As(err, &refused):
		return customerio.CauseCredentials, refused.Status
	case errors.As(err, new(*customerio.RegionError)):
		return customerio.CauseRegion, 0
	}
	return customerio.CauseUnexpected, 0
}

// stands notes what is in the way of a workspace, and returns what was before.
func (p *prover) stands(i int, err error) (was error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	was, p.standing[i] = p.standing[i], err
	close(p.changed)
	p.changed = make(chan struct{})
	return was
}

// now is how the workspaces stand, and what is closed when that changes.
func (p *prover) now() (standing []error, changed <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.standing), p.changed
}

// wait returns when so many workspaces are proven, when nobody knows more of the others than that they cannot be used
// as they are configured, or when ctx ends. Where none is proven its error is what is in their way.
func (p *prover) wait(ctx context.Context, enough int) error {
	for {
		standing, changed := p.now()
		proven, final := 0, 0
		var errs []error
		for _, err := range standing {
			switch {
			case err == nil:
				proven++
			case isFinal(err):
				final++
			}
			errs = append(errs, coded(err))
		}
		if ctx.Err() != nil || proven >= enough || proven+final == len(standing) {
			if proven > 0 {
				return nil
			}
			return errors.Join(errs...)
		}
		select {
		case <-changed:
		case <-ctx.Done():
		}
	}
}

// coded gives what is in the way of a workspace its exit code.
func coded(err error) error {
	switch {
	case errors.As(err, new(*customerio.RegionError)):
		return exit.With(exit.Input, err)
	case errors.As(err, new(*customerio.CredentialsError)):
		return exit.With(exit.Credentials, err)
	}
	return exit.With(exit.CustomerIO, err)
}

// waitFor returns when a workspace is proven, and reports whether it was before ctx ended.
func (p *prover) waitFor(ctx context.Context, i int) bool {
	for {
		standing, changed := p.now()
		if standing[i] == nil {
			return true
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return false
		}
	}
}

// verify asks Customer.io about the credentials that the rules need. Nothing that is harmless proves a write key, of
// which only its file is looked at.
func (b *Bridge) verify(ctx context.Context, w delivery.Workspace) error {
	if err := w.Client.Verify(ctx); err != nil {
		return err
	}
	for _, use := range b.rules.Now().Uses() {
		if b.workspaces[use.Workspace].Name != w.Name {
			continue
		}
		prove := w.Client.VerifyApp
		if use.API == customerio.PipelinesAPI {
			prove = func(context.Context) error { return w.Client.Read(use.API) }
		}
		if err := prove(ctx); err != nil {
			return err
		}
	}
	return nil
}
