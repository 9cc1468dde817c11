package pipeline

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/lease"
)

// feeder hands over b.N messages of many persons and returns when all are done.
type feeder struct {
	n        int
	messages []event.Message
}

func (f *feeder) Consume(ctx context.Context, handle event.Handler) error {
	left := make(chan struct{}, f.n)
	done := func() { left <- struct{}{} }
	l := lease.New(func() time.Time { return time.Time{} })
	for i := range f.n {
		if err := handle(l, &f.messages[i%len(f.messages)], done); err != nil {
			return err
		}
	}
	for range f.n {
		<-left
	}
	return nil
}

// prepared maps every message to one call that was made before.
type prepared struct{ calls map[string][]event.Call }

func (p prepared) Map(m *event.Message) ([]event.Call, []event.Failure) {
	return p.calls[string(m.Key)], nil
}

// taker accepts everything at once.
type taker struct{}

func (taker) Send(_ context.Context, calls []event.Call) []event.Outcome {
	out := make([]event.Outcome, len(calls))
	for i := range out {
		out[i].Result = event.Delivered
	}
	return out
}

// BenchmarkPipeline is the cost of a call on its way from the source through a lane and a batch to being done,
// without mapping and sending. The cost must not grow with the number of persons or rules.
func BenchmarkPipeline(b *testing.B) {
	for _, persons := range []int{100, 100_000} {
		for _, kind := range []struct {
			name string
			step *event.Step
		}{{"track", trackStep}, {"identify", identifyStep}} {
			b.Run(fmt.Sprintf("%s/persons=%d", kind.name, persons), func(b *testing.B) {
				f := &feeder{n: b.N}
				p := prepared{calls: map[string][]event.Call{}}
				body := make([]byte, 1000)
				for i := range persons {
					key := fmt.Appendf(nil, "p%d", i)
					f.messages = append(f.messages,
						event.Message{Key: key, Value: body, Origin: event.Origin{Topic: "t", Partition: int32(i % 4)}})
					p.calls[string(key)] = []event.Call{
						{Step: kind.step, Body: body, Lanes: []event.Lane{event.LaneKindOf("id").Of(key)}}}
				}
				c := DefaultConfig(testLimits)
				b.ReportAllocs()
				b.ResetTimer()
				if err := New(c, Stages{Source: f, Mapper: p, Sender: taker{}, DeadLetters: &letterbox{}}, zap.NewNop(),
					prometheus.NewRegistry()).Run(b.Context()); err != nil {
					b.Fatal(err)
				}
			})
		}
	}
}
