package kafka

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/consumertest"
)

// deleteTopic deletes the topic, and makeTopic makes it again.
func (b *testBed) deleteTopic() {
	b.t.Helper()
	req := kmsg.NewDeleteTopicsRequest()
	req.TopicNames = []string{b.topic}
	topic := kmsg.NewDeleteTopicsRequestTopic()
	topic.Topic = &b.topic
	req.Topics = append(req.Topics, topic)
	res, err := req.RequestWith(b.t.Context(), b.client)
	if err == nil {
		err = kerr.ErrorForCode(res.Topics[0].ErrorCode)
	}
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *testBed) makeTopic() {
	b.t.Helper()
	req := kmsg.NewCreateTopicsRequest()
	topic := kmsg.NewCreateTopicsRequestTopic()
	topic.Topic, topic.NumPartitions, topic.ReplicationFactor = b.topic, 1, 1
	req.Topics = append(req.Topics, topic)
	res, err := req.RequestWith(b.t.Context(), b.client)
	if err == nil {
		err = kerr.ErrorForCode(res.Topics[0].ErrorCode)
	}
	if err != nil {
		b.t.Fatal(err)
	}
	b.client = b.producer() // knows the new topic
}

// The topic is deleted under the reader and made again. The place in the old log means nothing in the new one, which is
// read from its beginning, also where it is already longer than the old one was, and where reading starts at the
// latest.
func TestKafkaTopicMadeAgain(t *testing.T) {
	t.Parallel()
	for _, startAt := range []string{"earliest", "latest"} {
		b := startKafka(t)
		c := b.config()
		c.StartAt = startAt
		k := b.openWith(c)
		r := consumertest.Read(t, k, func(lease event.Lease, value string, done func()) error {
			if value == "3" {
				lease.AfterFunc(done) // done only when the topic has gone
			} else {
				done()
			}
			return nil
		})
		consumertest.Eventually(t, "the start is committed", func() bool { return b.offsets(c)[0].Committed == 0 })
		b.Publish("1", "2", "3")
		r.Want("1", "2", "3")
		consumertest.Eventually(t, "the offset is committed", func() bool { return b.offsets(c)[0].Committed == 2 })
		b.deleteTopic()
		consumertest.Eventually(t, "the deletion is noticed", func() bool { return k.wasAbsent(testTopic) })
		b.makeTopic()
		want := append([]string{"1", "2", "3"}, numbers(10, 20)...)
		b.Publish(want[3:]...)
		r.Want(want...)
		consumertest.Eventually(t, "the offset in the new log is committed",
			func() bool { return b.offsets(c)[0].Committed == 10 })
		r.Stop()
		if n := int(counterValue(k)); n < 2 {
			t.Errorf("%s: %d generations: the deletion was not noticed", startAt, n)
		}
	}
}

// A topic that is not there at the start is read from its beginning once it is: all that it holds is new.
func TestKafkaTopicThatComesLater(t *testing.T) {
	t.Parallel()
	b := startKafka(t)
	b.deleteTopic()
	c := b.config()
	c.StartAt = "latest"
	k := b.openWith(c)
	r := consumertest.Read(t, k, consumertest.AckAll)
	consumertest.Eventually(t, "the topic is missed", func() bool { return k.wasAbsent(testTopic) })
	b.makeTopic()
	b.Publish("1", "2")
	r.Want("1", "2")
	r.Stop()
}
