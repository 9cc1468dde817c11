package main

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/ciobridge/ciobridge/emulator"
	"github.com/ciobridge/ciobridge/internal/longtest"
)

// A kill repeats what was on the wire and what was settled since the last commit, however long one slow call has held
// back the unbroken prefix.
func TestKillRepeatsLittleOnJetStream(t *testing.T) {
	longtest.Only(t)
	beside(t)
	s := newSubjects(t)
	killRepeats(t, s.world, s.configureNATS(), s.produce)
}

func TestKillRepeatsLittleOnKafka(t *testing.T) {
	longtest.Only(t)
	beside(t)
	b := newBus(t, 4)
	killRepeats(t, b.world, b.configureKafka(), b.produce)
}

const (
	onTheWire   = 400 * time.Millisecond // how long an answer takes
	sinceCommit = 500 * time.Millisecond
	busyMachine = time.Second // for a commit to be made
)

// killRepeats kills the bridge while the calls of one person hang, which were published first.
func killRepeats(t *testing.T, w *world, path string, publish func(n int)) {
	w.batches(20)
	behind := lag(t)
	var log logBuffer
	var repeats, wires []int
	for range kills(t, 1) {
		if _, err := w.cio.AddFault(emulator.Fault{Name: "held", Person: "id:p0", Hang: "headers"}); err != nil {
			t.Fatal(err)
		}
		answer := w.slow(onTheWire) // behind the other, which comes first
		publish(3000)
		before := len(w.cio.Receipts(0))
		cmd := launch(t, &log, "run", "-c", path)
		eventually(t, "much is delivered", 60*time.Second,
			func() bool { return w.receiptsSince(before, onTheWire+sinceCommit+busyMachine) >= 500 })
		if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		killed := time.Now()
		if err := cmd.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
			t.Fatalf("not killed: %v", err)
		}
		if w.cio.FaultCounts()["held"] == 0 {
			t.Fatal("nothing was held")
		}
		first := w.cio.Receipts(0)[before:]
		w.cio.RemoveFault("held")
		answer()
		p := start(t, "run", "-c", path)
		w.arrive(60 * time.Second)
		p.stop()
		n, wire, oldest := repeatsOf(first, w.cio.Receipts(0)[before+len(first):], killed)
		if limit := onTheWire + sinceCommit + busyMachine + 10*behind(); oldest > limit {
			t.Errorf("a call is repeated that was settled %v before the kill, more than %v", oldest-onTheWire,
				limit-onTheWire)
		}
		repeats, wires = append(repeats, n), append(wires, wire)
	}
	w.judge(again)
	slices.Sort(repeats)
	slices.Sort(wires)
	middle := len(repeats) / 2
	if len(repeats) >= 10 && repeats[middle] > 2*wires[middle] {
		t.Errorf("the median of the repeats is %d, more than twice that of the calls on the wire, %d", repeats[middle],
			wires[middle])
	}
	t.Logf("repeats %v, on the wire %v", repeats, wires)
}

// lag measures by how much this machine is behind its clock at most: how late a timer is that should take ten
// milliseconds.
func lag(t *testing.T) func() time.Duration {
	const period = 10 * time.Millisecond
	var most atomic.Int64
	done := make(chan struct{})
	var watch sync.WaitGroup
	watch.Go(func() {
		for {
			before := time.Now()
			select {
			case <-time.After(period):
				most.Store(max(most.Load(), int64(time.Since(before)-period)))
			case <-done:
				return
			}
		}
	})
	t.Cleanup(func() {
		close(done)
		watch.Wait()
	})
	return func() time.Duration { return time.Duration(most.Load()) }
}

// receiptsSince counts the receipts after the first that are older than an age.
func (w *world) receiptsSince(first int, age time.Duration) (n int) {
	limit := time.Now().Add(-age)
	for _, r := range w.cio.Receipts(0)[first:] {
		if r.Taken && r.At.Before(limit) {
			n++
		}
	}
	return n
}

// repeatsOf counts the calls that were taken before a kill and again after it, those that were not answered by then,
// and how long before the kill the first of those that were repeated was taken.
func repeatsOf(before, after []emulator.Receipt, killed time.Time) (repeats, wire int, oldest time.Duration) {
	type call struct {
		person string
		seq    int
	}
	taken := map[call]time.Time{}
	for _, r := range before {
		if !r.Taken || r.Type != "person" {
			continue
		}
		if killed.Sub(r.At) < onTheWire {
			wire++
		}
		taken[call{r.Person, sequenceOf(r.Body)}] = r.At
	}
	for _, r := range after {
		at, ok := taken[call{r.Person, sequenceOf(r.Body)}]
		if !ok || !r.Taken || r.Type != "person" {
			continue
		}
		repeats++
		oldest = max(oldest, killed.Sub(at))
		delete(taken, call{r.Person, sequenceOf(r.Body)})
	}
	return repeats, wire, oldest
}
