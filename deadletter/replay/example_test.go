package replay_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/deadletter/file"
	"github.com/ciobridge/ciobridge/deadletter/replay"
	"github.com/ciobridge/ciobridge/event"
)

// today are rules that make two calls of each event.
type today struct{}

func (today) Map(m *event.Message) ([]event.Call, []event.Failure) {
	id := byte(m.Origin.Offset)
	return []event.Call{
		{ID: event.ID{id, 1}, Step: &event.Step{Rule: "order", Call: "identify", Action: "identify"}},
		{ID: event.ID{id, 2}, Step: &event.Step{Rule: "order", Call: "track:order", Action: "track"}},
	}, nil
}

func (t today) MapRenamed(m *event.Message, _, _, _, _ string) ([]event.Call, []event.Failure) {
	return t.Map(m)
}

func (t today) MapRepaired(m *event.Message, _ []event.Failure, _ []byte) ([]event.Call, []event.Failure) {
	return t.Map(m)
}

func (today) Alternatives(string, string) (names []string, each bool) { return nil, false }

func (today) Names(rule, _ string) (isRule, isCall bool) { return rule == "order", true }

// A replay is the source of a pipeline, for which a function stands here. Of two calls only the one that failed is
// sent.
func Example() {
	dir, err := os.MkdirTemp("", "letters")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	store := file.New(deadletter.Config{File: filepath.Join(dir, "dead.jsonl")}, "config-1")
	ctx := context.Background()
	err = store.Put(ctx, event.FailedMessage{
		Message: event.Message{Origin: event.Origin{Topic: "shop.orders", Offset: 41}, Value: []byte(`{}`)},
		Failures: []event.Failure{{
			ID: event.ID{41, 2}, Stage: event.StageDelivery, Reason: event.ReasonRefused,
			Rule: "order", Call: "track:order",
		}},
	})
	if err != nil {
		fmt.Println(err)
	}

	run, err := replay.New(store, today{}, replay.Options{Filter: deadletter.Filter{All: true}}, zap.NewNop())
	if err != nil {
		fmt.Println(err)
		return
	}
	mapper := run.Mapper()
	err = run.Consume(ctx, func(_ event.Lease, m *event.Message, ack func()) error {
		calls, _ := mapper.Map(m)
		for _, c := range calls {
			fmt.Println("sent", c.Step.Call, "of", m.Origin)
		}
		ack()
		return nil
	})
	progress := run.Progress()
	fmt.Println(progress.Delivered, "of", progress.Chosen, "delivered,", progress.LeftOpen, "left open,", err)
	// Output:
	// sent track:order of shop.orders/0@41
	// 1 of 1 delivered, 0 left open, <nil>
}
