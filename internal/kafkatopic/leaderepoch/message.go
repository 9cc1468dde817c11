package leaderepoch

import (
	"github.com/segmentio/kafka-go/protocol"

	"github.com/ciobridge/ciobridge/internal/kafkatopic/leader"
)

func init() { protocol.Register(&Request{}, &Response{}) }

// Request goes to the leader of its partition. There is one.
type Request struct {
	ReplicaID int32          `kafka:"min=v3,max=v3"` // -1: nobody's
	Topics    []RequestTopic `kafka:"min=v3,max=v3"`
}

// RequestTopic is a topic of a request.
type RequestTopic struct {
	Name       string             `kafka:"min=v3,max=v3"`
	Partitions []RequestPartition `kafka:"min=v3,max=v3"`
}

// RequestPartition names the epoch that is thought to be the current one, and the one that is asked for.
type RequestPartition struct {
	Partition          int32 `kafka:"min=v3,max=v3"`
	CurrentLeaderEpoch int32 `kafka:"min=v3,max=v3"`
	LeaderEpoch        int32 `kafka:"min=v3,max=v3"`
}

// ApiKey implements protocol.Message.
func (r *Request) ApiKey() protocol.ApiKey { return protocol.OffsetForLeaderEpoch }

// Broker implements protocol.BrokerMessage.
func (r *Request) Broker(cluster protocol.Cluster) (protocol.Broker, error) {
	topic := r.Topics[0]
	return leader.Of(cluster, topic.Name, topic.Partitions[0].Partition), nil
}

// Response is the answer.
type Response struct {
	ThrottleTimeMs int32           `kafka:"min=v3,max=v3"`
	Topics         []ResponseTopic `kafka:"min=v3,max=v3"`
}

// ResponseTopic is a topic of an answer.
type ResponseTopic struct {
	Name       string              `kafka:"min=v3,max=v3"`
	Partitions []ResponsePartition `kafka:"min=v3,max=v3"`
}

// ResponsePartition says where the records of the epoch end.
type ResponsePartition struct {
	ErrorCode   int16 `kafka:"min=v3,max=v3"`
	Partition   int32 `kafka:"min=v3,max=v3"`
	LeaderEpoch int32 `kafka:"min=v3,max=v3"`
	EndOffset   int64 `kafka:"min=v3,max=v3"`
}

// ApiKey implements protocol.Message.
func (r *Response) ApiKey() protocol.ApiKey { return protocol.OffsetForLeaderEpoch }
