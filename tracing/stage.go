package tracing

import (
	"context"
	"slices"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"

	"github.com/ciobridge/ciobridge/event"
)

// A Consumer is a source of messages, as a pipeline takes it.
type Consumer interface {
	Consume(ctx context.Context, handle event.Handler) error
}

// Source has each message of a source followed. Where the messages are replayed, their headers are those of a trace
// that ended long ago, to which the new one has a link. A nil Tracer leaves the source as it is.
func (t *Tracer) Source(source Consumer, replayed bool) Consumer {
	if t == nil {
		return source
	}
	return &consumer{source, t, replayed}
}

type consumer struct {
	Consumer
	tracer   *Tracer
	replayed bool
}

// Consume consumes the source. What its lease takes away before it is done has no span: it has one where it is read
// again.
func (c *consumer) Consume(ctx context.Context, handle event.Handler) error {
	return c.Consumer.Consume(ctx, func(lease event.Lease, m *event.Message, done func()) error {
		s := c.tracer.begin(m, c.replayed)
		if s == nil {
			m.Trace = 0
			return handle(lease, m, done)
		}
		m.Trace = s.number
		err := handle(lease, m, func() {
			s.end()
			c.tracer.open.leave(s.number)
			done()
		})
		if err != nil {
			s.become(notTaken)
			s.end()
			c.tracer.open.leave(s.number)
		}
		return err
	})
}

// A Mapper turns a message into calls, as a pipeline takes it.
type Mapper interface {
	Map(m *event.Message) ([]event.Call, []event.Failure)
}

// Mapper notes what comes of messages, and has their calls followed. A nil Tracer leaves the mapper as it is.
func (t *Tracer) Mapper(mapper Mapper) Mapper {
	if t == nil {
		return mapper
	}
	return noting{mapper, t}
}

type noting struct {
	Mapper
	tracer *Tracer
}

// Map implements Mapper.
func (n noting) Map(m *event.Message) ([]event.Call, []event.Failure) {
	calls, failures := n.Mapper.Map(m)
	for i := range calls {
		calls[i].Trace = m.Trace
	}
	s := n.tracer.open.of(m.Trace)
	if s == nil {
		return calls, failures
	}
	var rules []string
	note := func(rule string) {
		if rule != "" && !slices.Contains(rules, rule) {
			rules = append(rules, rule)
		}
	}
	for i := range calls {
		note(calls[i].Step.Rule)
	}
	for i := range failures {
		note(failures[i].Rule)
	}
	s.SetAttributes(rulesKey.StringSlice(rules), callsKey.Int(len(calls)))
	if len(calls)+len(failures) == 0 {
		s.become(skipped)
	}
	return calls, failures
}

// DeadLetters stores letters, as a pipeline takes it.
type DeadLetters interface {
	Put(ctx context.Context, letters ...event.FailedMessage) error
}

// DeadLetters notes which messages became dead letters. A nil Tracer leaves the store as it is.
func (t *Tracer) DeadLetters(store DeadLetters) DeadLetters {
	if t == nil {
		return store
	}
	return keeping{store, t}
}

type keeping struct {
	DeadLetters
	tracer *Tracer
}

// Put implements DeadLetters. The texts of failures stay out: they are the bridge's own words, but many.
func (k keeping) Put(ctx context.Context, letters ...event.FailedMessage) error {
	err := k.DeadLetters.Put(ctx, letters...)
	if err != nil {
		return err
	}
	for i := range letters {
		s := k.tracer.open.of(letters[i].Message.Trace)
		if s == nil {
			continue
		}
		reason := string(letters[i].Failures[0].Reason)
		s.become(deadLettered)
		s.SetAttributes(attribute.String("error.type", reason))
		s.SetStatus(codes.Error, "a dead letter: "+reason)
	}
	return nil
}
