package pipeline

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/canarytest"
	"github.com/ciobridge/ciobridge/internal/lease"
)

// hanging is a Customer.io of which the second destination never answers.
type hanging struct {
	release chan struct{}
	took    chan time.Time // when the first destination was asked
}

func (h *hanging) Send(_ context.Context, calls []event.Call) []event.Outcome {
	if calls[0].Destination() == 1 {
		<-h.release
	} else {
		h.took <- time.Now()
	}
	outcomes := make([]event.Outcome, len(calls))
	for i := range outcomes {
		outcomes[i].Result = event.Delivered
	}
	return outcomes
}

// dripping is a source that hands one message after another over, a second apart.
type dripping []string

func (d dripping) Consume(ctx context.Context, handle event.Handler) error {
	l := lease.New(func() time.Time { return time.Time{} })
	for i, text := range d {
		m := event.Message{Value: []byte(text), Origin: event.Origin{Topic: "t", Offset: int64(i)}}
		if err := handle(l, &m, func() {}); err != nil {
			return err
		}
		time.Sleep(time.Second)
	}
	<-ctx.Done()
	l.Revoke(0)
	return nil
}

// While the senders of one destination are on the wire and more is ready for it than they can take, what arrives for
// another one leaves when its linger is over: its collector does not wait until a request of the first could be full.
func TestABusyDestinationDoesNotDelayAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &hanging{release: make(chan struct{}), took: make(chan time.Time, 1)}
		c := DefaultConfig(testLimits)
		ctx, cancel := context.WithCancel(t.Context())
		var messages dripping
		for i := range 2 {
			messages = append(messages, fmt.Sprintf("canary%d 1 segment", i*10))
		}
		messages = append(messages, "ann 1 track")
		p := New(c, Stages{Source: messages, Mapper: mapper{}, Sender: h, DeadLetters: &letterbox{},
			Destinations: []Destination{c.Batch(), {Senders: 1, Calls: 1000, Bytes: 500_000}}},
			canarytest.Logger(t), canarytest.Registry(t))
		began := time.Now()
		ended := make(chan error)
		go func() { ended <- p.Run(ctx) }()
		select {
		case at := <-h.took:
			if after := at.Sub(began); after > 2*time.Second+2*c.Linger {
				t.Errorf("a call that arrived after 2s was sent after %s", after)
			}
		case <-time.After(time.Minute):
			t.Error("a call was not sent while another destination did not answer")
		}
		close(h.release)
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}
