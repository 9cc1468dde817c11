package main

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ciobridge/ciobridge/internal/checkertest"
	"github.com/ciobridge/ciobridge/internal/exit"
	"github.com/ciobridge/ciobridge/internal/longtest"
)

// An update replaces two replicas one after the other, as a Deployment does, while events come in. Nothing is lost,
// nothing is out of order, and with Customer.io answering nothing is sent twice.
func TestRollingUpdateOnKafka(t *testing.T) {
	longtest.Only(t)
	beside(t)
	b := newBus(t, 6)
	b.session = longSession
	rollOut(t, b.world, b.configureKafka(), `"joined consumer group"`, func() { b.produce(100) })
}

func TestRollingUpdateOnJetStream(t *testing.T) {
	longtest.Only(t)
	beside(t)
	s := newSubjects(t)
	s.session = longSession
	rollOut(t, s.world, s.divide(), `"stream read here"`, func() { s.produceDivided(200) })
}

// rollOut replaces two replicas, each by one that is there before the old one is stopped. Reads is what a replica logs
// when it has its share.
func rollOut(t *testing.T, w *world, path, reads string, publish func()) {
	if _, err := w.cio.AddFault(mustFault(t, "name=slow,latency=20ms")); err != nil {
		t.Fatal(err)
	}
	loaded, stopLoad := make(chan int), make(chan struct{})
	go func() {
		for n := 0; ; n++ {
			select {
			case <-stopLoad:
				loaded <- n
				return
			default:
				publish()
				time.Sleep(50 * time.Millisecond)
			}
		}
	}()
	launched := func() *child {
		c := launchChild(t, "run", "-c", path)
		eventually(t, "a replica reads", 60*time.Second, func() bool { return strings.Contains(c.log.String(), reads) })
		return c
	}
	old := []*child{launched(), launched()}
	for _, c := range old {
		goal := w.cio.Stats().Taken + 1000
		eventually(t, "events flow", 60*time.Second, func() bool { return w.cio.Stats().Taken >= goal })
		old = append(old[1:], launched())
		c.signal(syscall.SIGTERM)
		if c.endedBy(syscall.SIGTERM, 40*time.Second) || c.ProcessState.ExitCode() != exit.OK {
			t.Errorf("a replica that was stopped: %s", c.ProcessState)
		}
	}
	goal := w.cio.Stats().Taken + 1000
	eventually(t, "events flow after the update", 60*time.Second, func() bool { return w.cio.Stats().Taken >= goal })
	close(stopLoad)
	rounds := <-loaded
	w.arrive(60 * time.Second)
	for _, c := range old {
		c.signal(syscall.SIGTERM)
		if c.endedBy(syscall.SIGTERM, 40*time.Second) || c.ProcessState.ExitCode() != exit.OK {
			t.Errorf("a new replica: %s", c.ProcessState)
		}
	}
	report := w.judge(checkertest.Limits{})
	t.Logf("%d events in %d rounds, 2 of 2 replicas replaced: 0 lost, 0 out of order, %d sent twice", report.Events,
		rounds, report.Repeats)
}
