package status

import (
	"time"

	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/event"
)

// Letter is a dead letter with its story. It holds nothing of the event.
type Letter struct {
	ID       string       `json:"id"`
	Origin   string       `json:"origin"`
	Rule     string       `json:"rule,omitempty"`
	Call     string       `json:"call,omitempty"`
	Reason   event.Reason `json:"reason"`
	Detail   string       `json:"detail,omitempty"`
	Status   int          `json:"status,omitempty"`
	Attempts int          `json:"attempts"`
	Open     bool         `json:"open"`
	First    time.Time    `json:"first_failed"`
	Steps    []Step       `json:"steps,omitempty"` // in the order of their times, where they are asked for
}

// Step is something that happened to a letter.
type Step struct {
	At   time.Time `json:"at"`
	What string    `json:"what"`
}

// FailureText says why a call failed, in one line.
func FailureText(f *event.Failure) string {
	text := string(f.Reason)
	if f.Field != "" {
		text += ", " + f.Field
	}
	if f.Detail != "" {
		text += ": " + f.Detail
	}
	return text
}

// newLetter tells of a letter without its story.
func newLetter(l *deadletter.Letter, open bool) Letter {
	f := &l.Failure
	return Letter{ID: f.ID.String(), Origin: l.Message.Origin.String(), Rule: f.Rule, Call: f.Call, Reason: f.Reason,
		Detail: FailureText(f), Status: f.Status, Attempts: f.Attempts, Open: open, First: f.First.UTC()}
}

// TellLetter tells the story of a letter.
func TellLetter(h deadletter.History) Letter {
	l := newLetter(h.Letters[len(h.Letters)-1], h.Open)
	l.Steps = append(l.Steps, Step{l.First, "failed first, in " + string(h.Letters[0].Failure.Stage)})
	for _, again := range h.Letters[1:] {
		l.Steps = append(l.Steps, Step{again.Written.UTC(), "failed in another way: " + FailureText(&again.Failure)})
	}
	for _, r := range h.Again {
		l.Steps = append(l.Steps, Step{r.At.UTC(), "replayed, and failed in the same way"})
	}
	for _, r := range h.Resolutions {
		what := string(r.Kind)
		if r.Kind == deadletter.Delivered {
			what = "replayed, and delivered"
		}
		if r.Note != "" {
			what += ": " + r.Note
		}
		l.Steps = append(l.Steps, Step{r.At.UTC(), what})
	}
	return l
}
