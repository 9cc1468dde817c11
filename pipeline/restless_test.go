package pipeline

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/canarytest"
	"github.com/ciobridge/ciobridge/internal/lease"
	"github.com/ciobridge/ciobridge/internal/longtest"
	"github.com/ciobridge/ciobridge/internal/memory"
)

// moody answers soon, well or badly.
func moody(_ context.Context, calls []event.Call) []event.Outcome {
	time.Sleep(time.Microsecond + rand.N(300*time.Microsecond))
	fail := func(status int) *event.Failure {
		return &event.Failure{Stage: event.StageDelivery, Reason: event.ReasonRefused, Status: status}
	}
	out := make([]event.Outcome, len(calls))
	whole := rand.IntN(12)
	for i := range out {
		switch {
		case whole == 0:
			out[i] = event.Outcome{Suspect: true, AtFault: len(calls) > 1, Failure: fail(400)}
		case whole == 1:
			out[i] = event.Outcome{NotBefore: time.Now().Add(rand.N(2 * time.Millisecond)), Failure: fail(429)}
		case rand.IntN(30) == 0:
			out[i] = event.Outcome{Result: event.Refused, Failure: fail(400)}
		default:
			out[i].Result = event.Delivered
		}
	}
	return out
}

// moodyLetters cannot be stored now and then.
type moodyLetters struct{}

func (moodyLetters) Put(context.Context, ...event.FailedMessage) error {
	if rand.IntN(10) == 0 {
		return errors.New("down")
	}
	return nil
}

// restless is a source whose leases come and go under load, some of them without time for a drain.
type restless struct {
	t      *testing.T
	memory *memory.Limiter
	taken  atomic.Int64
	done   atomic.Int64
}

func (s *restless) Consume(_ context.Context, handle event.Handler) error {
	for range longtest.Either(4, 10) {
		s.lease(handle)
	}
	return nil
}

// lease reads six partitions until the lease ends.
func (s *restless) lease(handle event.Handler) {
	l, fetching := newTestLease(), s.memory.Fetching(1<<20, nil)
	defer fetching.Close()
	var stopped atomic.Bool
	var readers sync.WaitGroup
	for partition := range int32(6) {
		readers.Go(func() {
			share := &memory.Share{Fetching: fetching}
			for n := int64(1); !stopped.Load() && s.hand(handle, l, share, partition, n); n++ {
			}
		})
	}
	time.Sleep(rand.N(30 * time.Millisecond))
	stopped.Store(rand.IntN(2) == 0)
	limit := time.Minute
	if rand.IntN(3) == 0 {
		limit = rand.N(5 * time.Millisecond)
	}
	if !l.End(limit) && limit == time.Minute {
		s.t.Error("a lease was not drained in a minute")
	}
	readers.Wait()
	l.End(limit)
}

var restlessKinds = []string{"track", "track", "identify", "email", "single", "skip", "several", "unreadable", "crowd"}

// hand hands over a message, one in forty of them large, and reports whether it was taken.
func (s *restless) hand(handle event.Handler, l *lease.Lease, share *memory.Share, partition int32, n int64) bool {
	value := fmt.Sprintf("canary%d %d %s", rand.IntN(200), n, restlessKinds[rand.IntN(len(restlessKinds))])
	if rand.IntN(40) == 0 {
		value += strings.Repeat(" ", rand.IntN(3<<20))
	}
	size := int64(len(value))
	share.Fetching.Charge(share, size, false)
	var told atomic.Bool
	origin := event.Origin{Topic: "t", Partition: partition, Offset: n}
	err := handle(l, &event.Message{Origin: origin, Value: []byte(value)}, func() {
		if told.Swap(true) {
			s.t.Error("a message is done twice")
		}
		share.Fetching.Release(share, size, false)
		s.done.Add(1)
	})
	if err == nil {
		s.taken.Add(1)
	} else if l.Err() == nil {
		s.t.Error(err)
	}
	return err == nil
}

// TestRestlessLeases: leases end while messages are enqueued, wait for memory, are sent, fail and are stored. Nothing
// is stuck, and at the end nothing is left.
func TestRestlessLeases(t *testing.T) {
	c := DefaultConfig(testLimits)
	c.StopShare, c.Memory, c.BatchItems, c.Senders, c.Linger = 0, 1<<20, 20, 6, time.Millisecond
	for range longtest.Either(1, 2) {
		synctest.Test(t, func(t *testing.T) {
			s := &restless{t: t, memory: memory.New(c.Memory)}
			p := New(c, Stages{
				Source: s, Mapper: mapper{}, Sender: sender(moody), DeadLetters: moodyLetters{}, Memory: s.memory,
				Recycle: mapper{}.Recycle,
			}, canarytest.Logger(t), canarytest.Registry(t))
			if err := p.Run(t.Context()); err != nil {
				t.Error(err)
			}
			left := p.Stats()
			if left.Reserved != 0 || left.Lanes != 0 || left.Assignments != 0 || left.Suspects != 0 {
				t.Errorf("left: %+v", left)
			}
			if s.memory.Partitions() != 0 || s.memory.Full() {
				t.Errorf("%d partitions hold memory or wait for it", s.memory.Partitions())
			}
			if s.done.Load() == 0 || s.done.Load() > s.taken.Load() {
				t.Errorf("%d of %d are done", s.done.Load(), s.taken.Load())
			}
		})
	}
}
