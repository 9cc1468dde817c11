package batch

import (
	"testing"
	"time"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/lease"
	"github.com/ciobridge/ciobridge/pipeline/inflight"
)

// TestNothingMovesOnceAnAssignmentIsDrained: between then and its end nothing of it may become ready.
func TestNothingMovesOnceAnAssignmentIsDrained(t *testing.T) {
	q := NewQueues(0, inflight.Load{Calls: 10, Bytes: 1000}, 0, time.Now())
	a := inflight.NewAssignment(lease.New(func() time.Time { return time.Time{} }), 1)
	a.Draining = true
	a.CheckDrained()
	select {
	case <-a.Drained():
	default:
		t.Fatal("an assignment without messages is not drained")
	}
	m := &inflight.Message{Assignment: a}
	m.Init(event.Message{}, nil, []event.Call{{Step: &event.Step{}}}, nil)
	c := &m.Entries[0]
	c.Init(m, &m.Calls[0], false)
	q.Push(c)
	if from, _ := q.Due(time.Now(), true); c.State != inflight.Abandoned || a.Queued != 0 || from != nil {
		t.Errorf("state %d, %d ready", c.State, a.Queued)
	}
}
