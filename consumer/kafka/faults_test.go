package kafka

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/ciobridge/ciobridge/broker"
	"github.com/ciobridge/ciobridge/internal/consumertest"
	"github.com/ciobridge/ciobridge/internal/longtest"
	"github.com/ciobridge/ciobridge/secret"
)

// The broker goes away for longer than a session and comes back: reading goes on, and what was in flight comes again
// once.
func TestKafkaBrokerRestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := startKafka(t, kfake.DataDir(dir))
	b.session = 2 * time.Second
	_, port, _ := strings.Cut(b.brokers[0], ":")
	n, _ := strconv.Atoi(port)
	b.Publish("1", "2")
	k := b.openWith(b.config())
	r := consumertest.Read(t, k, consumertest.AckAll)
	r.Want("1", "2")
	consumertest.Eventually(t, "the offset is committed",
		func() bool { return b.offsets(b.config())[0].Committed == 2 })
	b.client.Close()
	b.cluster.Close()
	consumertest.Eventually(t, "the source is not ready", func() bool { return k.Ready() != nil })
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.Ports(n), kfake.DataDir(dir),
		kfake.GroupMinSessionTimeout(100*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	b.client = b.producer()
	b.Publish("3")
	r.Want("1", "2", "3")
	if k.Ready() != nil || k.failures(reasonConnection) == 0 {
		t.Errorf("ready %v, %d failures", k.Ready(), k.failures(reasonConnection))
	}
	r.Stop()
}

func TestKafkaLeaderMoves(t *testing.T) {
	t.Parallel()
	b := startKafka(t, kfake.NumBrokers(3), kfake.SeedTopics(2, testTopic))
	k := b.openWith(b.config())
	r := consumertest.Read(t, k, consumertest.AckAll)
	var want []string
	for i := range 8 {
		leader := b.cluster.LeaderFor(testTopic, 0)
		value := fmt.Sprint(i)
		want = append(want, value)
		b.Publish(value)
		r.Want(want...)
		if err := b.cluster.MoveTopicPartition(testTopic, 0, (leader+1)%3); err != nil {
			t.Fatal(err)
		}
	}
	b.cluster.RehashCoordinators()
	b.Publish("last")
	r.Want(append(want, "last")...)
	r.Stop()
	if k.failures(reasonBroker) == 0 {
		t.Error("no leader was found to have moved")
	}
}

// A wrong password shows as such and is not tried again and again; the right one in the file is enough to go on.
func TestKafkaPasswordReplaced(t *testing.T) {
	longtest.Only(t)
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
	r := consumertest.Read(t, k, consumertest.AckAll)
	consumertest.Eventually(t, "the refusal shows", func() bool { return reasonOf(k.Ready()) == reasonAuth })
	began, before := time.Now(), k.failures(reasonAuth)
	consumertest.Eventually(t, "it is tried again", func() bool { return k.failures(reasonAuth) >= before+2 })
	if n, took := k.failures(reasonAuth)-before, time.Since(began); time.Duration(n-1)*time.Second > took {
		t.Errorf("%d attempts within %v", n, took)
	}
	write("right")
	consumertest.Eventually(t, "the source is ready", func() bool { return k.Ready() == nil })
	r.Stop()
}
