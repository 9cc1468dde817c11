package deadletter_test

import (
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/deadletter/internal/lettertest"
	"github.com/ciobridge/ciobridge/deadletter/internal/storetest"
)

func TestKafkaCheckSaysWhatIsWeak(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		brokers int
		configs map[string]string
		weak    []string
		err     string
	}{
		"compacted": {3, map[string]string{"cleanup.policy": "compact,delete"}, nil, "set it to delete"},
		"short": {3, map[string]string{"retention.ms": "3600000", "min.insync.replicas": "2"},
			[]string{"retention is 1h0m0s"}, ""},
		"for ever": {3, map[string]string{"retention.ms": "-1", "min.insync.replicas": "2"}, nil, ""},
		"one in sync": {3, map[string]string{"min.insync.replicas": "1", "retention.ms": "-1"},
			[]string{"min.insync.replicas is 1"}, ""},
		"too few": {1, map[string]string{"min.insync.replicas": "2", "retention.ms": "-1"}, nil,
			"wants 2 in-sync replicas"},
		"small messages": {3, map[string]string{"max.message.bytes": "1000", "min.insync.replicas": "2",
			"retention.ms": "-1"}, []string{"max.message.bytes is 1000"}, ""},
		"unclean": {3, map[string]string{"unclean.leader.election.enable": "true", "min.insync.replicas": "2",
			"retention.ms": "-1"}, []string{"unclean"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			cluster := lettertest.StartKafka(t, kfake.NumBrokers(c.brokers))
			admin := kafkaClient(t, cluster)
			create := kmsg.NewCreateTopicsRequest()
			topic := kmsg.NewCreateTopicsRequestTopic()
			topic.Topic, topic.NumPartitions, topic.ReplicationFactor = "checked", 1, int16(c.brokers)
			for k, v := range c.configs {
				entry := kmsg.NewCreateTopicsRequestTopicConfig()
				entry.Name, entry.Value = k, &v
				topic.Configs = append(topic.Configs, entry)
			}
			create.Topics = append(create.Topics, topic)
			if res, err := create.RequestWith(t.Context(), admin); err != nil || res.Topics[0].ErrorCode != 0 {
				t.Fatal(err, res)
			}
			s := storetest.Kafka(t, cluster.ListenAddrs(), deadletter.Config{Topic: "checked"})
			weak, err := s.Check(t.Context())
			if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
				t.Fatalf("got %v, want %q", err, c.err)
			}
			if err == nil && len(weak) != len(c.weak) {
				t.Fatalf("got %q, want %q", weak, c.weak)
			}
			for i, want := range c.weak {
				if !strings.Contains(weak[i], want) {
					t.Errorf("got %q, want %q", weak[i], want)
				}
			}
		})
	}
}
