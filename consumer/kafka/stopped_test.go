package kafka

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/canarytest"
	"github.com/ciobridge/ciobridge/internal/consumertest"
	"github.com/ciobridge/ciobridge/internal/longtest"
	"github.com/ciobridge/ciobridge/pipeline"
)

// team maps each event to a call for the person whom its first word names, and takes what comes of it. While it is
// broken it makes nothing of the events of testTopic: a rule fails or, where none is named, nothing can be read.
type team struct {
	rule   string
	broken atomic.Bool

	mu   sync.Mutex
	done map[string][]string // the numbers of events that were delivered or stored, by person
}

var (
	teamStep  = &event.Step{Rule: "rule", Call: "track", Action: "track", Repeatable: true}
	otherStep = &event.Step{Rule: "other", Call: "track", Action: "track", Repeatable: true}
)

func (t *team) Map(m *event.Message) ([]event.Call, []event.Failure) {
	if m.Origin.Topic == testTopic && t.broken.Load() {
		return nil, []event.Failure{{Stage: event.StageMapping, Reason: event.ReasonMissingField, Rule: t.rule}}
	}
	step := otherStep
	if m.Origin.Topic == testTopic {
		step = teamStep
	}
	person, _, _ := bytes.Cut(m.Value, []byte(" "))
	return []event.Call{{Step: step, Body: m.Value, Lanes: []event.Lane{event.LaneKindOf("id").Of(person)}}}, nil
}

func (t *team) Send(_ context.Context, calls []event.Call) []event.Outcome {
	out := make([]event.Outcome, len(calls))
	for i := range calls {
		t.note(calls[i].Body)
		out[i].Result = event.Delivered
	}
	return out
}

func (t *team) Put(_ context.Context, letters ...event.FailedMessage) error {
	for i := range letters {
		t.note(letters[i].Message.Value)
	}
	return nil
}

func (t *team) note(value []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	f := strings.Fields(string(value))
	t.done[f[0]] = append(t.done[f[0]], f[1])
}

// doneOf are the numbers of a person's events that are done, each once, in the order in which they first were.
func (t *team) doneOf(person string) (first []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	seen := map[string]bool{}
	for _, n := range t.done[person] {
		if !seen[n] {
			first = append(first, n)
		}
		seen[n] = true
	}
	return first
}

// A topic of many partitions with a backlog stops, or the rule for its events does. It holds a bounded part of the
// memory for what is fetched, so that another topic flows, and when it goes on everything is done, in order.
func TestKafkaAStoppedTopicLeavesMemoryToOthers(t *testing.T) {
	for name, rule := range map[string]string{"unreadable": "", "a rule": "rule"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if rule == "" {
				longtest.Only(t)
			}
			const partitions, each, live = 64, 40, "live"
			b := startKafka(t, kfake.SeedTopics(partitions, testTopic), kfake.SeedTopics(1, live))
			filler := strings.Repeat("x", 1<<10)
			values := func(person string, n int) (all []string) {
				for i := range n {
					all = append(all, fmt.Sprintf("%s %d %s", person, i, filler))
				}
				return all
			}
			for round := 0; round < each; round += 10 {
				for p := range int32(partitions) {
					b.publishTo(p, values(fmt.Sprint("p", p), each)[round:round+10]...)
				}
			}
			c := b.config()
			c.Topics, c.FetchBytes = append(c.Topics, live), 1<<20
			k := b.openWith(c)
			m := &team{rule: rule, done: map[string][]string{}}
			m.broken.Store(true)
			pc := pipeline.DefaultConfig(pipeline.Limits{Calls: 1000, Bytes: 500_000, Envelope: 12})
			p := pipeline.New(pc, pipeline.Stages{Source: k, Mapper: m, Sender: m, DeadLetters: m, Memory: k.memory},
				canarytest.Logger(t), canarytest.Registry(t))
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- p.Run(ctx) }()
			consumertest.Eventually(t, "the topic or its rule has stopped", func() bool { return p.Stopped() != nil })

			b.topic = live
			b.Publish(values(live, 3000)...) // three times the memory
			consumertest.Eventually(t, "the other topic flows", func() bool { return len(m.doneOf(live)) == 3000 })
			bound := c.FetchBytes / 8 // of a topic only what was handed over before it stopped
			if rule != "" {
				bound = c.FetchBytes + c.FetchBytes/2
			}
			consumertest.Eventually(t, "what the stopped one holds is bounded", func() bool {
				return k.generation.Load().memory.Reserved() <= bound
			})
			m.broken.Store(false)
			p.Resume(func(pipeline.Stop) bool { return true })
			for i := range partitions {
				person := fmt.Sprint("p", i)
				consumertest.Eventually(t, person+" is done", func() bool { return len(m.doneOf(person)) == each })
				if got := m.doneOf(person); !slices.Equal(got, numbers(0, each)) {
					t.Errorf("%s: %v", person, got)
				}
			}
			cancel()
			if err := <-ended; err != nil {
				t.Error(err)
			}
		})
	}
}
