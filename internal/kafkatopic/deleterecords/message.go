package deleterecords

import (
	"github.com/segmentio/kafka-go/protocol"

	"github.com/ciobridge/ciobridge/internal/kafkatopic/leader"
)

func init() { protocol.Register(&Request{}, &Response{}) }

// Request goes to the leader of the first of its partitions, which has to be that of all.
type Request struct {
	Topics    []RequestTopic `kafka:"min=v0,max=v1"`
	TimeoutMs int32          `kafka:"min=v0,max=v1"`
}

// RequestTopic is a topic of a request.
type RequestTopic struct {
	Name       string             `kafka:"min=v0,max=v1"`
	Partitions []RequestPartition `kafka:"min=v0,max=v1"`
}

// RequestPartition says before which offset records go.
type RequestPartition struct {
	Partition int32 `kafka:"min=v0,max=v1"`
	Offset    int64 `kafka:"min=v0,max=v1"`
}

// ApiKey implements protocol.Message.
func (r *Request) ApiKey() protocol.ApiKey { return protocol.DeleteRecords }

// Broker implements protocol.BrokerMessage.
func (r *Request) Broker(cluster protocol.Cluster) (protocol.Broker, error) {
	topic := r.Topics[0]
	return leader.Of(cluster, topic.Name, topic.Partitions[0].Partition), nil
}

// Response is the answer.
type Response struct {
	ThrottleTimeMs int32           `kafka:"min=v0,max=v1"`
	Topics         []ResponseTopic `kafka:"min=v0,max=v1"`
}

// ResponseTopic is a topic of an answer.
type ResponseTopic struct {
	Name       string              `kafka:"min=v0,max=v1"`
	Partitions []ResponsePartition `kafka:"min=v0,max=v1"`
}

// ResponsePartition says where a partition begins now.
type ResponsePartition struct {
	Partition    int32 `kafka:"min=v0,max=v1"`
	LowWatermark int64 `kafka:"min=v0,max=v1"`
	ErrorCode    int16 `kafka:"min=v0,max=v1"`
}

// ApiKey implements protocol.Message.
func (r *Response) ApiKey() protocol.ApiKey { return protocol.DeleteRecords }
