package consumer

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

// testbed is a broker with one log, which is one partition of a topic or a stream.
type testbed interface {
	// publish appends values to the log, in order.
	publish(values ...string)
	// open makes one more source that reads the log from its beginning, as one more replica of the same reader. Its drain limit
	// is about two seconds, its session a few.
	open() source
}

// source is what the pipeline reads from.
type source interface {
	Consume(ctx context.Context, handle func(lease context.Context, m event.Message, done func()) error) error
	Ready() error
}

// testContract holds a source to what every source promises.
func testContract(t *testing.T, newTestbed func(t *testing.T) testbed) {
	for name, test := range map[string]func(t *testing.T, b testbed){
		"commits only the unbroken prefix":          contractPrefix,
		"done late, twice or never":                 contractLateDone,
		"waits for what is in hand when it stops":   contractDrain,
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

func contractPrefix(t *testing.T, b testbed) {
	b.publish("1", "2", "3", "4", "5")
	first := read(t, b.open(), func(_ context.Context, value string, done func()) error {
		if value == "1" || value == "2" || value == "4" {
			done()
		}
		return nil
	})
	first.want("1", "2", "3", "4", "5")
	first.stop()
	second := read(t, b.open(), settleAll)
	second.want("3", "5") // 4 is done, and noted beside the prefix
	second.stop()
	b.publish("6")
	third := read(t, b.open(), settleAll)
	third.want("6")
	third.stop()
}

func contractLateDone(t *testing.T, b testbed) {
	b.publish("1", "2")
	var dones []func()
	first := read(t, b.open(), func(_ context.Context, _ string, done func()) error {
		dones = append(dones, done)
		return nil
	})
	first.want("1", "2")
	first.stop()
	for range 2 {
		for _, done := range dones {
			done()
		}
	}
	second := read(t, b.open(), func(_ context.Context, _ string, done func()) error {
		done()
		done()
		return nil
	})
	second.want("1", "2")
	second.stop()
	b.publish("3")
	third := read(t, b.open(), settleAll)
	third.want("3")
	third.stop()
}

func contractDrain(t *testing.T, b testbed) {
	b.publish("1", "2", "3")
	registered, finished := false, false
	var held []func()
	first := read(t, b.open(), func(lease context.Context, _ string, done func()) error {
		held = append(held, done)
		if !registered {
			registered = true
			afterFunc(t, lease, func() {
				time.Sleep(300 * time.Millisecond)
				for _, done := range held {
					done()
				}
				finished = true
			})
		}
		return nil
	})
	first.want("1", "2", "3")
	first.stop()
	if !finished {
		t.Fatal("the source did not wait for what was in hand")
	}
	b.publish("4")
	second := read(t, b.open(), settleAll)
	second.want("4")
	second.stop()
}

func contractDrainLimit(t *testing.T, b testbed) {
	b.publish("1")
	release := make(chan struct{})
	var lease context.Context
	first := read(t, b.open(), func(l context.Context, _ string, _ func()) error {
		lease = l
		afterFunc(t, l, func() { <-release })
		return nil
	})
	first.want("1")
	start := time.Now()
	first.stop()
	if took := time.Since(start); took < time.Second || took > 6*time.Second {
		t.Errorf("stopping took %v, the drain limit is about 2s", took)
	}
	if d, ok := lease.Deadline(); !ok || d.After(time.Now()) {
		t.Errorf("the deadline of the lease is %v, now is %v", d, time.Now())
	}
	close(release)
	second := read(t, b.open(), settleAll)
	second.want("1")
	second.stop()
}

func contractHandlerError(t *testing.T, b testbed) {
	b.publish("1", "2")
	boom := errors.New("boom")
	first := read(t, b.open(), func(_ context.Context, value string, done func()) error {
		if value == "2" {
			return boom
		}
		done()
		return nil
	})
	if err := first.wait(); !errors.Is(err, boom) {
		t.Fatalf("consume ended with %v", err)
	}
	second := read(t, b.open(), settleAll)
	second.want("2")
	second.stop()
}

func contractBackpressure(t *testing.T, b testbed) {
	b.publish("1", "2")
	release := make(chan struct{})
	var lease context.Context
	var once sync.Once
	entered := make(chan struct{})
	first := read(t, b.open(), func(l context.Context, _ string, done func()) error {
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
	first.want("1", "2")
	first.stop()
}

// Two replicas: one stops in the middle and the other one takes over. Nothing is lost, nothing is handed over twice after a clean
// stop, and the order holds.
func contractHandover(t *testing.T, b testbed) {
	const n = 200
	var mu sync.Mutex
	var got []string
	stopped := make(chan struct{})
	note := func(_ context.Context, value string, done func()) error {
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
	first := read(t, b.open(), note)
	var want []string
	for i := range n {
		want = append(want, fmt.Sprint(i))
	}
	b.publish(want[:n/2+20]...)
	second := read(t, b.open(), note)
	b.publish(want[n/2+20:]...)
	<-stopped
	first.stop()
	eventually(t, "everything is read", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(got) >= n
	})
	second.stop()
	if !slices.Equal(got, want) {
		t.Fatalf("read %v", got)
	}
}

// reading is a source that is being read.
type reading struct {
	t      *testing.T
	cancel context.CancelFunc
	ended  chan error

	mu  sync.Mutex
	got []string
}

func settleAll(_ context.Context, _ string, done func()) error {
	done()
	return nil
}

// settleAfter settles everything once release is closed, and holds the source up until then.
func settleAfter(release <-chan struct{}) func(context.Context, string, func()) error {
	return func(_ context.Context, _ string, done func()) error {
		<-release
		done()
		return nil
	}
}

// read starts reading a source. Values are noted before on is called.
func read(t *testing.T, s source, on func(lease context.Context, value string, done func()) error) *reading {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r := &reading{t: t, cancel: cancel, ended: make(chan error, 1)}
	go func() {
		r.ended <- s.Consume(ctx, func(lease context.Context, m event.Message, done func()) error {
			value := string(m.Value)
			err := on(lease, value, done)
			r.mu.Lock()
			r.got = append(r.got, value)
			r.mu.Unlock()
			return err
		})
	}()
	t.Cleanup(func() {
		cancel()
		select {
		case err := <-r.ended:
			r.ended <- err
		case <-time.After(time.Minute):
			t.Error("consume does not end")
		}
	})
	return r
}

// want waits until exactly these values have been handed over, in this order.
func (r *reading) want(values ...string) {
	r.t.Helper()
	eventually(r.t, fmt.Sprintf("%v are read", values), func() bool { return len(r.values()) >= len(values) })
	if got := r.values(); !slices.Equal(got, values) {
		r.t.Fatalf("read %v, want %v", got, values)
	}
}

func (r *reading) values() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.got)
}

// stop ends the reading as a shutdown does.
func (r *reading) stop() {
	r.t.Helper()
	r.cancel()
	if err := r.wait(); err != nil {
		r.t.Fatalf("consume ended with %v", err)
	}
}

func (r *reading) wait() error {
	r.t.Helper()
	select {
	case err := <-r.ended:
		r.ended <- err
		return err
	case <-time.After(time.Minute):
		r.t.Fatal("consume does not end")
		return nil
	}
}

// afterFunc registers f with the lease itself, so that it is waited for.
func afterFunc(t *testing.T, lease context.Context, f func()) {
	l, ok := lease.(interface{ AfterFunc(func()) func() bool })
	if !ok {
		t.Errorf("a lease of type %T cannot be waited for", lease)
		return
	}
	l.AfterFunc(f)
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it does not come about that %s", what)
		}
	}
}
