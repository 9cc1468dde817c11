package delivery

import (
	"time"

	"github.com/ciobridge/ciobridge/customerio"
)

// Hold keeps everything from being sent to the workspace of a number until Open. Its calls wait as they do while it is
// down or halted over this cause, which its state tells; nothing tells of an empty one.
func (s *Sender) Hold(workspace int, cause customerio.Cause, status int) {
	for _, e := range customerio.Endpoints() {
		if d := s.to[e.In(workspace)]; d != nil {
			d.breaker.hold(cause, status)
		}
	}
}

// Open lets calls go to a workspace that was held.
func (s *Sender) Open(workspace int) {
	for _, e := range customerio.Endpoints() {
		if d := s.to[e.In(workspace)]; d != nil {
			d.breaker.open()
		}
	}
}

// hold lets nothing pass until open. The log is not told: whoever holds says once for all destinations why.
func (b *breaker) hold(cause customerio.Cause, status int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.held = true
	if cause == "" {
		return
	}
	before := b.state
	b.state = State{
		Condition: conditionOf(cause), Cause: cause, Status: status, Failures: before.Failures + 1, Since: before.Since,
	}
	if before.Condition == OK {
		b.state.Since = time.Now()
	}
	b.stateLogger.metrics.stateChanged(before, b.state)
}

// open ends hold.
func (b *breaker) open() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.held, b.told = false, false
	if b.state.Condition == OK {
		b.broadcast()
		return
	}
	b.setState(State{Condition: OK, Since: time.Now()})
}

// turnsAway reports whether a request comes back at once because the breaker is held. The first one does: whoever makes
// requests learns that the destination is down, as from one that fails in an outage. Those that follow wait.
func (b *breaker) turnsAway() bool {
	if !b.held || b.told {
		return false
	}
	b.told = true
	return true
}
