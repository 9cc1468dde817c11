package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/ciobridge/ciobridge/emulator"
	"github.com/ciobridge/ciobridge/internal/output"
	"github.com/ciobridge/ciobridge/internal/retry"
)

// What Customer.io tells comes to a stream of its own, which no source reads.
const (
	toldStream      = "CUSTOMERIO"
	toldSubjects    = "customerio.>"
	webhooksSubject = "customerio.webhooks"
	webhooksPath    = "/webhooks/customerio"
)

// readers is how many people the demo's campaign writes to.
const readers = 60

// reactWithin is how soon people react to what somebody has sent after the samples.
const reactWithin = 20 * time.Second

// Told counts what Customer.io told of a campaign, and what of it arrived on the bus.
type Told struct {
	Webhooks int `json:"webhooks"` // that the bridge took
	Stored   int `json:"stored"`   // of them, on the bus
	Bounces  int `json:"bounces"`  // of those
}

// makeStream makes the stream for what Customer.io tells, empty.
func (d *demo) makeStream(ctx context.Context) error {
	stream, err := d.broker().Connection().JetStream().CreateOrUpdateStream(ctx,
		jetstream.StreamConfig{Name: toldStream, Subjects: []string{toldSubjects}})
	if err == nil {
		err = stream.Purge(ctx)
	}
	if err != nil {
		return fmt.Errorf("make stream %s: %w", toldStream, err)
	}
	return nil
}

// hear shows the emulator, and with it whoever looks at its page, what arrives on the bus, until stop is called.
func (d *demo) hear(ctx context.Context) (stop func(), err error) {
	consumer, err := d.broker().Connection().JetStream().OrderedConsumer(ctx, toldStream,
		jetstream.OrderedConsumerConfig{})
	var reading jetstream.ConsumeContext
	if err == nil {
		reading, err = consumer.Consume(func(m jetstream.Msg) {
			_ = d.cio.ShowEvent(m.Subject(), m.Data()) // what somebody else published may be no event
		})
	}
	if err != nil {
		return nil, fmt.Errorf("read stream %s: %w", toldStream, err)
	}
	return func() {
		reading.Stop()
		<-reading.Closed()
	}, nil
}

// campaign has a campaign send and people react, and waits until what Customer.io tells of it is on the bus.
func (d *demo) campaign(ctx context.Context, r *Result) error {
	var to []string
	for n := range readers {
		to = append(to, fmt.Sprintf("email:reader%02d@example.com", n+1))
	}
	if _, err := d.cio.Send(emulator.Sending{Source: "campaign:1", Subject: "Back in stock", To: to}); err != nil {
		return err
	}
	if err := d.cio.ReactWithin(time.Nanosecond); err != nil { // so that all of it happens now
		return err
	}
	for {
		sent := d.cio.WebhookStats()
		r.Told = d.counted(sent.Taken)
		if sent.Waiting == 0 && r.Told.Stored >= sent.Taken {
			break
		}
		if !retry.Sleep(ctx, 5*time.Millisecond) {
			return ctx.Err()
		}
	}
	bounced := 0
	for _, m := range d.cio.Deliveries() {
		if m.Metrics["bounced"] != 0 {
			bounced++
		}
	}
	for _, pair := range []struct {
		what      string
		got, want int
	}{
		{"webhooks on the bus, against those that were taken", r.Told.Stored, r.Told.Webhooks},
		{"bounces on the bus, against messages that bounced", r.Told.Bounces, bounced},
	} {
		if pair.got != pair.want {
			r.Mismatches = append(r.Mismatches, fmt.Sprintf("%s: %d, %d", pair.what, pair.got, pair.want))
		}
	}
	return d.cio.ReactWithin(reactWithin)
}

// counted counts what was shown of the bus so far.
func (d *demo) counted(taken int) Told {
	told := Told{Webhooks: taken}
	for _, e := range d.cio.BusEvents() {
		if strings.HasPrefix(e.Place, webhooksSubject) {
			told.Stored++
		}
		if strings.HasSuffix(e.Place, ".bounced") {
			told.Bounces++
		}
	}
	return told
}

// showTold shows the events after the first so many, and tells how many there are then.
func (d *demo) showTold(known int) int {
	for _, e := range d.cio.BusEvents() {
		if e.N <= known {
			continue
		}
		known = e.N
		var event struct{ Type, Subject string }
		_ = json.Unmarshal(e.Event, &event) // what has another form has no type
		fmt.Fprintf(d.talk, "on the bus     %s %s\n", output.Dash(output.Printable(event.Type)),
			output.Printable(event.Subject))
	}
	return known
}
