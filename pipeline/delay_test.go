package pipeline

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/canarytest"
	"github.com/ciobridge/ciobridge/internal/lease"
)

// dated is a source of messages that were written at some time before now.
type dated []struct {
	text string
	ago  time.Duration // negative for a record without a time
}

func (d dated) Consume(ctx context.Context, handle event.Handler) error {
	l := lease.New(func() time.Time { return time.Time{} })
	for i, m := range d {
		message := event.Message{Value: []byte(m.text), Origin: event.Origin{Topic: "t", Offset: int64(i)}}
		if m.ago >= 0 {
			message.Time = time.Now().Add(-m.ago)
		}
		if err := handle(l, &message, func() {}); err != nil {
			return err
		}
	}
	<-ctx.Done()
	l.Revoke(0)
	return nil
}

// The delay runs from the record's own time until Customer.io has taken the last call of it. What fails, and what has
// no time, does not count.
func TestDelayIsThatOfWhatWasTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &hanging{took: make(chan time.Time, 100)}
		reg := prometheus.NewPedanticRegistry()
		c := DefaultConfig(testLimits)
		p := New(c, Stages{Source: dated{{"ann 1 track", time.Hour}, {"bob 2 track", 80 * time.Hour},
			{"eve 3 track", -1}, {"joe 4 several", time.Minute}}, Mapper: mapper{}, Sender: h,
			DeadLetters: &letterbox{}}, canarytest.Logger(t), reg)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- p.Run(ctx) }()
		time.Sleep(time.Minute)
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		families, err := reg.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range families {
			if f.GetName() != "ciobridge_delay_seconds" {
				continue
			}
			h := f.GetMetric()[0].GetHistogram()
			in := map[float64]uint64{}
			for _, b := range h.GetBucket() {
				in[b.GetUpperBound()] = b.GetCumulativeCount()
			}
			sum := time.Duration(h.GetSampleSum() * float64(time.Second))
			if h.GetSampleCount() != 2 || in[3600] != 0 || in[6*3600] != 1 || in[72*3600] != 1 ||
				sum < 81*time.Hour || sum > 81*time.Hour+time.Minute {
				t.Errorf("got %v", h)
			}
			return
		}
		t.Error("there is no such metric")
	})
}
