package demo

import (
	"context"
	"fmt"
	"time"

	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/emulator"
	"github.com/ciobridge/ciobridge/event"
)

// Result is what became of the sample events, as JSON shows it.
type Result struct {
	Published    int `json:"published"`
	Delivered    int `json:"delivered"`
	Skipped      int `json:"skipped"`
	DeadLettered int `json:"dead_lettered"` // with any dead letter

	Calls      int `json:"calls"` // that Customer.io took
	Refused    int `json:"refused"`
	Requests   int `json:"requests"`
	Duplicates int `json:"duplicates"`
	People     int `json:"people"`

	DeadLetters int            `json:"dead_letters"`
	Reasons     map[string]int `json:"reasons"` // of the dead letters

	Told Told `json:"told"` // by Customer.io

	Elapsed    string   `json:"elapsed"`
	Mismatches []string `json:"mismatches,omitempty"`
}

// track is the API that events go to. What the bridge asks of others, such as whether the key of reports is right, may
// come at any time.
const track = "track"

// count compares what the bridge counted with what Customer.io took since before and with what stands in the dead
// letters.
func (d *demo) count(ctx context.Context, before emulator.Stats) (Result, error) {
	c := d.bridge.Stats()
	letters, events, err := countLetters(ctx, d.bridge.Letters())
	if err != nil {
		return Result{}, err
	}
	took := d.cio.Stats()
	r := Result{
		Published: d.Events, Delivered: c.Delivered, Skipped: c.Skipped, DeadLettered: c.DeadLettered,
		Calls: c.CallsDelivered, Refused: c.CallsRefused, Requests: c.Requests,
		Duplicates: took.Duplicates - before.Duplicates, People: took.People,
		DeadLetters: c.Letters(), Reasons: map[string]int{},
		Elapsed: time.Since(d.began).Round(time.Millisecond).String(),
	}
	for reason, n := range c.DeadLetters {
		r.Reasons[string(reason)] = n
	}
	for _, pair := range []struct {
		what      string
		got, want int
	}{
		{"events delivered, skipped and dead-lettered, against those published", c.Finished(), d.Events},
		{"calls delivered, against those that Customer.io took", c.CallsDelivered, took.Taken - before.Taken},
		{"calls refused, against those that Customer.io refused", c.CallsRefused, took.Refused - before.Refused},
		{"requests sent, against those that Customer.io saw", c.Requests, took.ByAPI[track] - before.ByAPI[track]},
		{"dead letters, against those that are stored", c.Letters(), letters},
		{"events dead-lettered, against those of the stored letters", c.DeadLettered, events},
	} {
		if pair.got != pair.want {
			r.Mismatches = append(r.Mismatches, fmt.Sprintf("%s: %d, %d", pair.what, pair.got, pair.want))
		}
	}
	return r, nil
}

// countLetters counts open letters, and the events that they are of.
func countLetters(ctx context.Context, log deadletter.Reader) (letters, events int, err error) {
	seen := map[event.ID]bool{}
	for letter, err := range deadletter.List(ctx, log, deadletter.Filter{All: true}) {
		if err != nil {
			return 0, 0, fmt.Errorf("read the dead letters: %w", err)
		}
		letters++
		seen[letter.EventID] = true
	}
	return letters, len(seen), nil
}
