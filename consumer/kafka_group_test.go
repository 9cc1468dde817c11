package consumer

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/ciobridge/ciobridge/broker"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/secret"
)

// shop is what all replicas together have done, and how: a message takes effect when it is handed over, unless its lease is over,
// and is done some time later.
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

func (s *shop) replica(t *testing.T) func(lease context.Context, m event.Message, done func()) error {
	var mu sync.Mutex
	tenancies := map[context.Context]*shopTenancy{}
	return func(lease context.Context, m event.Message, done func()) error {
		mu.Lock()
		tenancy := tenancies[lease]
		if tenancy == nil {
			tenancy = &shopTenancy{}
			tenancies[lease] = tenancy
			afterFunc(t, lease, func() {
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
	t.Parallel()
	testReplicasComeAndGo(t, startKafka(t, kfake.SeedTopics(4, testTopic)))
}

func TestRealKafkaReplicasComeAndGo(t *testing.T) {
	t.Parallel()
	testReplicasComeAndGo(t, realKafka(t, 4))
}

// Three replicas come and go while messages are published. Every departure is a clean one: each message takes effect once, in order.
func testReplicasComeAndGo(t *testing.T, b *kafkaBed) {
	const rounds, each = 60, 10
	s := &shop{effects: map[int32][]int64{}}
	start := func() (*Kafka, func()) {
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
	_, stopA := start()
	defer stopA()
	var stopB, stopC func()
	var kB *Kafka
	for round := range rounds {
		for p := range int32(4) {
			b.publishTo(p, numbers(round*each, (round+1)*each)...)
		}
		time.Sleep(30 * time.Millisecond)
		switch round {
		case 10:
			kB, stopB = start()
			defer stopB()
		case 30:
			stopA()
		case 40:
			_, stopC = start()
			defer stopC()
		case 50:
			stopB()
		}
	}
	eventually(t, "everything took effect", func() bool { return s.total() >= 4*rounds*each })
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
	if n := int(counterValue(kB)); n < 2 {
		t.Errorf("the second replica saw %d generations: there was no rebalance", n)
	}
	for _, o := range b.offsets(b.config()) {
		if o.Lag() != 0 {
			t.Errorf("partition %d has a lag of %d", o.Partition, o.Lag())
		}
	}
}

// A partition that is added to a topic is read from its beginning even when reading starts at the latest: its first events are new.
func TestKafkaPartitionsAdded(t *testing.T) {
	t.Parallel()
	b := startKafka(t)
	c := b.config()
	c.StartAt = "latest"
	b.publish("before")
	first := read(t, b.openWith(c), settleAll)
	eventually(t, "the start is committed", func() bool { return b.offsets(c)[0].Committed == 1 })

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
	first.want("while reading")
	first.stop()
	add(3)
	b.publishTo(2, "while stopped")
	second := read(t, b.openWith(c), settleAll)
	second.want("while stopped")
	second.stop()
}

func TestKafkaStartsWhereItIsTold(t *testing.T) {
	t.Parallel()
	b := startKafka(t)
	b.publish("1", "2")
	time.Sleep(5 * time.Millisecond)
	between := time.Now()
	time.Sleep(5 * time.Millisecond)
	b.publish("3")
	for startAt, want := range map[string][]string{
		"earliest":                       {"1", "2", "3"},
		between.Format(time.RFC3339Nano): {"3"},
		"2020-01-01T00:00:00Z":           {"1", "2", "3"},
	} {
		c := b.config()
		c.Group, c.StartAt = "from "+startAt, startAt
		r := read(t, b.openWith(c), settleAll)
		r.want(want...)
		r.stop()
	}
	// Latest is settled at the start: what comes while the bridge is down is not skipped.
	c := b.config()
	c.Group, c.StartAt = "from latest", "latest"
	idle := read(t, b.openWith(c), settleAll)
	eventually(t, "the start is committed", func() bool { return b.offsets(c)[0].Committed == 3 })
	idle.want()
	idle.stop()
	b.publish("4")
	r := read(t, b.openWith(c), settleAll)
	r.want("4")
	r.stop()
}

func TestKafkaWaitsForItsTopic(t *testing.T) {
	t.Parallel()
	b := startKafka(t)
	c := b.config()
	c.Topics = []string{"later"}
	k := b.openWith(c)
	r := read(t, k, settleAll)
	eventually(t, "the group is joined", func() bool { return k.Ready() == nil })
	req := kmsg.NewCreateTopicsRequest()
	topic := kmsg.NewCreateTopicsRequestTopic()
	topic.Topic, topic.NumPartitions, topic.ReplicationFactor = "later", 1, 1
	req.Topics = append(req.Topics, topic)
	if res, err := req.RequestWith(t.Context(), b.client); err != nil || res.Topics[0].ErrorCode != 0 {
		t.Fatal(err, res)
	}
	b.topic = "later"
	b.publish("1")
	r.want("1")
	r.stop()
}

// The broker goes away for longer than a session and comes back: reading goes on, and what was in hand comes again once.
func TestKafkaBrokerRestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := startKafka(t, kfake.DataDir(dir))
	_, port, _ := strings.Cut(b.brokers[0], ":")
	n, _ := strconv.Atoi(port)
	b.publish("1", "2")
	k := b.openWith(b.config())
	r := read(t, k, settleAll)
	r.want("1", "2")
	eventually(t, "the offset is committed", func() bool { return b.offsets(b.config())[0].Committed == 2 })
	b.client.Close()
	b.cluster.Close()
	eventually(t, "the source is not ready", func() bool { return k.Ready() != nil })
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.Ports(n), kfake.DataDir(dir), kfake.GroupMinSessionTimeout(100*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	b.client = b.producer()
	b.publish("3")
	r.want("1", "2", "3")
	if k.Ready() != nil || k.failures(reasonConnection) == 0 {
		t.Errorf("ready %v, %d failures", k.Ready(), k.failures(reasonConnection))
	}
	r.stop()
}

func TestKafkaLeaderMoves(t *testing.T) {
	t.Parallel()
	b := startKafka(t, kfake.NumBrokers(3), kfake.SeedTopics(2, testTopic))
	k := b.openWith(b.config())
	r := read(t, k, settleAll)
	var want []string
	for i := range 8 {
		leader := b.cluster.LeaderFor(testTopic, 0)
		value := fmt.Sprint(i)
		want = append(want, value)
		b.publish(value)
		r.want(want...)
		if err := b.cluster.MoveTopicPartition(testTopic, 0, (leader+1)%3); err != nil {
			t.Fatal(err)
		}
	}
	b.cluster.RehashCoordinators()
	b.publish("last")
	r.want(append(want, "last")...)
	r.stop()
	if k.failures(reasonBroker) == 0 {
		t.Error("no leader was found to have moved")
	}
}

// A wrong password shows as such and is not tried again and again; the right one in the file is enough to go on.
func TestKafkaPasswordReplaced(t *testing.T) {
	t.Parallel()
	b := startKafka(t)
	secured, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, testTopic), kfake.EnableSASL(),
		kfake.Superuser("SCRAM-SHA-512", "bridge", "right"), kfake.GroupMinSessionTimeout(100*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(secured.Close)
	file := filepath.Join(t.TempDir(), "password")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("wrong")
	c := b.config()
	c.Brokers = secured.ListenAddrs()
	c.SASL = &broker.SASLConfig{Mechanism: "scram-sha-512", Username: "bridge", Password: secret.Ref{File: file}}
	k := b.openWith(c)
	r := read(t, k, settleAll)
	eventually(t, "the refusal shows", func() bool { return reasonOf(k.Ready()) == reasonAuth })
	time.Sleep(2 * time.Second)
	if n := k.failures(reasonAuth); n < 2 || n > 4 {
		t.Errorf("%d attempts within about two seconds", n)
	}
	write("right")
	eventually(t, "the source is ready", func() bool { return k.Ready() == nil })
	r.stop()
}

// However much there is to read and however long nothing of it is finished, what is fetched stays within its bounds.
func TestKafkaMemoryStaysBounded(t *testing.T) {
	t.Parallel()
	const partitions = 8
	b := startKafka(t, kfake.SeedTopics(partitions, testTopic))
	value := strings.Repeat("x", 20<<10)
	var values []string
	for range 100 {
		values = append(values, value)
	}
	for p := range int32(partitions) {
		b.publishTo(p, values...)
	}
	c := b.config()
	c.FetchBytes = 2 << 20
	k := b.openWith(c)
	var mu sync.Mutex
	var held []func()
	free := false
	r := read(t, k, func(_ context.Context, _ string, done func()) error {
		mu.Lock()
		defer mu.Unlock()
		if free {
			done()
		} else {
			held = append(held, done)
		}
		return nil
	})
	var peak int64
	for range 100 {
		time.Sleep(5 * time.Millisecond)
		if g := k.generation.Load(); g != nil {
			peak = max(peak, g.window.inUse())
		}
	}
	// The producer makes batches of up to a megabyte; the last one is fetched before its size is known.
	if total := len(values) * len(value) * partitions; peak == 0 || peak > c.FetchBytes+1<<20 {
		t.Errorf("%d bytes were held of %d, the limit is %d", peak, total, c.FetchBytes)
	}
	mu.Lock()
	free = true
	for _, done := range held {
		done()
	}
	mu.Unlock()
	eventually(t, "everything is read once there is room", func() bool { return len(r.values()) == partitions*len(values) })
	r.stop()
}

// One message that is not finished holds up neither the other partition nor what stands behind it, up to the limit.
func TestKafkaBoundsWhatIsInHand(t *testing.T) {
	t.Parallel()
	b := startKafka(t)
	b.publish(numbers(0, 50)...)
	c := b.config()
	c.MaxUncommitted = 10
	var first func()
	r := read(t, b.openWith(c), func(_ context.Context, value string, done func()) error {
		if value == "0" {
			first = done
			return nil
		}
		done()
		return nil
	})
	r.want(numbers(0, 10)...)
	time.Sleep(300 * time.Millisecond)
	r.want(numbers(0, 10)...)
	first()
	r.want(numbers(0, 50)...)
	r.stop()
}

func TestKafkaMessagesAreWhole(t *testing.T) {
	t.Parallel()
	b := startKafka(t)
	produced := producedRecord(b)
	var got event.Message
	ctx, cancel := context.WithCancel(t.Context())
	err := b.openWith(b.config()).Consume(ctx, func(_ context.Context, m event.Message, done func()) error {
		got = m
		cancel()
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if got.Origin != (event.Origin{Topic: testTopic, Offset: 0}) || string(got.Key) != string(produced.Key) || got.Value != nil {
		t.Errorf("got %v %q %q", got.Origin, got.Key, got.Value)
	}
	if !got.Time.Equal(produced.Timestamp.Truncate(time.Millisecond)) {
		t.Errorf("time %v, want %v", got.Time, produced.Timestamp)
	}
	want := []event.Header{{Key: "h", Value: []byte("1")}, {Key: "h", Value: []byte("2")}}
	if !slices.EqualFunc(got.Headers, want, func(a, b event.Header) bool { return a.Key == b.Key && same(a.Value, b.Value) }) {
		t.Errorf("headers %q", got.Headers)
	}
}
