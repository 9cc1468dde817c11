package tracing

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"

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
	room    *room
	mu      sync.Mutex
	outcome string
}

// maxOpen is how many messages are followed at a time. A span takes 1 to 2 KB, and while Customer.io is down a hundred
// thousand messages may be in flight: the others have none.
const maxOpen = 4096

// room is the place of one span among those that are open. It is left when the span ends, or when the span is garbage:
// a message that its lease takes away is dropped without a word.
type room struct {
	open *atomic.Int64
	left atomic.Bool
}

func (r *room) leave() {
	if !r.left.Swap(true) {
		r.open.Add(-1)
	}
}

// take takes a place; nil where there is none.
func (t *Tracer) take() *room {
	if t.open.Add(1) > maxOpen {
		t.open.Add(-1)
		return nil
	}
	return &room{open: &t.open}
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
	s.room.leave()
}

// of is the span of a trace; nil where nothing is recorded.
func of(t *event.Trace) *span {
	if t == nil {
		return nil
	}
	s, _ := t.Span.(*span)
	return s
}

// begin begins the span of a message; nil where the sampler does not want it.
func (t *Tracer) begin(m *event.Message, replayed bool) *span {
	place := t.take()
	if place == nil {
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
		place.leave()
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
	s := &span{Span: started, room: place, outcome: delivered}
	runtime.AddCleanup(s, (*room).leave, place)
	return s
}
