package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/emulator"
	"github.com/ciobridge/ciobridge/internal/output"
	"github.com/ciobridge/ciobridge/internal/retry"
)

// welcome says where everything is.
func (d *demo) welcome() {
	fmt.Fprintf(d.talk, `A broker, a bridge and a local Customer.io run in this process.

  publish to     %s   stream EVENTS, subjects events.>
  Customer.io    http://%s/   people and calls as they arrive, and what is told of them on the bus
  the bridge     http://%s/   what it reads, sends and could not deliver; /readyz and /metrics
  the folder     %s   configuration, rules, dead letters, log

`, d.broker().Server().URL(), d.at.emulator, d.at.admin, d.Dir)
	for _, name := range d.folder.kept {
		fmt.Fprintf(d.talk, "%s was changed and is used as it is.\n", filepath.Join(d.Dir, name))
	}
	fmt.Fprintf(d.talk, "Publishing %d events of a small shop, some of them broken on purpose.\n", d.Events)
}

var errMiscount = errors.New("the counts do not add up")

// tell prints the result. Its error says that the counts do not add up.
func (d *demo) tell(out io.Writer, r Result) error {
	if d.JSON {
		if err := output.JSON(out, r); err != nil {
			return err
		}
	} else {
		d.tellText(r)
	}
	if len(r.Mismatches) > 0 {
		return fmt.Errorf("%w: %s", errMiscount, strings.Join(r.Mismatches, "; "))
	}
	return nil
}

func (d *demo) tellText(r Result) {
	var reasons []string
	for _, reason := range slices.Sorted(maps.Keys(r.Reasons)) {
		reasons = append(reasons, fmt.Sprintf("%s %d", reason, r.Reasons[reason]))
	}
	of := ""
	if len(reasons) > 0 {
		of = ": " + strings.Join(reasons, ", ")
	}
	fmt.Fprintf(d.talk, `
After %s each of the %d events is in one of three places:

  delivered      %6d   %d calls in %d requests; %d people are known, %d calls counted twice
  skipped        %6d   no rule wants them
  dead-lettered  %6d   %d dead letters%s

`, r.Elapsed, r.Published, r.Delivered, r.Calls, r.Requests, r.People, r.Duplicates, r.Skipped,
		r.DeadLettered, r.DeadLetters, of)
	fmt.Fprintf(d.talk, `Then a campaign wrote to %d people, who reacted. What Customer.io told of that is on the bus, in stream %s:

  webhooks       %6d   %d of them of messages that bounced
  rows reported  %6d   days of the campaign; %d told again when people had reacted, as revision 2

`, readers, toldStream, r.Told.Stored, r.Told.Bounces, r.Told.Reported, r.Told.Revised)
	if len(r.Mismatches) == 0 {
		fmt.Fprintf(d.talk, "The local Customer.io and the dead-letter file hold just what the bridge counted.\n")
	}
}

// invite tells how to publish an event.
func (d *demo) invite() {
	const signUp = `{"type":"user.signed_up","data":{"user_id":"me","email":"me@example.com","plan":"trial"}}`
	config, program := filepath.Join(d.Dir, configName), programName()
	fmt.Fprintf(d.talk, `
Publish an event of your own, and it appears below. Either of these does:

  echo '%[1]s' | %[2]s publish -c %[3]s --subject events.people
  nats --server %[4]s pub events.people '%[1]s'

What went wrong, and how an event would be mapped after a change to %[5]s:

  %[2]s deadletters list -c %[3]s
  echo '%[1]s' | %[2]s map -c %[3]s

Have a campaign write to everybody, and within %[6]s people open it, click, or it bounces, and Customer.io tells of it:

  curl -d '{"source":"campaign:2"}' http://%[7]s/_emulator/deliveries
  %[2]s reports run campaigns -c %[3]s

Ctrl-C ends the demo.

`, signUp, program, config, d.broker().Server().URL(), filepath.Join(d.Dir, "rules"), reactWithin,
		d.at.emulator)
}

// programName is how the user would call the program again.
func programName() string {
	if strings.Contains(os.Args[0], "go-build") {
		return "go run ./cmd/ciobridge"
	}
	return os.Args[0]
}

// follow shows what becomes of further events until ctx ends.
func (d *demo) follow(ctx context.Context, r Result) error {
	next, letters, skipped, told := 1, r.DeadLetters, r.Skipped, 0
	for _, e := range d.cio.BusEvents() {
		told = e.N
	}
	for _, receipt := range d.cio.Receipts(r.Calls) { // there are at least so many
		next = receipt.N + 1
	}
	for retry.Sleep(ctx, 100*time.Millisecond) {
		for _, receipt := range d.cio.Receipts(next) {
			next = receipt.N + 1
			d.showCall(receipt)
		}
		told = d.showTold(told)
		if err := d.tracer.trace(ctx); err != nil && ctx.Err() == nil {
			return err
		}
		now := d.bridge.Stats()
		if now.Skipped > skipped {
			fmt.Fprintf(d.talk, "skipped        %d events that no rule wants\n", now.Skipped-skipped)
			skipped = now.Skipped
		}
		if now.Letters() > letters {
			var err error
			if letters, err = d.showLetters(ctx, letters); err != nil {
				return err
			}
		}
	}
	return nil
}

func (d *demo) showCall(r emulator.Receipt) {
	if r.Type == "" {
		return // not a call
	}
	what := "delivered "
	if !r.Taken {
		what = "refused   "
	}
	fmt.Fprintf(d.talk, "%s     %s\n", what, output.Printable(string(r.Body)))
}

// showLetters shows the dead letters after the first so many.
func (d *demo) showLetters(ctx context.Context, known int) (int, error) {
	n := 0
	for letter, err := range deadletter.List(ctx, d.bridge.Letters(), deadletter.Filter{All: true}) {
		if err != nil {
			return n, err
		}
		if n++; n > known {
			f := letter.Failure
			fmt.Fprintf(d.talk, "dead-lettered  %s %s %s: %s\n", f.Reason, output.Dash(f.Rule),
				output.Dash(f.Field), f.Detail)
		}
	}
	return n, nil
}
