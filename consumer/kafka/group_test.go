package kafka

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/consumertest"
	"github.com/ciobridge/ciobridge/internal/longtest"
)

// shop is what all replicas together have done, and how: a message takes effect when it is handed over, unless its
// lease is over, and is done some time later.
type shop struct {
	mu      sync.Mutex
	effects map[int32][]int64 // offsets by partition, in the order in which they took effect
}

// tenancy is what a replica holds under one lease.
type shopTenancy struct {
	mu     sync.Mutex
	closed bool
	open   sync.WaitGroup
}

func (s *shop) replica(t *testing.T) func(lease event.Lease, m *event.Message, done func()) error {
	var mu sync.Mutex
	tenancies := map[context.Context]*shopTenancy{}
	return func(lease event.Lease, m *event.Message, done func()) error {
		mu.Lock()
		tenancy := tenancies[lease]
		if tenancy == nil {
			tenancy = &shopTenancy{}
			tenancies[lease] = tenancy
			lease.AfterFunc(func() {
				tenancy.mu.Lock()
				tenancy.closed = true
				tenancy.mu.Unlock()
				tenancy.open.Wait()
			})
		}
		mu.Unlock()
		tenancy.mu.Lock()
		defer tenancy.mu.Unlock()
		if d, _ := lease.Deadline(); tenancy.closed || lease.Err() != nil || !time.Now().Before(d) {
			return context.Canceled
		}
		s.mu.Lock()
		s.effects[m.Origin.Partition] = append(s.effects[m.Origin.Partition], m.Origin.Offset)
		s.mu.Unlock()
		tenancy.open.Go(func() {
			time.Sleep(time.Duration(rand.IntN(20)) * time.Millisecond)
			done()
		})
		return nil
	}
}

func (s *shop) total() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, e := range s.effects {
		n += len(e)
	}
	return n
}

func TestKafkaReplicasComeAndGo(t *testing.T) {
	longtest.Only(t)
	t.Parallel()
	testReplicasComeAndGo(t, startKafka(t, kfake.SeedTopics(4, testTopic)))
}

func TestRealKafkaReplicasComeAndGo(t *testing.T) {
	t.Parallel()
	testReplicasComeAndGo(t, realKafka(t, 4))
}

// Three replicas come and go while messages are published. Every departure is a clean one: each message takes effect
// once, in order.
func testReplicasComeAndGo(t *testing.T, b *testBed) {
	const each = 10
	s := &shop{effects: map[int32][]int64{}}
	start := func() (*Source, func()) {
		k := b.openWith(b.config())
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- k.Consume(ctx, s.replica(t)) }()
		return k, sync.OnceFunc(func() {
			cancel()
			if err := <-ended; err != nil {
				t.Errorf("consume: %v", err)
			}
		})
	}
	rounds := 0
	publishUntil := func(k *Source, generations float64) {
		t.Helper()
		for least := rounds + 10; rounds < least || counterValue(k) < generations; rounds++ {
			for p := range int32(4) {
				b.publishTo(p, numbers(rounds*each, (rounds+1)*each)...)
			}
			time.Sleep(30 * time.Millisecond)
			if rounds > 2000 {
				t.Fatal("a replica that has come is given nothing, or one that is left alone not the rest")
			}
		}
	}
	kA, stopA := start()
	defer stopA()
	publishUntil(kA, 1)
	kB, stopB := start()
	defer stopB()
	publishUntil(kB, 1)
	stopA()
	publishUntil(kB, 2)
	kC, stopC := start()
	defer stopC()
	publishUntil(kC, 1)
	stopB()
	publishUntil(kC, 2)
	consumertest.Eventually(t, "everything took effect", func() bool { return s.total() >= 4*rounds*each })
	stopC()
	for p, effects := range s.effects {
		for i, offset := range effects {
			if offset != int64(i) {
				t.Fatalf("partition %d: %d took effect in place of %d", p, offset, i)
			}
		}
		if len(effects) != rounds*each {
			t.Errorf("partition %d: %d effects of %d", p, len(effects), rounds*each)
		}
	}
	for _, o := range b.offsets(b.config()) {
		if o.Lag() != 0 {
			t.Errorf("partition %d has a lag of %d", o.Partition, o.Lag())
		}
	}
}

// A partition that is added to a topic is read from its beginning even when reading starts at the latest: its first
// events are new.
func TestKafkaPartitionsAdded(t *testing.T) {
	t.Parallel()
	b := startKafka(t)
	c := b.config()
	c.StartAt = "latest"
	b.Publish("before")
	first := consumertest.Read(t, b.openWith(c), consumertest.AckAll)
	consumertest.Eventually(t, "the start is committed", func() bool { return b.offsets(c)[0].Committed == 1 })

	add := func(n int32) {
		req := kmsg.NewCreatePartitionsRequest()
		topic := kmsg.NewCreatePartitionsRequestTopic()
		topic.Topic, topic.Count = testTopic, n
		req.Topics = append(req.Topics, topic)
		if res, err := req.RequestWith(t.Context(), b.client); err != nil || res.Topics[0].ErrorCode != 0 {
			t.Fatal(err, res)
		}
		b.client = b.producer() // knows the new partition
	}
	add(2)
	b.publishTo(1, "while reading")
	first.Want("while reading")
	first.Stop()
	add(3)
	b.publishTo(2, "while stopped")
	second := consumertest.Read(t, b.openWith(c), consumertest.AckAll)
	second.Want("while stopped")
	second.Stop()
}

func TestKafkaStartsWhereItIsTold(t *testing.T) {
	t.Parallel()
	b := startKafka(t)
	between := time.Now().Add(-time.Minute)
	b.publishAt(between.Add(-time.Second), "1", "2")
	b.publishAt(between.Add(time.Second), "3")
	for startAt, want := range map[string][]string{
		"earliest":                       {"1", "2", "3"},
		between.Format(time.RFC3339Nano): {"3"},
		"2020-01-01T00:00:00Z":           {"1", "2", "3"},
	} {
		c := b.config()
		c.Group, c.StartAt = "from "+startAt, startAt
		r := consumertest.Read(t, b.openWith(c), consumertest.AckAll)
		r.Want(want...)
		r.Stop()
	}
	// Latest is settled at the start: what comes while the bridge is down is not skipped.
	c := b.config()
	c.Group, c.StartAt = "from latest", "latest"
	idle := consumertest.Read(t, b.openWith(c), consumertest.AckAll)
	consumertest.Eventually(t, "the start is committed", func() bool { return b.offsets(c)[0].Committed == 3 })
	idle.Want()
	idle.Stop()
	b.Publish("4")
	r := consumertest.Read(t, b.openWith(c), consumertest.AckAll)
	r.Want("4")
	r.Stop()
}

func TestKafkaWaitsForItsTopic(t *testing.T) {
	t.Parallel()
	b := startKafka(t)
	c := b.config()
	c.Topics = []string{"later"}
	k := b.openWith(c)
	r := consumertest.Read(t, k, consumertest.AckAll)
	consumertest.Eventually(t, "the topic is missed", func() bool { return k.wasAbsent("later") })
	b.topic = "later"
	b.makeTopic()
	b.Publish("1")
	r.Want("1")
	r.Stop()
}
