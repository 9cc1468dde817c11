package content

import (
	"context"

	"github.com/ciobridge/ciobridge/event"
)

// Consumer is a source of messages, as a pipeline takes it.
type Consumer interface {
	Consume(ctx context.Context, handle event.Handler) error
}

// Source is a source whose messages have their content. Its zero value is of no use; all fields are needed.
type Source struct {
	Consumer
	Decoder *Decoder
	// FormsOf gives the forms of a topic's or stream's values and keys.
	FormsOf func(topic string) event.Forms
}

// Consume consumes the source. A message whose schema has to be waited for is handed on when it is known; where its
// lease ends before, it is not taken up.
func (s *Source) Consume(ctx context.Context, handle event.Handler) error {
	return s.Consumer.Consume(ctx, func(lease event.Lease, m *event.Message, done func()) error {
		if forms := s.FormsOf(m.Origin.Topic); Reads(forms) {
			if err := s.Decoder.Decode(lease, forms, m); err != nil {
				return err
			}
		}
		return handle(lease, m, done)
	})
}
