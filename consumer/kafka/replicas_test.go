package kafka

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/ciobridge/ciobridge/internal/consumertest"
)

// Every replica learns among how many the partitions are divided, whoever leads the group.
func TestKafkaReplicasAreCounted(t *testing.T) {
	t.Parallel()
	b := startKafka(t, kfake.SeedTopics(4, testTopic))
	b.session = 3 * time.Second
	var counts [2]atomic.Int64
	open := func(i int) *consumertest.Reading {
		k := b.Open().(*Source)
		k.OnReplicas(func(n int) { counts[i].Store(int64(n)) })
		return consumertest.Read(t, k, consumertest.AckAll)
	}
	both := func(first, second int64) func() bool {
		return func() bool { return counts[0].Load() == first && counts[1].Load() == second }
	}
	first := open(0)
	consumertest.Eventually(t, "one replica", both(1, 0))
	second := open(1)
	consumertest.Eventually(t, "two replicas", both(2, 2))
	second.Stop()
	consumertest.Eventually(t, "one replica again", both(1, 2))
	first.Stop()
}
