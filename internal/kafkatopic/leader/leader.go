package leader

import "github.com/segmentio/kafka-go/protocol"

// Of is the leader of a partition. Where it is not known any broker is asked, and says that it is not the one.
func Of(cluster protocol.Cluster, topic string, partition int32) protocol.Broker {
	if p, ok := cluster.Topics[topic].Partitions[partition]; ok {
		if leader, ok := cluster.Brokers[p.Leader]; ok {
			return leader
		}
	}
	return protocol.Broker{ID: -1}
}
