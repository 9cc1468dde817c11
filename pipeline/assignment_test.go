package pipeline

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/canarytest"
	"github.com/ciobridge/ciobridge/internal/lease"
	"github.com/ciobridge/ciobridge/internal/memory"
)

// bench is a pipeline whose source is the test, which hands over single messages under leases of its own.
type bench struct {
	t        *testing.T
	p        *Pipeline
	letters  *letterbox
	memory   *memory.Limiter
	registry *prometheus.Registry
	handle   event.Handler

	handed atomic.Int64 // messages

	mu   sync.Mutex
	sent []string // the bodies in the order in which they went to the wire
	done []string
}

// handed is a source that gives its handle to the test.
type handed chan event.Handler

func (h handed) Consume(ctx context.Context, handle event.Handler) error {
	h <- handle
	<-ctx.Done()
	return nil
}

// sender says what becomes of calls that have gone to the wire.
type sender func(ctx context.Context, calls []event.Call) []event.Outcome

func (s sender) Send(ctx context.Context, calls []event.Call) []event.Outcome { return s(ctx, calls) }

// onBench runs a test in virtual time. Answer is asked after the calls were noted as sent; nil accepts all.
func onBench(t *testing.T, c Config, answer sender, test func(b *bench)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := &bench{t: t, letters: &letterbox{}, memory: memory.New(c.Memory)}
		send := func(ctx context.Context, calls []event.Call) []event.Outcome {
			b.mu.Lock()
			for _, c := range calls {
				b.sent = append(b.sent, string(c.Body))
			}
			b.mu.Unlock()
			if answer == nil {
				return taker{}.Send(ctx, calls)
			}
			return answer(ctx, calls)
		}
		source := make(handed)
		b.registry = canarytest.Registry(t)
		b.p = New(c, Stages{Source: source, Mapper: mapper{}, Sender: sender(send), DeadLetters: b.letters,
			Memory: b.memory, Recycle: mapper{}.Recycle}, canarytest.Logger(t), b.registry)
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- b.p.Run(ctx) }()
		b.handle = <-source
		test(b)
		cancel()
		<-ended
	})
}

// put hands a message over and returns the handle's error.
func (b *bench) put(l event.Lease, partition int32, value string) error {
	m := event.Message{Origin: event.Origin{Topic: "t", Partition: partition, Offset: b.handed.Add(1)},
		Value: []byte(value)}
	return b.handle(l, &m, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.done = append(b.done, value)
	})
}

// metric is the value of a metric with the outcome as its label.
func (b *bench) metric(name, outcome string) float64 {
	b.t.Helper()
	families, err := b.registry.Gather()
	if err != nil {
		b.t.Fatal(err)
	}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			for _, l := range m.GetLabel() {
				if family.GetName() == name && l.GetName() == "outcome" && l.GetValue() == outcome {
					return m.GetCounter().GetValue()
				}
			}
		}
	}
	return 0
}

func (b *bench) must(l event.Lease, partition int32, value string) {
	b.t.Helper()
	if err := b.put(l, partition, value); err != nil {
		b.t.Fatalf("%s: %v", value, err)
	}
}

// want compares what was sent.
func (b *bench) want(sent ...string) {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if got := strings.Join(b.sent, ", "); got != strings.Join(sent, ", ") {
		b.t.Errorf("sent %s; want %s", got, strings.Join(sent, ", "))
	}
}

// settled is how many messages are done.
func (b *bench) settled() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.done)
}

func (b *bench) assignments() int {
	return b.p.Stats().Assignments
}

// pass lets time pass, until nothing happens any more.
func (b *bench) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func quiet() Config {
	c := DefaultConfig(testLimits)
	c.StopShare = 0
	return c
}

func newTestLease() *lease.Lease { return lease.New(func() time.Time { return time.Time{} }) }

// holdBack answers the calls with these bodies as open and not to be made again for so long, and accepts all others.
func holdBack(d time.Duration, bodies string) sender {
	return func(_ context.Context, calls []event.Call) []event.Outcome {
		out := make([]event.Outcome, len(calls))
		for i, c := range calls {
			out[i].Result = event.Delivered
			if strings.Contains(bodies, string(c.Body)) {
				out[i] = event.Outcome{NotBefore: time.Now().Add(d),
					Failure: &event.Failure{Stage: event.StageDelivery}}
			}
		}
		return out
	}
}

// TestNothingEntersUnderAnEndedLease: the message before was let go with the lease, so this one would come before it.
func TestNothingEntersUnderAnEndedLease(t *testing.T) {
	onBench(t, quiet(), holdBack(time.Hour, "p 1 identify"), func(b *bench) {
		l := newTestLease()
		b.must(l, 0, "p 1 identify")
		b.pass(time.Second)
		if !l.End(15 * time.Second) {
			t.Error("what backs off was not released at once")
		}
		if err := b.put(l, 0, "p 2 identify"); err == nil {
			t.Error("a message was taken under a lease that had ended")
		}
		b.pass(time.Minute)
		b.want("p 1 identify")
		if b.assignments() != 0 {
			t.Error("an ended lease still holds something")
		}
	})
}

// deaf is a lease whose end nobody hears who waits for it; it has to be asked.
type deaf struct{ *lease.Lease }

func (deaf) Done() <-chan struct{} { return nil }

// TestRoomThatComesTooLate: a message waits for memory; it is granted and the lease ends before it can enter.
func TestRoomThatComesTooLate(t *testing.T) {
	c := quiet()
	c.Memory = 10_000
	onBench(t, c, holdBack(time.Hour, "p 1 identify"), func(b *bench) {
		one, two := newTestLease(), deaf{newTestLease()}
		b.must(one, 0, "p 1 identify")
		b.pass(time.Second)
		before := b.p.Stats().Reserved
		elsewhere := memory.Partition{Topic: "t", ID: 9}
		others, waiter := b.memory.Reserve(elsewhere, c.Memory-before)
		if waiter != nil {
			t.Fatal("there is no room at the start")
		}
		taken := make(chan error, 1)
		go func() { taken <- b.put(two, 1, "q 1 identify") }()
		b.pass(time.Second)
		two.Revoke(15 * time.Second)
		b.memory.Release(others, c.Memory-before)
		if err := <-taken; err == nil {
			t.Error("a message was taken under a lease that had ended")
		}
		b.pass(time.Minute)
		b.want("p 1 identify")
		if got := b.p.Stats().Reserved; got != before {
			t.Errorf("%d bytes stay reserved, %d are in hand", got, before)
		}
		one.End(time.Second)
		synctest.Wait()
		if n, partitions := b.p.Stats().Reserved, b.memory.Partitions(); n != 0 || partitions != 0 {
			t.Errorf("%d bytes and %d shares left", n, partitions)
		}
	})
}

// TestSuccessorsOfAnEndedLeaseGoOn: what another lease holds stands behind something that goes with its lease, at a
// time when no request comes back and no message comes in.
func TestSuccessorsOfAnEndedLeaseGoOn(t *testing.T) {
	onBench(t, quiet(), holdBack(time.Hour, "p 1 identify"), func(b *bench) {
		b.letters.fail = func(time.Time) bool { time.Sleep(5 * time.Second); return false }
		one, two := newTestLease(), newTestLease()
		b.must(one, 0, "p 1 identify")
		b.pass(time.Second)
		b.must(two, 1, "p 2 identify")
		b.must(one, 0, "q 1 unmappable")
		one.Revoke(15 * time.Second)
		b.pass(time.Second)
		b.want("p 1 identify") // the letter is on its way, and until then the lease is not over
		b.pass(10 * time.Second)
		b.want("p 1 identify", "p 2 identify")
	})
}

// TestRestIsNoticedUnderLoad: what an ended lease has left is let go although another lease keeps all senders busy.
func TestRestIsNoticedUnderLoad(t *testing.T) {
	c := quiet()
	c.Senders, c.BatchItems = 1, 1
	slow := func(ctx context.Context, calls []event.Call) []event.Outcome {
		time.Sleep(time.Second)
		return taker{}.Send(ctx, calls)
	}
	onBench(t, c, slow, func(b *bench) {
		one, two := newTestLease(), newTestLease()
		for i := range 5 {
			b.must(one, 0, fmt.Sprintf("canary%d 1 identify", i))
		}
		for i := range 60 {
			b.must(two, 1, fmt.Sprintf("q%d 1 identify", i))
		}
		one.Revoke(1500 * time.Millisecond)
		b.pass(10 * time.Second)
		if n := b.assignments(); n != 1 {
			t.Errorf("%d leases hold something, want 1", n)
		}
		b.mu.Lock()
		defer b.mu.Unlock()
		if len(b.sent) < 9 || len(b.done) < 9 {
			t.Errorf("%d sent and %d done in 10 s", len(b.sent), len(b.done))
		}
	})
}

// TestDrainEndsWithTheDeadline: calls that nobody has taken before the deadline are let go, and those that follow
// them.
func TestDrainEndsWithTheDeadline(t *testing.T) {
	c := quiet()
	c.Senders = 1
	stuck := func(ctx context.Context, calls []event.Call) []event.Outcome {
		time.Sleep(20 * time.Second)
		return taker{}.Send(ctx, calls)
	}
	onBench(t, c, stuck, func(b *bench) {
		one := newTestLease()
		b.must(one, 0, "p 1 identify")
		b.must(one, 0, "p 2 identify")
		b.pass(time.Second)
		b.must(one, 0, "q 1 identify")
		if one.End(10 * time.Second) {
			t.Error("the request that is on the wire was not waited for")
		}
		two := newTestLease()
		for _, m := range []string{"p 1 identify", "p 2 identify"} {
			b.must(two, 0, m)
		}
		b.pass(5 * time.Second)
		b.want("p 1 identify") // that of the old lease is still on the wire
		b.pass(time.Minute)
		b.want("p 1 identify", "p 1 identify", "p 2 identify")
		if b.assignments() != 1 {
			t.Error("an ended lease still holds something")
		}
	})
}

// TestOthersBackOffAsBefore: a lease that ends takes only its own calls from those that back off, and the rest keep
// their times.
func TestOthersBackOffAsBefore(t *testing.T) {
	began := time.Time{}
	answer := func(_ context.Context, calls []event.Call) []event.Outcome {
		out := make([]event.Outcome, len(calls))
		for i, c := range calls {
			var n int
			fmt.Sscanf(string(c.Body), "canary%d", &n)
			out[i].Result = event.Delivered
			if until := began.Add(time.Duration(n) * time.Minute); time.Now().Before(until) {
				out[i] = event.Outcome{NotBefore: until, Failure: &event.Failure{Stage: event.StageDelivery}}
			}
		}
		return out
	}
	onBench(t, quiet(), answer, func(b *bench) {
		began = time.Now()
		one, two := newTestLease(), newTestLease()
		for n := 1; n <= 20; n++ {
			l := one
			if n%3 == 0 {
				l = two
			}
			b.must(l, 0, fmt.Sprintf("canary%d 1 track", n))
		}
		b.pass(30 * time.Second)
		if !one.End(time.Minute) {
			t.Error("what backs off was not released at once")
		}
		for n := 1; n <= 20; n++ {
			b.pass(time.Minute)
			if got := b.settled(); got != n/3 {
				t.Errorf("%d done after %d minutes and a half, want %d", got, n, n/3)
			}
		}
		two.End(0)
	})
}

// TestAMessageIsDoneWithItsLetter, which waits for the last of its calls, whichever that is.
func TestAMessageIsDoneWithItsLetter(t *testing.T) {
	first, second := "p 1 several", "other-p 1 several"
	for _, order := range [][]string{{first, second}, {second, first}} {
		began := time.Now()
		answer := func(_ context.Context, calls []event.Call) []event.Outcome {
			out := make([]event.Outcome, len(calls))
			for i, c := range calls {
				out[i].Result = event.Delivered
				if until := began.Add(time.Duration(
					slices.Index(order, string(c.Body))+1) * time.Minute); time.Now().Before(until) {
					out[i] = event.Outcome{NotBefore: until, Failure: &event.Failure{Stage: event.StageDelivery}}
				}
			}
			return out
		}
		onBench(t, quiet(), answer, func(b *bench) {
			began = time.Now()
			b.letters.fail = func(time.Time) bool { time.Sleep(50 * time.Second); return false }
			l := newTestLease()
			b.must(l, 0, first)
			for range 4 { // whose messages must not be that of the first
				b.pass(40 * time.Second)
				b.must(l, 0, "q 1 skip")
				b.must(l, 0, "q 2 track")
			}
			b.mu.Lock()
			if slices.Contains(b.done, first) {
				t.Errorf("done before its letter, in the order %v", order)
			}
			b.mu.Unlock()
			b.pass(time.Minute)
			b.mu.Lock()
			if !slices.Contains(b.done, first) || len(b.done) != 9 {
				t.Errorf("done: %v, in the order %v", b.done, order)
			}
			b.mu.Unlock()
			l.End(0)
		})
	}
}

// TestNobodyLingersWhileALeaseEnds or while a message waits for room.
func TestNobodyLingersWhileALeaseEnds(t *testing.T) {
	c := quiet()
	c.Linger, c.Memory = time.Minute, 1000
	onBench(t, c, nil, func(b *bench) {
		l := newTestLease()
		b.must(l, 0, "p 1 track")
		began := time.Now()
		b.must(l, 0, "q 1 track")
		if took := time.Since(began); took > time.Second {
			t.Errorf("a message waited %s for room", took)
		}
		if !l.End(30*time.Second) || time.Since(began) > time.Second || b.settled() != 2 {
			t.Errorf("the lease ended after %s with %d done", time.Since(began), b.settled())
		}
	})
}

// TestALeaseWaitsForWhatIsBeingTold: a source commits when its lease has come to rest, so every done of what was
// delivered, or stored as a letter, must have been called by then; else it is delivered twice.
func TestALeaseWaitsForWhatIsBeingTold(t *testing.T) {
	for _, kind := range []string{"track", "unmappable"} {
		onBench(t, DefaultConfig(testLimits), nil, func(b *bench) {
			l := lease.New(func() time.Time { return time.Time{} })
			var told atomic.Bool
			m := event.Message{Origin: event.Origin{Topic: "t"}, Value: []byte("person 1 " + kind)}
			if err := b.handle(l, &m, func() {
				time.Sleep(time.Second) // the source's own lock is taken
				told.Store(true)
			}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(DefaultConfig(testLimits).Linger + 10*time.Millisecond)
			if told.Load() {
				t.Fatal("the test is too late")
			}
			if !l.End(15*time.Second) || !told.Load() {
				t.Errorf("%s: the lease has come to rest before the source was told", kind)
			}
		})
	}
}
