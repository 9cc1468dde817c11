package explain

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/ciobridge/ciobridge/internal/output"
)

// print tells the story for people, in the order in which it happened.
func (s *story) print(w io.Writer) error {
	line := func(name, format string, args ...any) {
		fmt.Fprintf(w, "%-12s %s\n", name, strings.TrimSpace(output.Printable(fmt.Sprintf(format, args...))))
	}
	line("event", "%s at %s", s.Event, s.Origin)
	if s.Subject != "" {
		line("subject", "%s", s.Subject)
	}
	if s.Type != "" {
		line("type", "%s", s.Type)
	}
	if !s.Received.IsZero() {
		line("received", "%s", s.Received.Format(time.RFC3339Nano))
	}
	if s.Gone {
		line("", "the broker has it no more; this is what its dead letter holds")
	}
	line("source", "%s", map[progress]string{
		finished:   "finished: the source is past it",
		unfinished: "not finished: in hand, waiting to be read, or finished before an earlier one",
		unknown:    "nothing is committed",
		notStored:  "a file: each run reads all of it, and how far is stored nowhere",
	}[s.Source])
	if s.Key != "" {
		line("key", "%s", s.Key)
	}
	line("value", "%s", s.Value)
	for _, r := range s.Rules {
		switch {
		case r.Calls > 0 && r.Why != "":
			line("matched", "rule %q, %s; %s", r.Rule, output.Count(r.Calls, "call"), r.Why)
		case r.Calls > 0:
			line("matched", "rule %q, %s", r.Rule, output.Count(r.Calls, "call"))
		default:
			line("no call", "rule %q: %s", r.Rule, r.Why)
		}
	}
	for _, c := range s.Calls {
		s.printCall(line, c)
	}
	for _, l := range s.Letters {
		line("letter", "%s of rule %q, call %q, %s", l.ID, l.Rule, l.Call, output.Count(l.Attempts, "attempt"))
		line("", "%s", l.Detail)
		for _, step := range l.Steps {
			line("", "%s  %s", step.At.Format(time.RFC3339), step.What)
		}
	}
	s.printOutcomes(line)
	_, err := fmt.Fprintln(w)
	return err
}

// printOutcomes tells what a running bridge knows.
func (s *story) printOutcomes(line func(name, format string, args ...any)) {
	name := "bridge"
	if s.Bridge != "" {
		line(name, "%s", s.Bridge)
	}
	for i := range s.Outcomes {
		o := &s.Outcomes[i]
		what := outcomeText(o)
		if o.Rule != "" {
			what = fmt.Sprintf("rule %q, call %q: %s", o.Rule, o.Call, what)
		}
		line(name, "%s  %s", o.At.Format(time.RFC3339Nano), what)
		name = ""
	}
}

func (s *story) printCall(line func(name, format string, args ...any), c callStory) {
	name, in := "mapped", ""
	if c.Workspace != "" {
		in = fmt.Sprintf(", workspace %q", c.Workspace)
	}
	if c.Fails != "" {
		line("fails today", "rule %q, call %q: %s", c.Rule, c.Call, c.Fails)
	} else {
		line(name, "%s of rule %q, call %q%s, id %s", c.Action, c.Rule, c.Call, in, c.ID)
	}
	line("", "%s", c.Became)
}
