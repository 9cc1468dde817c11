package erasure_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ciobridge/ciobridge/erasure"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/canarytest"
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
	late        time.Duration // after which the first that was not written is there
	hangs       bool          // writes do not come back
}

func (f *failing) Read(ctx context.Context, each func(erasure.Record)) error {
	if f.read != nil {
		return f.read
	}
	return f.Log.Read(ctx, each)
}

func (f *failing) Write(ctx context.Context, r ...erasure.Record) error {
	if f.late > 0 {
		time.AfterFunc(f.late, func() { _ = f.Log.Write(context.Background(), r...) })
		f.late = 0
	}
	if f.hangs {
		<-ctx.Done()
		return ctx.Err()
	}
	if f.write != nil {
		return f.write
	}
	return f.Log.Write(ctx, r...)
}

var (
	passes  = &event.Step{Rule: "seen", Action: "track", Repeatable: true}
	deletes = &event.Step{Rule: "gone", Action: "delete", Fence: event.DeleteFence}
)

// ann and bob are people, and annsMail is another identifier of the first.
const (
	ann      = "id:canary1"
	bob      = "id:canary2"
	annsMail = "email:canary@x.org"
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
	slow    time.Duration
}

func stand(t *testing.T, settle time.Duration) *standing {
	t.Helper()
	s := &standing{next: &taker{}, log: &failing{Log: &view{memory: &memory{}}}}
	s.fences = erasure.NewFences(s.log, erasure.NewDigester(secret.New(key)))
	if err := s.fences.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.Sender = erasure.NewSender(s.fences, s.next, erasure.Options{Settle: settle, Skew: time.Minute,
		Report: func(_ context.Context, r erasure.Report) error {
			time.Sleep(s.slow)
			if s.told == nil {
				s.reports = append(s.reports, r)
			}
			return s.told
		}}, canarytest.Logger(t), canarytest.Registry(t))
	return s
}

// A request is divided: what is earlier is refused, what is of others goes, and what stands behind a delete in the same
// request waits until that is settled.
func TestARequestIsDivided(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := stand(t, 0)
		got := s.Send(t.Context(), []event.Call{call(4, passes, ann), call(5, deletes, ann, annsMail),
			call(6, passes, annsMail), call(7, passes, bob), {ID: event.ID{15: 8}, Step: passes}})
		results := []event.Result{event.Delivered, event.Delivered, event.Open, event.Delivered, event.Delivered}
		for i, want := range results {
			if got[i].Result != want {
				t.Errorf("call %d: %+v", i, got[i])
			}
		}
		got = s.Send(t.Context(), []event.Call{call(3, passes, annsMail), call(6, passes, ann),
			call(5, deletes, ann, annsMail), call(9, passes, bob)})
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
		there := *deletes
		there.Workspace = "shop_us"
		s.Send(t.Context(), []event.Call{call(10, &there, "id:canary3")})
		for i, want := range []bool{false, true} {
			text, err := s.reports[i].CloudEvent()
			if err != nil || strings.Contains(string(text), `"workspace":"shop_us"`) != want {
				t.Errorf("report %d is %s, %v", i, text, err)
			}
		}
	})
}

// A delete waits, and is not held up longer by being asked for again.
func TestADeleteWaitsForOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := stand(t, 20*time.Second)
		began := time.Now()
		for {
			o := s.Send(t.Context(), []event.Call{call(5, deletes, ann)})[0]
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

// beside is another process with the fences of the first, to whom calls go that wait for their turn.
func (s *standing) beside(t *testing.T, next erasure.Next) (*erasure.Sender, *erasure.Fences) {
	t.Helper()
	fences := erasure.NewFences(&view{memory: s.log.Log.(*view).memory}, erasure.NewDigester(secret.New(key)))
	if err := fences.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	return erasure.NewSender(fences, next, erasure.Options{Settle: 20 * time.Second, Skew: time.Minute},
		canarytest.Logger(t), canarytest.Registry(t)), fences
}

// turns has each request wait until a time, and asks then whether it may go.
type turns struct {
	taker
	sender *erasure.Sender
	until  time.Time
}

func (w *turns) Send(ctx context.Context, calls []event.Call) []event.Outcome {
	time.Sleep(time.Until(w.until))
	if !w.sender.Stands(calls) {
		return make([]event.Outcome, len(calls))
	}
	return w.taker.Send(ctx, calls)
}

// A call that waits out an outage is looked at again when its turn has come: another process has erased its person
// meanwhile. While the fences are not read it does not go.
func TestACallThatWaitsForItsTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := stand(t, 0)
		slow := &turns{until: time.Now().Add(time.Minute)}
		sender, fences := s.beside(t, slow)
		slow.sender = sender
		outcomes := make(chan []event.Outcome)
		early := []event.Call{call(4, passes, ann), call(6, passes, bob)}
		go func() { outcomes <- sender.Send(t.Context(), early) }()
		synctest.Wait()
		if o := s.Send(t.Context(), []event.Call{call(5, deletes, ann)}); o[0].Result != event.Delivered {
			t.Fatalf("the delete: %+v", o)
		}
		time.Sleep(time.Until(slow.until) - time.Second)
		if err := fences.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		got := <-outcomes
		if got[0].Result != event.Open || got[1].Result != event.Open || len(slow.sent) > 0 {
			t.Errorf("after its turn: %+v, sent %v", got, slow.sent)
		}
		for i, want := range []event.Result{event.Refused, event.Delivered} {
			if got := sender.Send(t.Context(), early); got[i].Result != want {
				t.Errorf("then call %d: %+v", i, got[i])
			}
		}
		slow.until = time.Now().Add(6 * time.Second)
		if o := sender.Send(t.Context(), early[1:]); o[0].Result != event.Open {
			t.Errorf("while the fences are not read: %+v", o)
		}
	})
}

// A fence that comes long after its write has failed, as where replicas of a topic lag, is waited for from then on:
// until then nobody could know of it.
func TestAFenceThatComesLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := stand(t, 20*time.Second)
		s.log.write = errors.New("no answer")
		s.log.late = 15 * time.Second
		came := time.Now().Add(s.log.late)
		for began := time.Now(); ; time.Sleep(time.Second) {
			if s.Send(t.Context(), []event.Call{call(5, deletes, ann)})[0].Result == event.Delivered {
				break
			}
			if time.Since(began) > time.Minute {
				t.Fatal("the delete is not sent")
			}
			_ = s.fences.Refresh(t.Context())
			if time.Now().After(came) {
				s.log.write = nil
			}
		}
		if waited := time.Since(came); waited < 20*time.Second || waited > 22*time.Second {
			t.Errorf("the delete is sent %s after its fence could be read", waited)
		}
	})
}

// What brings a person back waits for the delete that comes before it, but not for one that is a dead letter.
func TestABringerBackWaitsForTheDelete(t *testing.T) {
	for accepted, least := range map[bool]time.Duration{true: 20 * time.Second, false: 320 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			s := stand(t, 20*time.Second)
			other, fences := s.beside(t, s.next)
			back := call(7, &event.Step{Rule: "back", Action: "identify", Revives: true}, ann)
			began := time.Now()
			sent := map[event.ID]time.Duration{}
			for ; len(s.next.sent) < 2 && time.Since(began) < 10*time.Minute; time.Sleep(time.Second) {
				if accepted || time.Since(began) == 0 {
					s.Send(t.Context(), []event.Call{call(5, deletes, ann)})
				}
				if err := errors.Join(s.fences.Refresh(t.Context()), fences.Refresh(t.Context())); err != nil {
					t.Fatal(err)
				}
				o := other.Send(t.Context(), []event.Call{back, call(8, passes, ann)})
				if o[1].Result != o[0].Result && o[1].Result != event.Open {
					t.Fatalf("what stands behind it: %+v", o)
				}
				if o[0].Result == event.Delivered {
					sent[back.ID] = time.Since(began)
					break
				}
			}
			if sent[back.ID] < least || sent[back.ID] > least+3*time.Second {
				t.Errorf("delete accepted %v: the person is brought back after %s", accepted, sent[back.ID])
			}
		})
	}
}

// A write that comes long after it has failed, when the person has come back, changes nothing, and neither does it once
// the log has forgotten all but the last record of each key.
func TestAWriteThatWasOvertaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := stand(t, 0)
		watching, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); s.fences.Watch(watching, func(error) {}) }()
		back := &event.Step{Rule: "back", Action: "identify", Revives: true}
		for _, c := range []event.Call{call(5, deletes, ann), call(7, back, ann)} {
			if o := s.Send(t.Context(), []event.Call{c}); o[0].Result != event.Delivered {
				t.Fatalf("got %+v", o)
			}
		}
		log := s.log.Log.(*view).memory
		log.mu.Lock()
		log.records = append(log.records, log.records[2]) // that the delete was accepted
		log.mu.Unlock()
		time.Sleep(time.Second)
		stop()
		<-ended
		log.mu.Lock()
		n := len(log.records)
		log.records = []erasure.Record{log.records[0], log.records[n-1]}
		log.mu.Unlock()
		if n != 6 {
			t.Errorf("%d records: the key, three of the fence, one that came late, and what counts again", n)
		}
		again, _ := s.beside(t, s.next)
		for name, sender := range map[string]*erasure.Sender{"at once": s.Sender, "after a restart": again} {
			if o := sender.Send(t.Context(), []event.Call{call(9, passes, ann)}); o[0].Result != event.Delivered {
				t.Errorf("%s: %+v, %+v", name, o[0], o[0].Failure)
			}
		}
	})
}

// One fence that cannot be written is enough to know that the log fails: a request of many deletes, and a bridge that
// has to stop, do not wait for each.
func TestManyDeletesWhileTheLogFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := stand(t, 0)
		var calls []event.Call
		for n := range 100 {
			calls = append(calls, call(n, deletes, fmt.Sprintf("id:canary%d", n)))
		}
		s.log.hangs = true
		began := time.Now()
		for i, o := range s.Send(t.Context(), calls) {
			if o.Result != event.Open {
				t.Errorf("delete %d: %+v", i, o)
			}
		}
		if took := time.Since(began); took > 6*time.Second {
			t.Errorf("it took %s", took)
		}
		s.log.hangs = false
		if err := s.fences.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.told = errors.New("down")
		s.slow = 5 * time.Second
		began = time.Now()
		s.Send(t.Context(), calls)
		if took := time.Since(began); took > 10*time.Second || len(s.next.sent) != len(calls) {
			t.Errorf("where nobody can be told: it took %s, %d were sent", took, len(s.next.sent))
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
		if o := one(call(5, deletes, ann)); o.Result != event.Open || o.NotBefore.IsZero() || len(s.next.sent) > 0 {
			t.Errorf("a delete whose fence cannot be written: %+v", o)
		}
		s.log.write, s.told = nil, down
		if o := one(call(5, deletes, ann)); o.Result != event.Open || len(s.next.sent) != 1 {
			t.Errorf("a delete that cannot be reported: %+v", o)
		}
		s.told = nil
		if o := one(call(5, deletes, ann)); o.Result != event.Delivered || len(s.next.sent) != 2 ||
			len(s.reports) != 1 {
			t.Errorf("then: %+v", o)
		}
		s.log.read = down
		time.Sleep(6 * time.Second)
		if err := s.fences.Trouble(); err == nil || !strings.Contains(err.Error(), "not be read for 6s") {
			t.Errorf("trouble: %v", err)
		}
		if o := one(call(9, passes, bob)); o.Result != event.Open || o.NotBefore.IsZero() || len(s.next.sent) != 2 {
			t.Errorf("a call while the fences cannot be read: %+v", o)
		}
		s.log.read = nil
		if err := s.fences.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		if o := one(call(9, passes, bob)); o.Result != event.Delivered || s.fences.Trouble() != nil {
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
		}}, canarytest.Logger(t), canarytest.Registry(t))
		there := &event.Step{Rule: "seen", Action: "track", Destination: 1}
		for i, want := range []event.Result{event.Delivered, event.Refused, event.Delivered} {
			c := []event.Call{call(5, deletes, ann), call(4, passes, ann), call(3, there, ann)}[i]
			if o := sender.Send(t.Context(), []event.Call{c}); o[0].Result != want {
				t.Errorf("call %d: %+v", i, o[0])
			}
		}
	})
}

// Without a fence nothing is made for a call but what it is.
func TestWithoutFencesNothingIsMade(t *testing.T) {
	s := stand(t, 0)
	calls := []event.Call{call(1, passes, ann), call(2, passes, bob)}
	none := &nothing{}
	sender := erasure.NewSender(s.fences, none, erasure.Options{}, canarytest.Logger(t), canarytest.Registry(t))
	if n := testing.AllocsPerRun(100, func() { sender.Send(context.Background(), calls) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

type nothing struct{}

func (*nothing) Send(context.Context, []event.Call) []event.Outcome { return nil }
