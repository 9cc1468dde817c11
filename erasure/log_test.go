package erasure_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/ciobridge/ciobridge/broker"
	"github.com/ciobridge/ciobridge/erasure"
	"github.com/ciobridge/ciobridge/erasure/file"
	fencejetstream "github.com/ciobridge/ciobridge/erasure/jetstream"
	fencekafka "github.com/ciobridge/ciobridge/erasure/kafka"
	"github.com/ciobridge/ciobridge/internal/canarytest"
	"github.com/ciobridge/ciobridge/internal/kafkatopic"
	"github.com/ciobridge/ciobridge/internal/kafkatopic/electedtest"
	"github.com/ciobridge/ciobridge/secret"
)

// onEveryLog runs a test on each kind of log. Open gives another view of one log, as another process has it.
func onEveryLog(t *testing.T, test func(t *testing.T, open func() erasure.Log)) {
	t.Run("file", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "fences", "erased.jsonl")
		test(t, func() erasure.Log { return file.New(path) })
	})
	t.Run("kafka", func(t *testing.T) {
		client := startKafka(t)
		test(t, func() erasure.Log { return fencekafka.New(client, "erased", true, 0) })
	})
	t.Run("real kafka", func(t *testing.T) {
		client, topic := realKafka(t), "ciobridge-test-"+rand.Text()
		test(t, func() erasure.Log { return fencekafka.New(client, topic, true, 0) })
	})
	t.Run("jetstream", func(t *testing.T) {
		js := startNATS(t)
		test(t, func() erasure.Log { return fencejetstream.New(js, "erased", 0) })
	})
}

func startKafka(t *testing.T) *kafka.Client {
	t.Helper()
	client, _ := startCluster(t)
	return client
}

func startCluster(t *testing.T) (*kafka.Client, *kfake.Cluster) {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	return connect(t, cluster.ListenAddrs()), cluster
}

// realKafka is the cluster that CIOBRIDGE_TEST_KAFKA names.
func realKafka(t *testing.T) *kafka.Client {
	t.Helper()
	addrs := os.Getenv("CIOBRIDGE_TEST_KAFKA")
	if addrs == "" {
		t.Skip("CIOBRIDGE_TEST_KAFKA names no Kafka brokers")
	}
	return connect(t, strings.Split(addrs, ","))
}

func connect(t *testing.T, addrs []string) *kafka.Client {
	t.Helper()
	b, err := broker.NewKafka(broker.KafkaConfig{Brokers: addrs})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b.Client()
}

// A leader that was just elected does not show yet what the one before had acknowledged. What stands there is read when
// it can be, and not passed over.
func TestALeaderThatWasJustElected(t *testing.T) {
	client, cluster := startCluster(t)
	log := fencekafka.New(client, "erased", true, 0)
	if err := log.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := log.Write(t.Context(), erasure.Record{Key: "a", Value: []byte("1")}); err != nil {
		t.Fatal(err)
	}
	empty := electedtest.Hide(cluster, 2)
	var got []string
	err := log.Read(t.Context(), func(r erasure.Record) { got = append(got, r.Key) })
	if err != nil || !slices.Equal(got, []string{"a"}) || empty.Load() < 3 {
		t.Errorf("got %v, %v after %d fetches", got, err, empty.Load())
	}
}

func startNATS(t *testing.T) jetstream.JetStream {
	t.Helper()
	server, err := broker.StartEmbedded(broker.EmbeddedConfig{
		Dir: filepath.Join(t.TempDir(), "nats"), Listen: "127.0.0.1:0",
		Streams: []broker.EmbeddedStream{{Name: "EVENTS", Subjects: []string{"events.>"}}},
	}, canarytest.Logger(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	conn, err := server.NATS(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	return conn.JetStream()
}

// Records are read once, in their order, and by another process from the start: of one key at least the last.
func TestLogs(t *testing.T) {
	onEveryLog(t, func(t *testing.T, open func() erasure.Log) {
		log := open()
		if err := errors.Join(log.Check(t.Context()), log.Check(t.Context())); err != nil {
			t.Fatal(err)
		}
		read := func(l erasure.Log) (got []string) {
			t.Helper()
			err := l.Read(t.Context(), func(r erasure.Record) { got = append(got, r.Key+"="+string(r.Value)) })
			if err != nil {
				t.Fatal(err)
			}
			return got
		}
		write := func(l erasure.Log, pairs ...string) {
			t.Helper()
			var records []erasure.Record
			for _, pair := range pairs {
				key, value, _ := strings.Cut(pair, "=")
				records = append(records, erasure.Record{Key: key, Value: []byte(value)})
			}
			if err := l.Write(t.Context(), records...); err != nil {
				t.Fatal(err)
			}
		}
		if got := read(log); len(got) > 0 {
			t.Errorf("an empty log has %v", got)
		}
		write(log, "a=1", "b=2")
		if got, want := read(log), []string{"a=1", "b=2"}; !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
		other := open()
		if err := other.Check(t.Context()); err != nil {
			t.Fatal(err)
		}
		write(other, "a=text", "c=4")
		if got, want := read(log), []string{"a=text", "c=4"}; !slices.Equal(got, want) {
			t.Errorf("what another wrote: %v, want %v", got, want)
		}
		if got := read(log); len(got) > 0 {
			t.Errorf("read twice: %v", got)
		}
		last := map[string]string{}
		for _, pair := range read(other) {
			key, value, _ := strings.Cut(pair, "=")
			last[key] = value
		}
		if fmt.Sprint(last) != "map[a:text b:2 c:4]" {
			t.Errorf("from the start: %v", last)
		}
	})
}

// Fences under another key would hold nothing, and are refused.
func TestFencesKnowTheirKey(t *testing.T) {
	onEveryLog(t, func(t *testing.T, open func() erasure.Log) {
		for range 2 {
			if err := erasure.NewFences(open(), erasure.NewDigester(secret.New(key))).Open(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		another := erasure.NewDigester(secret.New("another-key-of-some-length"))
		err := erasure.NewFences(open(), another).Open(t.Context())
		if !errors.Is(err, erasure.ErrOtherKey) || erasure.Passing(err) {
			t.Errorf("another key: %v", err)
		}
	})
}

// A line that a process left half written when it died is passed over, and so is what is no fence.
func TestALogWithForeignLines(t *testing.T) {
	path := filepath.Join(t.TempDir(), "erased.jsonl")
	if err := os.WriteFile(path, []byte("hello\n{\"key\":\"ab\",\"value\":{}}\n{\"key\":\"1"), 0o600); err != nil {
		t.Fatal(err)
	}
	fences := erasure.NewFences(file.New(path), erasure.NewDigester(secret.New(key)))
	if err := fences.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := erasure.NewFences(file.New(path), erasure.NewDigester(secret.New(key))).Open(t.Context()); err != nil {
		t.Errorf("read again: %v", err)
	}
	if fences.Len() != 0 {
		t.Errorf("%d fences", fences.Len())
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

// What is no regular file is refused before it is opened: a pipe would be waited for, and a device keeps nothing.
func TestFencesNeedARegularFile(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{pipe: "a named pipe", dir: "a directory", os.DevNull: "a device"} {
		log := file.New(path)
		for doing, err := range map[string]error{
			"check": log.Check(t.Context()), "read": log.Read(t.Context(), func(erasure.Record) {}),
			"write": log.Write(t.Context(), erasure.Record{Key: "a", Value: []byte("1")}),
		} {
			if !errors.Is(err, erasure.ErrUnfit) || erasure.Passing(err) || !strings.Contains(err.Error(), want) {
				t.Errorf("%s of %s: %v", doing, path, err)
			}
		}
	}
}

// Places that forget are refused.
func TestPlacesThatForget(t *testing.T) {
	client := startKafka(t)
	if _, err := client.CreateTopics(t.Context(), &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{
		{Topic: "forgets", NumPartitions: 1, ReplicationFactor: 1},
	}}); err != nil {
		t.Fatal(err)
	}
	js := startNATS(t)
	forgets := jetstream.KeyValueConfig{Bucket: "forgets", TTL: time.Hour}
	if _, err := js.CreateKeyValue(t.Context(), forgets); err != nil {
		t.Fatal(err)
	}
	for name, log := range map[string]erasure.Log{
		"topic": fencekafka.New(client, "forgets", true, 0), "missing": fencekafka.New(client, "missing", false, 0),
		"bucket": fencejetstream.New(js, "forgets", 0),
	} {
		if err := log.Check(t.Context()); !errors.Is(err, erasure.ErrUnfit) || erasure.Passing(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A broker that compacts leaves the last fence of each identifier, and a replica that comes then reads all of them.
func TestRealKafkaFencesOutliveCompaction(t *testing.T) {
	t.Parallel()
	client, topic := realKafka(t), "ciobridge-test-"+rand.Text()
	res, err := client.CreateTopics(t.Context(), &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{{
		Topic: topic, NumPartitions: 1, ReplicationFactor: 1, ConfigEntries: []kafka.ConfigEntry{
			{ConfigName: "cleanup.policy", ConfigValue: "compact"}, {ConfigName: "segment.ms", ConfigValue: "100"},
			{ConfigName: "min.cleanable.dirty.ratio", ConfigValue: "0.01"},
			{ConfigName: "max.compaction.lag.ms", ConfigValue: "100"},
		}}}})
	if err != nil || res.Errors[topic] != nil {
		t.Fatal(err, res)
	}
	if _, err := kafkatopic.Await(t.Context(), client, topic, 0); err != nil {
		t.Fatal(err)
	}
	log := fencekafka.New(client, topic, false, 0)
	if err := log.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	write := func(key string, n int) {
		t.Helper()
		err := log.Write(t.Context(), erasure.Record{Key: key, Value: strconv.AppendInt(nil, int64(n), 10)})
		if err != nil {
			t.Fatal(err)
		}
	}
	const written = 50
	for n := range written {
		write("ann", n)
		write("p"+strconv.Itoa(n), n)
	}
	read := func() (records int, last map[string]string) {
		t.Helper()
		last = map[string]string{}
		err := fencekafka.New(client, topic, false, 0).Read(t.Context(), func(r erasure.Record) {
			records, last[r.Key] = records+1, string(r.Value)
		})
		if err != nil {
			t.Fatal(err)
		}
		return records, last
	}
	for end := time.Now().Add(90 * time.Second); ; time.Sleep(time.Second) {
		write("again", 0) // in a new segment, so that the ones before it can be compacted
		records, last := read()
		if len(last) != written+2 || last["ann"] != strconv.Itoa(written-1) || last["p7"] != "7" {
			t.Fatalf("%d records with %d keys, of ann %s", records, len(last), last["ann"])
		}
		if records < 2*written {
			t.Logf("%d records are left", records)
			return
		}
		if time.Now().After(end) {
			t.Fatal("the broker does not compact")
		}
	}
}
