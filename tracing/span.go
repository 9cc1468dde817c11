package tracing

import (
	"context"
	"runtime"
	"sync"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/ciobridge/ciobridge/event"
)

// Names of attributes that are not of the semantic conventions.
const (
	originKey  = attribute.Key("ciobridge.origin")
	rulesKey   = attribute.Key("ciobridge.rules")
	outcomeKey = attribute.Key("ciobridge.outcome")
	callsKey   = attribute.Key("ciobridge.calls")
)

// What becomes of a message.
const (
	delivered    = "delivered"
	skipped      = "skipped"
	deadLettered = "dead_lettered"
	notTaken     = "not_taken" // its lease ended before: whoever reads the partition next has it again
)

// span is the recorded span of one message. Its methods may be called from any goroutine.
type span struct {
	trace.Span
	number  event.Trace
	mu      sync.Mutex
	outcome string
}

func (s *span) become(outcome string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.outcome = outcome
}

func (s *span) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.SetAttributes(outcomeKey.String(s.outcome))
	s.End() // once more does nothing
}

// begin begins the span of a message; nil where the sampler does not want it.
func (t *Tracer) begin(m *event.Message, replayed bool) *span {
	number := t.open.take()
	if number == 0 {
		return nil
	}
	ctx := context.Background()
	options := []trace.SpanStartOption{trace.WithSpanKind(trace.SpanKindConsumer)}
	if t.propagates {
		ctx = propagation.TraceContext{}.Extract(ctx, headers{m.Headers})
		if from := trace.SpanContextFromContext(ctx); replayed && from.IsValid() {
			ctx = context.Background()
			options = append(options, trace.WithLinks(trace.Link{SpanContext: from}))
		}
	}
	_, started := t.tracer.Start(ctx, "process "+m.Origin.Topic, options...)
	if !started.IsRecording() {
		t.open.leave(number)
		return nil
	}
	started.SetAttributes(t.system, attribute.String("messaging.operation.name", "process"),
		attribute.String("messaging.operation.type", "process"),
		attribute.String("messaging.destination.name", m.Origin.Topic),
		attribute.Int("messaging.message.body.size", len(m.Value)),
		originKey.String(m.Origin.String()))
	if t.system.Value.AsString() == "kafka" {
		started.SetAttributes(attribute.Int("messaging.destination.partition.id", int(m.Origin.Partition)),
			attribute.Int64("messaging.kafka.offset", m.Origin.Offset),
			attribute.Bool("messaging.kafka.message.tombstone", m.Value == nil))
	}
	s := &span{Span: started, number: number, outcome: delivered}
	t.open.put(s)
	runtime.AddCleanup(s, t.open.leave, number)
	return s
}
