package kafka

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/goleak"

	"github.com/ciobridge/ciobridge/broker"
	"github.com/ciobridge/ciobridge/internal/cloudevent"
	"github.com/ciobridge/ciobridge/internal/kafkatopic"
	"github.com/ciobridge/ciobridge/internal/kafkatopic/electedtest"
	"github.com/ciobridge/ciobridge/internal/longtest"
	"github.com/ciobridge/ciobridge/report"
	"github.com/ciobridge/ciobridge/report/internal/placetest"
)

func TestMain(m *testing.M) {
	longtest.Together(24)
	goleak.VerifyTestMain(m)
}

const session = 600 * time.Millisecond

func start(t testing.TB) *kfake.Cluster {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.GroupMinSessionTimeout(100*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	return cluster
}

func connect(t testing.TB, addrs ...string) *broker.Kafka {
	t.Helper()
	conn, err := broker.NewKafka(broker.KafkaConfig{Brokers: addrs})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	return conn
}

func create(t testing.TB, conn *broker.Kafka, topic string, partitions int, settings ...string) {
	t.Helper()
	config := kafka.TopicConfig{Topic: topic, NumPartitions: partitions, ReplicationFactor: 1}
	for i := 0; i < len(settings); i += 2 {
		config.ConfigEntries = append(config.ConfigEntries,
			kafka.ConfigEntry{ConfigName: settings[i], ConfigValue: settings[i+1]})
	}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		req := &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{config}}
		res, err := conn.Client().CreateTopics(t.Context(), req)
		if err == nil {
			err = res.Errors[topic]
		}
		if err == nil {
			break
		}
		if !errors.Is(err, kafka.TopicAlreadyExists) || time.Now().After(deadline) { // it is being removed
			t.Fatal(err)
		}
	}
	for p := range partitions { // its leaders are there
		for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
			_, end, err := kafkatopic.Bounds(t.Context(), conn.Client(), topic, p)
			if err == nil && end == 0 {
				break
			}
			if time.Now().After(deadline) {
				t.Fatal(end, err)
			}
		}
	}
}

func remove(t *testing.T, conn *broker.Kafka, topic string) {
	t.Helper()
	res, err := conn.Client().DeleteTopics(t.Context(), &kafka.DeleteTopicsRequest{Topics: []string{topic}})
	if err != nil || res.Errors[topic] != nil {
		t.Fatal(err, res)
	}
}

// stored are the ids of a topic by their subjects.
func stored(t *testing.T, conn *broker.Kafka, topic string) map[string][]string {
	t.Helper()
	ends, err := NewTarget(conn, topic).ends(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string][]string{}
	for p, end := range ends {
		if err := readTo(t.Context(), conn.Client(), topic, p, 0, end, func(r *kafka.Record) error {
			key, value, err := kafkatopic.Content(r)
			id := string(r.Headers[1].Value)
			if !strings.Contains(string(value), `"id":"`+id+`"`) {
				t.Errorf("%s has the header %s", value, id)
			}
			ids[string(key)] = append(ids[string(key)], id)
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	return ids
}

func target(t *testing.T, topic string, addrs ...string) {
	conn := connect(t, addrs...)
	again := func() { create(t, conn, topic, 4, "max.message.bytes", "20000") }
	again()
	placetest.Targets(t, placetest.TargetPlace{
		Open:   func() report.Target { return NewTarget(connect(t, addrs...), topic) },
		Stored: func() map[string][]string { return stored(t, conn, topic) },
		Remake: func() {
			remove(t, conn, topic)
			again()
		},
		Remove: func() { remove(t, conn, topic) },
		Large:  20_000,
	})
}

func TestTarget(t *testing.T) {
	t.Parallel()
	target(t, "reports", start(t).ListenAddrs()...)
}

func store(t *testing.T, config report.StateConfig, session time.Duration, addrs ...string) *Store {
	s := NewStore(connect(t, addrs...), config)
	s.lead.Session, s.lead.Settle = session, session/4
	return s
}

func TestStore(t *testing.T) {
	t.Parallel()
	addrs := start(t).ListenAddrs()
	placetest.Stores(t, placetest.StorePlace{Session: session, Open: func() (report.Store, func()) {
		return store(t, report.StateConfig{Topic: "state", Create: true}, session, addrs...), nil
	}})
}

func TestDeath(t *testing.T) {
	t.Parallel()
	cluster := start(t)
	cut := cutter{cluster: cluster, cut: map[string]bool{}}
	placetest.Deaths(t, placetest.StorePlace{Session: session, Open: func() (report.Store, func()) {
		s := store(t, report.StateConfig{Topic: "state", Create: true}, session, cluster.ListenAddrs()...)
		return s, cut.off()
	}})
}

// A cutter keeps the coordinator from hearing of a member of a group.
type cutter struct {
	cluster *kfake.Cluster
	mu      sync.Mutex
	cut     map[string]bool
}

// off returns a function that cuts the member off that was heard of first since.
func (c *cutter) off() func() {
	var once sync.Once
	var member string
	hear := func(id string) bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		if id != "" {
			once.Do(func() { member = id })
		}
		return c.cut[id]
	}
	c.cluster.ControlKey(int16(kmsg.Heartbeat), func(req kmsg.Request) (kmsg.Response, error, bool) {
		c.cluster.KeepControl()
		if hear(req.(*kmsg.HeartbeatRequest).MemberID) {
			return nil, errors.New("cut off"), true
		}
		return nil, nil, false
	})
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.cut[member] = true
	}
}

func TestRealKafka(t *testing.T) {
	addrs := os.Getenv("CIOBRIDGE_TEST_KAFKA")
	if addrs == "" {
		t.Skip("CIOBRIDGE_TEST_KAFKA names no Kafka brokers")
	}
	list, name := strings.Split(addrs, ","), "ciobridge-test-"+rand.Text()
	t.Run("target", func(t *testing.T) { target(t, name, list...) })
	t.Run("store", func(t *testing.T) {
		config := report.StateConfig{Topic: name + "-state", Create: true}
		placetest.Stores(t, placetest.StorePlace{Session: 2 * time.Second, Open: func() (report.Store, func()) {
			return store(t, config, 2*time.Second, list...), nil
		}})
	})
}

// What a topic must be is said with what to do.
func TestCheck(t *testing.T) {
	t.Parallel()
	cluster := start(t)
	conn := connect(t, cluster.ListenAddrs()...)
	create(t, conn, "compacted", 1, "cleanup.policy", "compact,delete")
	create(t, conn, "plain", 1, "cleanup.policy", "delete")
	create(t, conn, "starved", 1, "min.insync.replicas", "2")
	target := func(topic string) error { return NewTarget(conn, topic).Check(t.Context()) }
	state := func(topic string) error {
		_, err := NewStore(conn, report.StateConfig{Topic: topic}).Check(t.Context())
		return err
	}
	for name, c := range map[string]struct {
		got, want error
		says      string
	}{
		"missing":       {target("missing"), report.ErrMissing, "make it, with cleanup.policy=delete"},
		"compacted":     {target("compacted"), report.ErrUnfit, "set it to delete"},
		"starved":       {target("starved"), report.ErrUnfit, "min.insync.replicas"},
		"missing state": {state("missing"), report.ErrMissing, "report_state.create"},
		"plain state":   {state("plain"), report.ErrUnfit, "set it to compact"},
		"state deletes": {state("compacted"), report.ErrUnfit, "set it to compact"},
	} {
		if !errors.Is(c.got, c.want) || !strings.Contains(c.got.Error(), c.says) {
			t.Errorf("%s: %v", name, c.got)
		}
	}
}

// What a leader that was just elected does not show yet is not taken for what is not there.
func TestALeaderThatWasJustElected(t *testing.T) {
	t.Parallel()
	cluster := start(t)
	conn := connect(t, cluster.ListenAddrs()...)
	create(t, conn, "reports", 1)
	target := NewTarget(conn, "reports")
	if err := target.Publish(t.Context(), []cloudevent.Event{placetest.Event("1", "a")}); err != nil {
		t.Fatal(err)
	}
	electedtest.Hide(cluster, 1)
	err := target.Published(t.Context(), "", func(string, string) {})
	if !errors.Is(err, kafkatopic.ErrHidden) {
		t.Errorf("the first reading: %v", err)
	}
	if got := placetest.Published(t, target, ""); len(got) != 1 {
		t.Errorf("the second reading: %v", got)
	}
}

// What the leader has and its replicas lack is waited for: the one who wrote it was told that it failed, and it would
// show after he has looked.
func TestRecordsThatReplicasLack(t *testing.T) {
	t.Parallel()
	cluster := start(t)
	conn := connect(t, cluster.ListenAddrs()...)
	create(t, conn, "reports", 1)
	target := NewTarget(conn, "reports")
	var asked atomic.Int32
	cluster.ControlKey(int16(kmsg.OffsetForLeaderEpoch), func(req kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		if asked.Add(1) > 2 {
			return nil, nil, false
		}
		epoch := req.(*kmsg.OffsetForLeaderEpochRequest)
		res := epoch.ResponseKind().(*kmsg.OffsetForLeaderEpochResponse)
		topic, p := kmsg.NewOffsetForLeaderEpochResponseTopic(), kmsg.NewOffsetForLeaderEpochResponseTopicPartition()
		p.LeaderEpoch, p.EndOffset = epoch.Topics[0].Partitions[0].LeaderEpoch, 1
		topic.Topic, topic.Partitions = "reports", append(topic.Partitions, p)
		res.Topics = append(res.Topics, topic)
		if asked.Load() == 2 { // the replicas get it
			go func() {
				events := []cloudevent.Event{placetest.Event("1", "a")}
				if err := target.Publish(context.Background(), events); err != nil {
					t.Error(err)
				}
			}()
		}
		return res, nil, true
	})
	for len(placetest.Published(t, NewTarget(conn, "reports"), "")) == 0 && !t.Failed() {
		if asked.Load() <= 2 {
			t.Fatal("it is told that nothing is stored while the leader has a record")
		}
	}
}

// Markers of transactions, and records that were taken back, hide nothing.
func TestRecordsOfTransactions(t *testing.T) {
	t.Parallel()
	cluster := start(t)
	conn := connect(t, cluster.ListenAddrs()...)
	create(t, conn, "reports", 1)
	target := NewTarget(conn, "reports")
	client, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...), kgo.TransactionalID("other"),
		kgo.DefaultProduceTopic("reports"))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	want := map[string]string{}
	for i, commit := range []kgo.TransactionEndTry{kgo.TryCommit, kgo.TryAbort, kgo.TryCommit} {
		if err := client.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		if err := client.ProduceSync(t.Context(), kgo.StringRecord("foreign")).FirstErr(); err != nil {
			t.Fatal(err)
		}
		id := fmt.Sprint(i)
		if err := target.Publish(t.Context(), []cloudevent.Event{placetest.Event(id, "a")}); err != nil {
			t.Fatal(err)
		}
		want[id] = "hash of " + id
		if err := client.EndTransaction(t.Context(), commit); err != nil {
			t.Fatal(err)
		}
		if got := placetest.Published(t, target, ""); !maps.Equal(got, want) {
			t.Errorf("%v are told of, want %v", got, want)
		}
	}
}

func BenchmarkPublish(b *testing.B) {
	conn := connect(b, start(b).ListenAddrs()...)
	create(b, conn, "reports", 16)
	placetest.Rate(b, NewTarget(conn, "reports"))
}
