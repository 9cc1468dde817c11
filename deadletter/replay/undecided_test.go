package replay

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/deadletter/internal/lettertest"
	"github.com/ciobridge/ciobridge/deadletter/internal/logtest"
	"github.com/ciobridge/ciobridge/deadletter/internal/storetest"
	"github.com/ciobridge/ciobridge/event"
)

// A letter whose call may have been sent stays open until somebody has decided, and says so.
func TestALetterThatNobodyHasDecidedAboutStaysOpen(t *testing.T) {
	s := storetest.File(t)
	uncertain, decided := lettertest.Failed(1), lettertest.Failed(2)
	uncertain.Failures[0].Reason = event.ReasonSendUncertain
	decided.Failures[0].Reason = event.ReasonSendUncertain
	lettertest.MustPut(t, s, uncertain, decided, lettertest.Failed(3))
	var asked []event.ID
	opts := Options{Filter: deadletter.Filter{All: true}}
	opts.Undecided = func(_ context.Context, l *deadletter.Letter) (bool, error) {
		asked = append(asked, l.ID())
		return l.ID() == lettertest.ID(1), nil
	}
	planned, err := newReplay(t, s, oneCall, opts).DryRun(t.Context(), func(Plan) error { return nil })
	if err != nil || planned.Undecided != 1 || planned.LeftOpen != 1 {
		t.Errorf("a dry run gives %+v, %v", planned, err)
	}
	f, r := &flow{}, newReplay(t, s, oneCall, opts)
	if err := f.run(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	want := Progress{Open: 3, Chosen: 3, Delivered: 2, LeftOpen: 1, Undecided: 1}
	if got := r.Progress(); got != want || !slices.Equal(f.sent, []event.ID{lettertest.ID(2), lettertest.ID(3)}) {
		t.Errorf("got %+v, sent %v", got, f.sent)
	}
	if slices.Contains(asked, lettertest.ID(3)) {
		t.Error("it was asked whether a letter of another reason was sent")
	}
	if open := logtest.Listed(t, s, deadletter.Filter{All: true}); !slices.Equal(open, []event.ID{lettertest.ID(1)}) {
		t.Errorf("open are %v", open)
	}
	broken := errors.New("broken")
	opts.Undecided = func(context.Context, *deadletter.Letter) (bool, error) { return false, broken }
	f = &flow{}
	if err := f.run(t.Context(), newReplay(t, s, oneCall, opts)); !errors.Is(err, broken) || len(f.sent) > 0 {
		t.Errorf("where nobody can tell: %v, sent %v", err, f.sent)
	}
}

// The row of a report is no event: it stays open, whatever the rules make of its text.
func TestTheRowOfAReportIsNotReplayed(t *testing.T) {
	s := storetest.File(t)
	row, large := lettertest.Failed(1), lettertest.Failed(2)
	for _, f := range []*event.Failure{&row.Failures[0], &large.Failures[0]} {
		f.Stage, f.Rule, f.Call = event.StageReport, "", ""
	}
	row.Failures[0].Reason, large.Failures[0].Reason = event.ReasonMalformedRow, event.ReasonTooLarge
	lettertest.MustPut(t, s, row, large, lettertest.Failed(3))
	f, r := &flow{}, newReplay(t, s, oneCall, Options{Filter: deadletter.Filter{All: true}})
	if err := f.run(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	want := Progress{Open: 3, Chosen: 3, Delivered: 1, LeftOpen: 2, Rows: 2}
	if got := r.Progress(); got != want || !slices.Equal(f.sent, []event.ID{lettertest.ID(3)}) {
		t.Errorf("got %+v, sent %v", got, f.sent)
	}
	filter := deadletter.Filter{Reasons: []event.Reason{event.ReasonMalformedRow}}
	if open := logtest.Listed(t, s, filter); !slices.Equal(open, []event.ID{lettertest.ID(1)}) {
		t.Errorf("open are %v", open)
	}
}
