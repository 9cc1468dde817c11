package jetstream

import (
	"context"
	"errors"

	"go.uber.org/zap"
)

// state is what a reader does.
type state string

const (
	stateActive  state = "active"
	stateStandby state = "standby"
	stateClosed  state = "closed"
)

// setState notes the state, and logs changes.
func (r *reader) setState(state state, why error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	changed := r.state != state || state == stateClosed && r.closedReason.Error() != why.Error()
	r.state, r.closedReason = state, why
	r.metrics.setState(state)
	switch {
	case !changed:
	case state == stateClosed && errors.Is(why, context.Canceled):
		r.log.Info("stream left")
	case state == stateClosed:
		r.log.Warn("stream not read", zap.Error(why))
	case state == stateActive:
		r.log.Info("stream read here")
	default:
		r.log.Info("stream on standby: it is read here when it has a message and nobody else reads it")
	}
}

// currentState is the state, and why it is closed.
func (r *reader) currentState() (state, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.state, r.closedReason
}

// isMissing reports whether the stream was not there when it was looked for last.
func (r *reader) isMissing() bool {
	state, why := r.currentState()
	return state == stateClosed && (errors.Is(why, errNoStream) || errors.Is(why, errStreamGone))
}
