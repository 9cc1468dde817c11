package electedtest

import (
	"sync/atomic"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Hide has the next fetches answered with nothing, and a high watermark of zero. It returns how many fetches there have
// been since.
func Hide(cluster *kfake.Cluster, fetches int32) *atomic.Int32 {
	asked := &atomic.Int32{}
	cluster.ControlKey(int16(kmsg.Fetch), func(req kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		if asked.Add(1) > fetches {
			return nil, nil, false
		}
		fetch := req.(*kmsg.FetchRequest)
		res := fetch.ResponseKind().(*kmsg.FetchResponse)
		topic := kmsg.NewFetchResponseTopic()
		topic.Topic, topic.TopicID = fetch.Topics[0].Topic, fetch.Topics[0].TopicID
		topic.Partitions = append(topic.Partitions, kmsg.NewFetchResponseTopicPartition())
		res.Topics = append(res.Topics, topic)
		return res, nil, true
	})
	return asked
}
