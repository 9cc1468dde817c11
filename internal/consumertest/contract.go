package consumertest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/ciobridge/ciobridge/event"
)

// Testbed is a broker with one log, which is one partition of a topic or a stream.
type Testbed interface {
	// Publish appends values to the log, in order.
	Publish(values ...string)
	// Open makes one more source that reads the log from its beginning, as one more replica of the same reader. Its
	// drain limit is about two seconds, its session a few.
	Open() Source
}

// Source is what the pipeline reads from.
type Source interface {
	Consume(ctx context.Context, handle event.Handler) error
	Ready() error
}

// Run holds a source to what every source promises.
func Run(t *testing.T, newTestbed func(t *testing.T) Testbed) {
	for name, test := range map[string]func(t *testing.T, b Testbed){
		"commits only the unbroken prefix":          contractPrefix,
		"done late, twice or never":                 contractLateDone,
		"waits for what is in flight when it stops": contractDrain,
		"does not wait longer than the drain limit": contractDrainLimit,
		"ends with the error of the handler":        contractHandlerError,
		"a slow handler keeps its lease":            contractBackpressure,
		"hands over to another replica":             contractHandover,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, newTestbed(t))
		})
	}
}

func contractPrefix(t *testing.T, b Testbed) {
	b.Publish("1", "2", "3", "4", "5")
	first := Read(t, b.Open(), func(_ event.Lease, value string, done func()) error {
		if value == "1" || value == "2" || value == "4" {
			done()
		}
		return nil
	})
	first.Want("1", "2", "3", "4", "5")
	first.Stop()
	second := Read(t, b.Open(), AckAll)
	second.Want("3", "5") // 4 is done, and noted beside the prefix
	second.Stop()
	b.Publish("6")
	third := Read(t, b.Open(), AckAll)
	third.Want("6")
	third.Stop()
}

func contractLateDone(t *testing.T, b Testbed) {
	b.Publish("1", "2")
	var dones []func()
	first := Read(t, b.Open(), func(_ event.Lease, _ string, done func()) error {
		dones = append(dones, done)
		return nil
	})
	first.Want("1", "2")
	first.Stop()
	for range 2 {
		for _, done := range dones {
			done()
		}
	}
	second := Read(t, b.Open(), func(_ event.Lease, _ string, done func()) error {
		done()
		done()
		return nil
	})
	second.Want("1", "2")
	second.Stop()
	b.Publish("3")
	third := Read(t, b.Open(), AckAll)
	third.Want("3")
	third.Stop()
}

func contractDrain(t *testing.T, b Testbed) {
	b.Publish("1", "2", "3")
	registered, finished := false, false
	var held []func()
	first := Read(t, b.Open(), func(lease event.Lease, _ string, done func()) error {
		held = append(held, done)
		if !registered {
			registered = true
			lease.AfterFunc(func() {
				time.Sleep(300 * time.Millisecond)
				for _, done := range held {
					done()
				}
				finished = true
			})
		}
		return nil
	})
	first.Want("1", "2", "3")
	first.Stop()
	if !finished {
		t.Fatal("the source did not wait for what was in flight")
	}
	b.Publish("4")
	second := Read(t, b.Open(), AckAll)
	second.Want("4")
	second.Stop()
}

func contractDrainLimit(t *testing.T, b Testbed) {
	b.Publish("1")
	release := make(chan struct{})
	var lease event.Lease
	first := Read(t, b.Open(), func(l event.Lease, _ string, _ func()) error {
		lease = l
		l.AfterFunc(func() { <-release })
		return nil
	})
	first.Want("1")
	start := time.Now()
	first.Stop()
	if took := time.Since(start); took < time.Second || took > 6*time.Second {
		t.Errorf("stopping took %v, the drain limit is about 2s", took)
	}
	if d, ok := lease.Deadline(); !ok || d.After(time.Now()) {
		t.Errorf("the deadline of the lease is %v, now is %v", d, time.Now())
	}
	close(release)
	second := Read(t, b.Open(), AckAll)
	second.Want("1")
	second.Stop()
}

func contractHandlerError(t *testing.T, b Testbed) {
	b.Publish("1", "2")
	boom := errors.New("boom")
	first := Read(t, b.Open(), func(_ event.Lease, value string, done func()) error {
		if value == "2" {
			return boom
		}
		done()
		return nil
	})
	if err := first.Wait(); !errors.Is(err, boom) {
		t.Fatalf("consume ended with %v", err)
	}
	second := Read(t, b.Open(), AckAll)
	second.Want("2")
	second.Stop()
}

func contractBackpressure(t *testing.T, b Testbed) {
	b.Publish("1", "2")
	release := make(chan struct{})
	var lease event.Lease
	var once sync.Once
	entered := make(chan struct{})
	first := Read(t, b.Open(), func(l event.Lease, _ string, done func()) error {
		once.Do(func() { lease = l; close(entered) })
		<-release
		done()
		return nil
	})
	<-entered
	before, _ := lease.Deadline()
	time.Sleep(time.Until(before) + 100*time.Millisecond) // what was proved at first is worn out
	after, _ := lease.Deadline()
	if lease.Err() != nil || !after.After(before) || !after.After(time.Now()) {
		t.Errorf("err %v, deadline before %v and after %v, now %v", lease.Err(), before, after, time.Now())
	}
	close(release)
	first.Want("1", "2")
	first.Stop()
}

// Two replicas: one stops in the middle and the other one takes over. Nothing is lost, nothing is handed over twice
// after a clean stop, and the order holds.
func contractHandover(t *testing.T, b Testbed) {
	const n = 200
	var mu sync.Mutex
	var got []string
	stopped := make(chan struct{})
	note := func(_ event.Lease, value string, done func()) error {
		mu.Lock()
		got = append(got, value)
		if len(got) == n/2 {
			close(stopped)
		}
		mu.Unlock()
		done()
		time.Sleep(time.Millisecond)
		return nil
	}
	first := Read(t, b.Open(), note)
	var want []string
	for i := range n {
		want = append(want, fmt.Sprint(i))
	}
	b.Publish(want[:n/2+20]...)
	second := Read(t, b.Open(), note)
	b.Publish(want[n/2+20:]...)
	<-stopped
	first.Stop()
	Eventually(t, "everything is read", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(got) >= n
	})
	second.Stop()
	if !slices.Equal(got, want) {
		t.Fatalf("read %v", got)
	}
}
