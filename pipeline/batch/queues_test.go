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
	m.Init(&event.Message{}, nil, []event.Call{{Step: &event.Step{}}}, nil)
	c := &m.Entries()[0]
	c.Init(m, &m.Calls[0], false)
	q.Push(c)
	if from, _ := q.Due(time.Now(), true); c.State != inflight.Abandoned || a.Queued != 0 || from != nil {
		t.Errorf("state %d, %d ready", c.State, a.Queued)
	}
}

// Calls that share requests of their path share none with those of another, also once all of them are tried again.
func TestCallsOfTwoPathsShareNoRequest(t *testing.T) {
	q := NewQueues(0, inflight.Load{Calls: 10, Bytes: 1000}, 0, time.Now())
	a := inflight.NewAssignment(lease.New(func() time.Time { return time.Time{} }), 1)
	m := &inflight.Message{Assignment: a}
	paths := []string{"/a", "/a", "/b", "/a"}
	var calls []event.Call
	for _, path := range paths {
		calls = append(calls, event.Call{Step: &event.Step{},
			Single: &event.Request{Method: "POST", Path: path, Shared: true}})
	}
	m.Init(&event.Message{}, nil, calls, nil)
	for i := range m.Entries() {
		m.Entries()[i].Init(m, &m.Calls[i], false)
		m.Entries()[i].History = &inflight.History{}
		q.Push(&m.Entries()[i])
	}
	for _, want := range []int{2, 1, 1} {
		from, _ := q.Due(time.Now(), true)
		var b Batch
		if q.Fill(&b, from, time.Now()); len(b.Calls) != want {
			t.Fatalf("a request of %d calls, want %d", len(b.Calls), want)
		}
		for i := range b.Calls {
			if b.Calls[i].Single.Path != b.Calls[0].Single.Path {
				t.Errorf("a request has %s and %s", b.Calls[0].Single.Path, b.Calls[i].Single.Path)
			}
		}
	}
}
