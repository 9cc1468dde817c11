package erasure_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/erasure"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/secret"
)

// taker takes all calls and notes them.
type taker struct{ sent []event.ID }

func (k *taker) Send(_ context.Context, calls []event.Call) []event.Outcome {
	outcomes := make([]event.Outcome, len(calls))
	for i := range calls {
		k.sent = append(k.sent, calls[i].ID)
		outcomes[i].Result = event.Delivered
	}
	return outcomes
}

// failing is a log that fails while it is told to.
type failing struct {
	erasure.Log
	read, write error
}

func (f *failing) Read(ctx context.Context, each func(erasure.Record)) error {
	if f.read != nil {
		return f.read
	}
	return f.Log.Read(ctx, each)
}

func (f *failing) Write(ctx context.Context, r ...erasure.Record) error {
	if f.write != nil {
		return f.write
	}
	return f.Log.Write(ctx, r...)
}

var (
	passes  = &event.Step{Rule: "seen", Action: "track", Repeatable: true}
	deletes = &event.Step{Rule: "gone", Action: "delete", Fence: event.DeleteFence}
)

// call is the call of an event at an offset.
func call(n int, s *event.Step, persons ...string) event.Call {
	return event.Call{ID: event.ID{15: byte(n)}, Step: s, About: &event.About{
		Persons: persons, Origin: event.Origin{Topic: "t", Offset: int64(n)},
		Time: time.Unix(1_790_000_000+int64(n), 0),
	}}
}

// standing is a Sender with what is behind and beside it.
type standing struct {
	*erasure.Sender
	next    *taker
	log     *failing
	fences  *erasure.Fences
	reports []erasure.Report
	told    error // what telling a report gives
}

func stand(t *testing.T, settle time.Duration) *standing {
	t.Helper()
	s := &standing{next: &taker{}, log: &failing{Log: &view{memory: &memory{}}}}
	s.fences = erasure.NewFences(s.log, secret.New(key))
	if err := s.fences.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.Sender = erasure.NewSender(s.fences, s.next, erasure.Options{Settle: settle, Skew: time.Minute,
		Report: func(_ context.Context, r erasure.Report) error {
			if s.told == nil {
				s.reports = append(s.reports, r)
			}
			return s.told
		}}, zap.NewNop(), prometheus.NewRegistry())
	return s
}

// A request is divided: what is earlier is refused, what is of others goes, and what stands behind a delete in the same
// request waits until that is settled.
func TestARequestIsDivided(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := stand(t, 0)
		got := s.Send(t.Context(), []event.Call{call(4, passes, "id:1"), call(5, deletes, "id:1", "email:a@x.org"),
			call(6, passes, "email:a@x.org"), call(7, passes, "id:2"), {ID: event.ID{15: 8}, Step: passes}})
		results := []event.Result{event.Delivered, event.Delivered, event.Open, event.Delivered, event.Delivered}
		for i, want := range results {
			if got[i].Result != want {
				t.Errorf("call %d: %+v", i, got[i])
			}
		}
		got = s.Send(t.Context(), []event.Call{call(3, passes, "email:a@x.org"), call(6, passes, "id:1"),
			call(5, deletes, "id:1", "email:a@x.org"), call(9, passes, "id:2")})
		for i, want := range []event.Result{event.Refused, event.Refused, event.Delivered, event.Delivered} {
			if got[i].Result != want {
				t.Errorf("then call %d: %+v", i, got[i])
			}
		}
		for _, o := range got[:2] {
			if f := o.Failure; f.Reason != event.ReasonErased || strings.Contains(f.Detail, "x.org") {
				t.Errorf("failure %+v", f)
			}
		}
		if want := []event.ID{{15: 4}, {15: 5}, {15: 7}, {15: 8}, {15: 9}}; !slices.Equal(s.next.sent, want) {
			t.Errorf("sent %v, want %v", s.next.sent, want)
		}
		if len(s.reports) != 1 || len(s.reports[0].Persons) != 2 {
			t.Fatalf("reports %+v", s.reports)
		}
		text, err := s.reports[0].CloudEvent()
		if err != nil || !json.Valid(text) || strings.Contains(string(text), "x.org") ||
			!strings.Contains(string(text), s.reports[0].Persons[1]) {
			t.Errorf("the report is %s, %v", text, err)
		}
	})
}

// A delete waits, and is not held up longer by being asked for again.
func TestADeleteWaitsForOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := stand(t, 20*time.Second)
		began := time.Now()
		for {
			o := s.Send(t.Context(), []event.Call{call(5, deletes, "id:1")})[0]
			if o.Result == event.Delivered {
				break
			}
			if o.Failure != nil || !o.NotBefore.After(time.Now()) {
				t.Fatalf("got %+v", o)
			}
			time.Sleep(time.Until(o.NotBefore))
			if err := s.fences.Refresh(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(began).Round(time.Second); took != 20*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

// Where the fences cannot be read nothing is sent, and where they cannot be written no delete, nor is one settled that
// cannot be reported.
func TestFencesThatCannotBeRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := stand(t, 0)
		down := errors.New("down")
		one := func(c event.Call) event.Outcome { t.Helper(); return s.Send(t.Context(), []event.Call{c})[0] }
		s.log.write = down
		if o := one(call(5, deletes, "id:1")); o.Result != event.Open || o.NotBefore.IsZero() || len(s.next.sent) > 0 {
			t.Errorf("a delete whose fence cannot be written: %+v", o)
		}
		s.log.write, s.told = nil, down
		if o := one(call(5, deletes, "id:1")); o.Result != event.Open || len(s.next.sent) != 1 {
			t.Errorf("a delete that cannot be reported: %+v", o)
		}
		s.told = nil
		if o := one(call(5, deletes, "id:1")); o.Result != event.Delivered || len(s.next.sent) != 2 ||
			len(s.reports) != 1 {
			t.Errorf("then: %+v", o)
		}
		s.log.read = down
		time.Sleep(6 * time.Second)
		if err := s.fences.Trouble(); err == nil || !strings.Contains(err.Error(), "not be read for 6s") {
			t.Errorf("trouble: %v", err)
		}
		if o := one(call(9, passes, "id:2")); o.Result != event.Open || o.NotBefore.IsZero() || len(s.next.sent) != 2 {
			t.Errorf("a call while the fences cannot be read: %+v", o)
		}
		s.log.read = nil
		if err := s.fences.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		if o := one(call(9, passes, "id:2")); o.Result != event.Delivered || s.fences.Trouble() != nil {
			t.Errorf("then: %+v, %v", o, s.fences.Trouble())
		}
	})
}

// Who is deleted in one workspace is not in another.
func TestWorkspacesHaveTheirOwnFences(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := stand(t, 0)
		sender := erasure.NewSender(s.fences, s.next, erasure.Options{Workspace: func(d event.Destination) string {
			return []string{"", "shop"}[d]
		}}, zap.NewNop(), prometheus.NewRegistry())
		there := &event.Step{Rule: "seen", Action: "track", Destination: 1}
		for i, want := range []event.Result{event.Delivered, event.Refused, event.Delivered} {
			c := []event.Call{call(5, deletes, "id:1"), call(4, passes, "id:1"), call(3, there, "id:1")}[i]
			if o := sender.Send(t.Context(), []event.Call{c}); o[0].Result != want {
				t.Errorf("call %d: %+v", i, o[0])
			}
		}
	})
}

// Without a fence nothing is made for a call but what it is.
func TestWithoutFencesNothingIsMade(t *testing.T) {
	s := stand(t, 0)
	calls := []event.Call{call(1, passes, "id:1"), call(2, passes, "id:2")}
	none := &nothing{}
	sender := erasure.NewSender(s.fences, none, erasure.Options{}, zap.NewNop(), prometheus.NewRegistry())
	if n := testing.AllocsPerRun(100, func() { sender.Send(context.Background(), calls) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

type nothing struct{}

func (*nothing) Send(context.Context, []event.Call) []event.Outcome { return nil }
