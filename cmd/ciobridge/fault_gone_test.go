package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/ciobridge/ciobridge/internal/checkertest"
	"github.com/ciobridge/ciobridge/internal/exit"
	"github.com/ciobridge/ciobridge/internal/longtest"
)

// A topic that disappears under the bridge is waited for, with its name in the log; the other goes on, and once the
// topic is back the bridge reads it without a restart.
func TestTopicDisappears(t *testing.T) {
	longtest.Only(t)
	beside(t)
	b := newBus(t, 2)
	b.session = longSession
	path := b.configure(strings.Replace(b.source(), "topics: [events]", "topics: [events, other]", 1),
		"{topic: "+deadTopic+"}")
	b.makeTopic("other")
	p := start(t, "run", "-c", path)
	b.produce(300)
	b.arrive(20 * time.Second)
	b.deleteTopic("other")
	eventually(t, "the topic is told of", 20*time.Second, func() bool {
		return strings.Contains(p.log.String(), `"topic does not exist; waiting for it","topic":"other"`)
	})
	b.produce(300)
	b.arrive(20 * time.Second)
	b.makeTopic("other")
	b.produceTo("other", 100)
	b.arrive(40 * time.Second)
	if code := p.stop(); code != exit.OK {
		t.Errorf("exit code %d", code)
	}
	b.judge(checkertest.Limits{})
}

func (b *bus) makeTopic(name string) {
	b.t.Helper()
	req := kmsg.NewCreateTopicsRequest()
	topic := kmsg.NewCreateTopicsRequestTopic()
	topic.Topic, topic.NumPartitions, topic.ReplicationFactor = name, 2, 1
	req.Topics = append(req.Topics, topic)
	resp, err := req.RequestWith(b.t.Context(), b.client)
	if err == nil {
		err = kerr.ErrorForCode(resp.Topics[0].ErrorCode)
	}
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *bus) deleteTopic(name string) {
	b.t.Helper()
	req := kmsg.NewDeleteTopicsRequest()
	topic := kmsg.NewDeleteTopicsRequestTopic()
	topic.Topic = kmsg.StringPtr(name)
	req.Topics, req.TopicNames = append(req.Topics, topic), []string{name}
	resp, err := req.RequestWith(b.t.Context(), b.client)
	if err == nil {
		err = kerr.ErrorForCode(resp.Topics[0].ErrorCode)
	}
	if err != nil {
		b.t.Fatal(err)
	}
}

// A stream that disappears is waited for in the same way.
func TestStreamDisappears(t *testing.T) {
	beside(t)
	s := newSubjects(t)
	s.session = longSession
	p := start(t, "run", "-c", s.configureNATS())
	s.produce(300)
	s.arrive(20 * time.Second)
	if err := s.js.DeleteStream(t.Context(), "EVENTS"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the stream is told of", 20*time.Second, func() bool {
		return slices.ContainsFunc(strings.Split(p.log.String(), "\n"), func(line string) bool {
			return strings.Contains(line, `"stream not read"`) && strings.Contains(line, "has been deleted")
		})
	})
	if _, err := s.js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "EVENTS",
		Subjects: []string{"events.*"}}); err != nil {
		t.Fatal(err)
	}
	s.produce(300)
	s.arrive(20 * time.Second)
	if code := p.stop(); code != exit.OK {
		t.Errorf("exit code %d", code)
	}
	s.judge(checkertest.Limits{})
}
