package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/ciobridge/ciobridge/app"
	"github.com/ciobridge/ciobridge/config"
	"github.com/ciobridge/ciobridge/emulator"
	"github.com/ciobridge/ciobridge/internal/output"
	"github.com/ciobridge/ciobridge/internal/retry"
	"github.com/ciobridge/ciobridge/report"
)

// What Customer.io tells comes to a stream of its own, which no source reads.
const (
	toldStream      = "CUSTOMERIO"
	toldSubjects    = "customerio.>"
	webhooksSubject = "customerio.webhooks"
	webhooksPath    = "/webhooks/customerio"
	reportsSubject  = "customerio.reports"
	reportName      = "campaigns"
)

// readers is how many people the demo's campaign writes to.
const readers = 60

// reactWithin is how soon people react to what somebody has sent after the samples.
const reactWithin = 20 * time.Second

// longestWait is how long what Customer.io told may take to be on the bus.
const longestWait = 30 * time.Second

// Told counts what Customer.io told of a campaign, and what of it arrived on the bus.
type Told struct {
	Webhooks int `json:"webhooks"` // that the bridge took
	Stored   int `json:"stored"`   // of them, on the bus
	Bounces  int `json:"bounces"`  // of those

	Reported int `json:"reported"` // rows of the report on the bus
	Revised  int `json:"revised"`  // of them, those that tell a day again, whose numbers have changed
}

// makeStream makes the stream for what Customer.io tells. That of an earlier demo is deleted and not purged: a purged
// stream goes on knowing for a while which ids it had, and the reports of this demo have the same.
func (d *demo) makeStream(ctx context.Context) error {
	js := d.broker().Connection().JetStream()
	err := js.DeleteStream(ctx, toldStream)
	if err == nil || errors.Is(err, jetstream.ErrStreamNotFound) {
		_, err = js.CreateStream(ctx, jetstream.StreamConfig{Name: toldStream, Subjects: []string{toldSubjects}})
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

// campaign has a campaign send and people react, and waits until what Customer.io tells of it is on the bus: by
// webhooks, and by a report that is run before they react and once more afterwards.
func (d *demo) campaign(ctx context.Context, r *Result) error {
	var to []string
	for n := range readers {
		to = append(to, fmt.Sprintf("email:reader%02d@example.com", n+1))
	}
	if _, err := d.cio.Send(emulator.Sending{Source: "campaign:1", Subject: "Back in stock", To: to}); err != nil {
		return err
	}
	published, err := d.report(ctx)
	if err != nil {
		return err
	}
	if err := d.cio.ReactWithin(time.Nanosecond); err != nil { // so that all of it happens now
		return err
	}
	again, err := d.report(ctx)
	if err != nil {
		return err
	}
	published += again
	for end := time.Now().Add(longestWait); time.Now().Before(end); { // what is missing then is a mismatch
		sent := d.cio.WebhookStats()
		r.Told = d.counted(sent.Taken)
		if sent.Waiting == 0 && r.Told.Stored >= sent.Taken && r.Told.Reported >= published {
			break
		}
		if !retry.Sleep(ctx, 5*time.Millisecond) {
			return ctx.Err()
		}
	}
	r.Mismatches = append(r.Mismatches, d.misheard(r.Told, published)...)
	return d.cio.ReactWithin(reactWithin)
}

// report runs the report of campaigns, as the command does, and tells how many rows it published.
func (d *demo) report(ctx context.Context) (published int, err error) {
	c, rules, err := app.Load(config.File(d.folder.path(configName)))
	if err != nil {
		return 0, err
	}
	reporter, err := app.ReachReport(ctx, c, reportName, rules.Hash(), d.log)
	if err != nil {
		return 0, fmt.Errorf("run the report %s: %w", reportName, err)
	}
	defer reporter.Close()
	list, err := reporter.Run(ctx, report.Hand{})
	for _, s := range list {
		published += s.Counts.Published
	}
	return published, err
}

// misheard compares what is on the bus with what Customer.io has.
func (d *demo) misheard(told Told, published int) (mismatches []string) {
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
		{"webhooks on the bus, against those that were taken", told.Stored, told.Webhooks},
		{"bounces on the bus, against messages that bounced", told.Bounces, bounced},
		{"rows of reports on the bus, against those that were published", told.Reported, published},
	} {
		if pair.got != pair.want {
			mismatches = append(mismatches, fmt.Sprintf("%s: %d, %d", pair.what, pair.got, pair.want))
		}
	}
	return mismatches
}

// counted counts what was shown of the bus so far.
func (d *demo) counted(taken int) Told {
	told := Told{Webhooks: taken}
	for _, e := range d.cio.BusEvents() {
		var event struct{ Revision int }
		_ = json.Unmarshal(e.Event, &event) // what has another form has no revision
		switch {
		case strings.HasPrefix(e.Place, webhooksSubject):
			told.Stored++
		case strings.HasPrefix(e.Place, reportsSubject):
			told.Reported++
		}
		if event.Revision > 1 {
			told.Revised++
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
		var event struct {
			Type, Subject string
			Revision      int
		}
		_ = json.Unmarshal(e.Event, &event) // what has another form has no type
		what := strings.Join([]string{output.Dash(event.Type), event.Subject}, " ")
		if event.Revision > 0 {
			what += fmt.Sprint(" revision ", event.Revision)
		}
		fmt.Fprintf(d.talk, "on the bus     %s\n", output.Printable(what))
	}
	return known
}
