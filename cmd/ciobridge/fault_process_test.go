package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/emulator"
	"github.com/ciobridge/ciobridge/internal/canarytest"
	"github.com/ciobridge/ciobridge/internal/checkertest"
	"github.com/ciobridge/ciobridge/internal/exit"
	"github.com/ciobridge/ciobridge/internal/longtest"
)

// slow carries batches out but holds back the answers, and returns how to let go.
func (w *world) slow(latency time.Duration) (release func()) {
	w.t.Helper()
	name, err := w.cio.AddFault(emulator.Fault{Name: "slow", Path: customerio.BatchPath, Latency: latency,
		Applied: true})
	if err != nil {
		w.t.Fatal(err)
	}
	return func() { w.cio.RemoveFault(name) }
}

// A child is a process of the bridge.
type child struct {
	*exec.Cmd
	t     *testing.T
	log   *logBuffer
	ended chan struct{}
}

func launchChild(t *testing.T, args ...string) *child {
	t.Helper()
	log := &logBuffer{}
	return watch(t, launch(t, log, args...), log)
}

// watch waits for a process that writes to a log.
func watch(t *testing.T, cmd *exec.Cmd, log *logBuffer) *child {
	t.Helper()
	c := &child{cmd, t, log, make(chan struct{})}
	t.Cleanup(func() {
		canarytest.Text(t, "the log", log.String())
		if t.Failed() {
			t.Logf("log of %v:\n%s", cmd.Args, log)
		}
	})
	go func() {
		defer close(c.ended)
		_ = c.Wait() // the state of the process tells more
	}()
	return c
}

func (c *child) signal(s syscall.Signal) {
	c.t.Helper()
	if err := c.Process.Signal(s); err != nil {
		c.t.Fatal(err)
	}
}

// lives reports whether the process is still there after so long.
func (c *child) lives(after time.Duration) bool {
	select {
	case <-c.ended:
		return false
	case <-time.After(after):
		return true
	}
}

// endedBy waits for the process to be gone and reports whether a signal ended it.
func (c *child) endedBy(s syscall.Signal, limit time.Duration) bool {
	c.t.Helper()
	if c.lives(limit) {
		c.t.Fatalf("still there after %s:\n%s", limit, c.log)
	}
	status, ok := c.ProcessState.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == s
}

// busy starts the bridge as a process of its own and waits until calls are on the wire. Letting go makes answers
// quick again.
func (b *bus) busy() (bridge *child, path string, letGo func()) {
	b.t.Helper()
	path = b.configureKafka()
	b.batches(5)
	b.produce(3000)
	letGo = b.slow(50 * time.Millisecond)
	bridge = launchChild(b.t, "run", "-c", path)
	eventually(b.t, "some delivered", 20*time.Second, func() bool { return b.cio.Stats().Taken >= 300 })
	return bridge, path, letGo
}

// A signal lets a process finish what is on the wire; a second one ends it at once, and what was on the wire comes
// again.
func TestSecondSignalEndsAtOnce(t *testing.T) {
	longtest.Only(t)
	beside(t)
	b := newBus(t, 4)
	b.session = 3 * time.Second // long enough for the first drain; the last bridge has to wait for it to end
	patient, path, letGo := b.busy()
	patient.signal(syscall.SIGTERM)
	if patient.endedBy(syscall.SIGTERM, 20*time.Second) || patient.ProcessState.ExitCode() != exit.OK {
		t.Errorf("one signal: %s\n%s", patient.ProcessState, patient.log)
	}
	letGo()
	before := b.cio.Stats()
	if before.Duplicates > 0 {
		t.Errorf("one signal: %d of %d calls were sent twice", before.Duplicates, before.Taken)
	}
	b.produce(1000)

	letGo = b.slow(5 * time.Second)
	hasty := launchChild(t, "run", "-c", path)
	eventually(t, "calls on the wire", 20*time.Second, func() bool { return b.cio.Stats().Taken > before.Taken })
	hasty.signal(syscall.SIGINT)
	if !hasty.lives(300 * time.Millisecond) {
		t.Fatalf("one signal ended the process although calls were on the wire: %s\n%s", hasty.ProcessState, hasty.log)
	}
	hasty.signal(syscall.SIGTERM)
	if !hasty.endedBy(syscall.SIGTERM, time.Second) {
		t.Errorf("two signals: %s\n%s", hasty.ProcessState, hasty.log)
	}
	letGo()

	last := start(t, "run", "-c", path)
	b.arrive(30 * time.Second)
	last.stop()
	if report := b.judge(again); report.Repeats == 0 || b.cio.Stats().Duplicates == 0 {
		t.Errorf("%d repeats: nothing was on the wire when the process ended", report.Repeats)
	}
}

// A replay is killed half-way. The next one takes what is not resolved, which are a few calls that Customer.io has
// and drops; the one after that sends nothing.
func TestReplayKilledHalfWay(t *testing.T) {
	longtest.Only(t)
	beside(t)
	b := newBus(t, 4)
	path := b.configure(b.source(), "{file: "+b.path("dead.jsonl")+"}")
	b.batches(10)
	if _, err := b.cio.AddFault(emulator.Fault{Name: "refuse", Refuse: "invalid", Person: "id:p1*"}); err != nil {
		t.Fatal(err)
	}
	b.produce(3000)
	p := start(t, "run", "-c", path)
	dead := func() (n int) {
		stats := b.cio.Stats()
		return stats.Items - stats.Taken
	}
	eventually(t, "everything delivered or refused", 30*time.Second,
		func() bool { return b.cio.Stats().Items >= b.wanted() })
	if code := p.stop(); code != exit.OK || dead() < 100 {
		t.Fatalf("exit code %d, %d letters", code, dead())
	}
	letters, mark := dead(), len(b.history(nil).Receipts)
	b.cio.RemoveFault("refuse")

	release := b.slow(100 * time.Millisecond)
	killed := launchChild(t, "deadletters", "replay", "-c", path, "--all", "--rate", "30")
	sent := func() int { return len(b.history(nil).Receipts) - mark }
	eventually(t, "half of the letters sent", 20*time.Second, func() bool { return sent() >= letters/2 })
	killed.signal(syscall.SIGKILL)
	if !killed.endedBy(syscall.SIGKILL, time.Second) {
		t.Fatalf("not killed: %s", killed.ProcessState)
	}
	release()
	half := sent()
	expect(t, exit.OK, "delivered, 0 failed again, 0 left open", "deadletters", "replay", "-c", path, "--all")
	all := sent()
	if half >= letters || all < letters || all-letters > half {
		t.Errorf("%d of %d letters sent, %d after the next replay", half, letters, all)
	}
	expect(t, exit.OK, "0 delivered", "deadletters", "replay", "-c", path, "--all")
	if n := sent() - all; n > 0 {
		t.Errorf("a replay of nothing sent %d calls", n)
	}
	t.Logf("%d letters, killed after %d calls, %d calls in all", letters, half, all)
	b.judgeReplay(mark)
}

// batches makes the batches of the bridge small.
func (w *world) batches(items int) {
	w.t.Helper()
	text, err := os.ReadFile(w.path("ciobridge.yaml"))
	if err != nil {
		w.t.Fatal(err)
	}
	w.write("ciobridge.yaml", strings.Replace(string(text), "delivery: {",
		fmt.Sprintf("delivery: {batch_items: %d, ", items), 1))
}

// judgeReplay judges the receipts from the mark on as a history of their own, in which what was refused before is
// what was published.
func (w *world) judgeReplay(mark int) {
	w.t.Helper()
	h := w.history(nil)
	replayed := checkertest.History{Receipts: h.Receipts[mark:], Final: map[string]int{}}
	first := h.Receipts[:mark]
	var letters []checkertest.Settled
	for _, r := range first {
		if !r.Taken {
			letters = append(letters, checkertest.Settled{Person: r.Person, Seq: r.Seq})
			replayed.Published = append(replayed.Published, checkertest.Published{Person: r.Person, Seq: r.Seq})
		}
	}
	h.Receipts, h.DeadLetters = first, letters
	for what, judged := range map[string]checkertest.Report{
		"before the replay": checkertest.Check(h, checkertest.Limits{}),
		"the replay":        checkertest.Check(replayed, again),
	} {
		if err := judged.Err(); err != nil {
			w.t.Errorf("%s: %v", what, err)
		}
	}
	counted := map[string]int{}
	for _, r := range w.cio.Receipts(0) {
		if r.ID != "" && r.Applied {
			if counted[r.ID]++; counted[r.ID] > 1 {
				w.t.Errorf("event %s of %s was counted twice", r.ID, r.Person)
			}
		}
	}
}

// A hang-up has a bridge read its rules again, however many come. What is on the wire goes on, and a stop is as orderly
// afterwards as before, until one more signal ends the process at once.
func TestHangupReloads(t *testing.T) {
	beside(t)
	b := newBus(t, 4)
	b.session = longSession
	bridge, path, letGo := b.busy()
	bridge.signal(syscall.SIGHUP)
	bridge.signal(syscall.SIGHUP)
	eventually(t, "the rules are read again", 20*time.Second,
		func() bool { return strings.Contains(bridge.log.String(), "changed rules are taken up") })
	if strings.Contains(bridge.log.String(), "stopped") {
		t.Errorf("a hang-up ended it\n%s", bridge.log)
	}
	letGo()
	b.arrive(30 * time.Second)
	bridge.signal(syscall.SIGTERM)
	if bridge.endedBy(syscall.SIGTERM, 20*time.Second) || bridge.ProcessState.ExitCode() != exit.OK {
		t.Errorf("%s\n%s", bridge.ProcessState, bridge.log)
	}
	if report := b.judge(checkertest.Limits{}); report.Repeats > 0 || b.cio.Stats().Duplicates > 0 {
		t.Errorf("%d repeats of %s", report.Repeats, path)
	}
}

// Who does not want to wait for the end of a drain sends one more signal, also where a hang-up came before.
func TestSignalAfterAHangupEndsAtOnce(t *testing.T) {
	beside(t)
	b := newBus(t, 4)
	path := b.configureKafka()
	b.produce(100)
	release := b.slow(8 * time.Second)
	defer release()
	bridge := launchChild(t, "run", "-c", path)
	eventually(t, "a request hangs", 20*time.Second, func() bool { return b.cio.Stats().Taken > 0 })
	begun := time.Now()
	bridge.signal(syscall.SIGHUP)
	bridge.signal(syscall.SIGTERM)
	time.Sleep(300 * time.Millisecond) // the two signals are not ordered otherwise
	bridge.signal(syscall.SIGTERM)
	if !bridge.endedBy(syscall.SIGTERM, 20*time.Second) {
		t.Errorf("%s after %s", bridge.ProcessState, time.Since(begun))
	}
}

// The commands that run until they are stopped end in order when they are hung up, unless they were started to
// outlive that.
func TestHangupEndsCommands(t *testing.T) {
	longtest.Only(t)
	beside(t)
	for name, args := range map[string][]string{
		"emulate": {"emulate", "--listen", "127.0.0.1:0"},
		"demo":    {"demo", "--dir", t.TempDir(), "--events", "10"},
	} {
		c := launchChild(t, args...)
		eventually(t, name+" is up", 30*time.Second,
			func() bool { return strings.Contains(c.log.String(), "Ctrl-C ends") })
		c.signal(syscall.SIGHUP)
		if c.endedBy(syscall.SIGHUP, 20*time.Second) || c.ProcessState.ExitCode() != exit.OK {
			t.Errorf("%s: %s\n%s", name, c.ProcessState, c.log)
		}
	}
}
