package app

import (
	"context"
	"errors"
	"maps"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/ciobridge/ciobridge/app/status"
	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/deadletter/file"
	"github.com/ciobridge/ciobridge/event"
)

// countedLog is a log of dead letters that takes a while to be read, and counts how often it is.
type countedLog struct {
	*file.Store
	takes  time.Duration
	scans  atomic.Int64
	broken atomic.Bool
	behind atomic.Pointer[func()] // called once, when a scan is through
}

func (l *countedLog) Scan(ctx context.Context, each func(deadletter.Record) error) error {
	l.scans.Add(1)
	if time.Sleep(l.takes); l.broken.Load() {
		return errors.New("the log is away")
	}
	err := l.Store.Scan(ctx, each)
	if behind := l.behind.Swap(nil); behind != nil {
		(*behind)()
	}
	return err
}

// Open letters are those of the log, whoever wrote them, and at once those that this bridge stores. A log that takes
// long to read is read less often.
func TestOpenLettersAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &countedLog{takes: 3 * time.Second,
			Store: file.New(deadletter.Config{File: filepath.Join(t.TempDir(), "dead.jsonl")}, "")}
		log.broken.Store(true)
		put := func(n byte, reason event.Reason) {
			if err := log.Put(t.Context(), event.FailedMessage{
				Message:  event.Message{Origin: event.Origin{Topic: "t", Offset: int64(n)}, Value: []byte("{}")},
				Failures: []event.Failure{{ID: event.ID{n}, Stage: event.StageMapping, Reason: reason, Rule: "r"}},
			}); err != nil {
				t.Fatal(err)
			}
		}
		put(1, event.ReasonNoType)
		put(2, event.ReasonRefused)
		var mu sync.Mutex
		stored := map[event.Reason]int{event.ReasonRefused: 1} // the one that is in the log
		failures := 0
		c := status.NewCounter(log, time.Minute, func() map[event.Reason]int {
			mu.Lock()
			defer mu.Unlock()
			return maps.Clone(stored)
		}, func(error) { failures++ })
		told := func() (l status.Letters) {
			synctest.Wait()
			c.Tell(&l)
			return l
		}
		ctx, cancel := context.WithCancel(t.Context())
		var run sync.WaitGroup
		run.Go(func() { c.Run(ctx) })
		time.Sleep(11 * time.Minute)
		if l := told(); l.Open != nil || failures != 1 || log.scans.Load() != 3 || testutil.CollectAndCount(c) != 0 {
			t.Errorf("before the log could be read: %+v, %d failures, %d scans", l, failures, log.scans.Load())
		}
		log.broken.Store(false)
		time.Sleep(5 * time.Minute)
		if l := told(); l.Open == nil || *l.Open != 2 || l.Reasons["refused"] != 1 || l.Rules["r"] != 2 ||
			l.Oldest.IsZero() {
			t.Errorf("counted %+v", l)
		}
		mu.Lock()
		stored[event.ReasonRefused], stored[event.ReasonErased] = 3, 5
		mu.Unlock()
		if l := told(); *l.Open != 4 || l.Reasons["refused"] != 3 {
			t.Errorf("with those that were stored since: %+v", l)
		}
		behind := func() {
			put(4, event.ReasonNoType)
			mu.Lock()
			defer mu.Unlock()
			stored[event.ReasonNoType]++
		}
		log.behind.Store(&behind)
		scans := log.scans.Load()
		time.Sleep(6 * time.Minute)
		if l := told(); *l.Open != 3 || l.Reasons["no_type"] != 2 || log.scans.Load() != scans+2 {
			t.Errorf("with one that was stored while it was counted: %+v, %d scans more", l, log.scans.Load()-scans)
		}
		all := deadletter.Filter{All: true}
		if _, err := deadletter.Discard(t.Context(), log.Store, all, "not needed"); err != nil {
			t.Fatal(err)
		}
		put(3, event.ReasonPoison)
		scans = log.scans.Load()
		time.Sleep(11 * time.Minute)
		if l := told(); *l.Open != 1 || l.Reasons["poison"] != 1 || log.scans.Load() > scans+2 {
			t.Errorf("after a while: %+v, %d scans more", l, log.scans.Load()-scans)
		}
		reg := prometheus.NewPedanticRegistry()
		reg.MustRegister(c)
		n, err := testutil.GatherAndCount(reg, "ciobridge_dead_letters_open")
		if n != len(event.Reasons()) || err != nil {
			t.Errorf("%d series, %v", n, err)
		}
		cancel()
		run.Wait()
	})
}
