package delivery_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/canarytest"
	"github.com/ciobridge/ciobridge/requests"
)

// script gives one outcome after another.
type script struct {
	outcomes []event.Outcome
	sent     int
}

func (s *script) Send(_ context.Context, calls []event.Call) []event.Outcome {
	out := s.outcomes[min(s.sent, len(s.outcomes)-1)]
	s.sent++
	all := make([]event.Outcome, len(calls))
	for i := range all {
		all[i] = out
	}
	return all
}

type topic struct {
	failures int // before it works
	stored   []stored
}

type stored struct{ to, key, id, text string }

func (p *topic) tell(ctx context.Context, to, key, id string, text []byte) error {
	if p.failures--; p.failures >= 0 || ctx.Err() != nil {
		return errors.New("the broker is away")
	}
	p.stored = append(p.stored, stored{to, key, id, string(text)})
	return nil
}

func callOf(raw event.RawStep) event.Call {
	id, err := event.ParseID("01ARZ3NDEKTSV4RRFFQ69G5FAV")
	if err != nil {
		panic(err)
	}
	return event.Call{ID: id, Step: &event.Step{Rule: "r", Call: "request"}, Body: []byte("canary"),
		Single: &event.Request{Method: "GET", Path: "/v1/canary", Raw: &event.Raw{RawStep: &raw}}}
}

var (
	failed  = event.Outcome{Failure: &event.Failure{Reason: event.ReasonRefused, Detail: "answer 503"}}
	refused = event.Outcome{Result: event.Refused, Failure: &event.Failure{Reason: event.ReasonRefused, Detail: "no"},
		Answer: &event.Answer{Status: 404, Type: "application/json", Body: []byte(`{"errors":[]}`)}}
	taken = event.Outcome{Result: event.Delivered,
		Answer: &event.Answer{Status: 200, Type: "application/json", Body: []byte(`{"a": 1}`)}}
	unsure = event.Outcome{MayBeSent: true, Failure: &event.Failure{Detail: "no answer in time"}}
)

func TestAttempts(t *testing.T) {
	for _, c := range []struct {
		name     string
		retry    event.RawRetry
		outcomes []event.Outcome
		results  []event.Result
		pauses   []time.Duration
		reason   event.Reason
		once     bool
	}{
		{"as the bridge has it", event.RawRetry{}, []event.Outcome{failed, failed, taken},
			[]event.Result{event.Open, event.Open, event.Delivered}, []time.Duration{0, 0, 0}, "", false},
		{"three at most", event.RawRetry{Most: 3}, []event.Outcome{failed},
			[]event.Result{event.Open, event.Open, event.Refused}, []time.Duration{0, 0, 0}, event.ReasonPoison, false},
		{"a constant delay", event.RawRetry{Delay: time.Second}, []event.Outcome{failed},
			[]event.Result{event.Open, event.Open, event.Open}, []time.Duration{1e9, 1e9, 1e9},
			event.ReasonRefused, false},
		{"a growing delay", event.RawRetry{Delay: time.Second, Growing: true}, []event.Outcome{failed},
			[]event.Result{event.Open, event.Open, event.Open}, []time.Duration{1e9, 2e9, 4e9},
			event.ReasonRefused, false},
		{"refused", event.RawRetry{Most: 3}, []event.Outcome{refused}, []event.Result{event.Refused},
			[]time.Duration{0}, event.ReasonRefused, false},
		{"refused, and tried again", event.RawRetry{Most: 3, AllErrors: true}, []event.Outcome{refused, refused, taken},
			[]event.Result{event.Open, event.Open, event.Delivered}, []time.Duration{0, 0, 0}, "", false},
		{"refused to the end", event.RawRetry{Most: 2, AllErrors: true}, []event.Outcome{refused},
			[]event.Result{event.Open, event.Refused}, []time.Duration{0, 0}, event.ReasonRefused, false},
		{"what may be sent is for the ledger", event.RawRetry{Most: 1}, []event.Outcome{unsure},
			[]event.Result{event.Open}, []time.Duration{0}, "", true},
		{"what may be made again ends", event.RawRetry{Most: 2}, []event.Outcome{unsure},
			[]event.Result{event.Open, event.Refused}, []time.Duration{0, 0}, event.ReasonPoison, false},
		{"no attempt does not count", event.RawRetry{Most: 1}, []event.Outcome{{}, {}, taken},
			[]event.Result{event.Open, event.Open, event.Delivered}, []time.Duration{0, 0, 0}, "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := requests.New(&script{outcomes: c.outcomes}, nil, canarytest.Logger(t))
				call := callOf(event.RawStep{Retry: c.retry})
				call.Step.Once = c.once
				var last event.Outcome
				for i, want := range c.results {
					last = s.Send(t.Context(), []event.Call{call})[0]
					wait := time.Duration(0)
					if !last.NotBefore.IsZero() {
						wait = time.Until(last.NotBefore)
					}
					if last.Result != want || wait != c.pauses[i] {
						t.Fatalf("attempt %d: %+v after %s, want %d after %s", i+1, last, wait, want, c.pauses[i])
					}
				}
				if c.reason != "" && last.Failure.Reason != c.reason {
					t.Errorf("reason %s, want %s", last.Failure.Reason, c.reason)
				}
				if last.Result != event.Open {
					return
				}
			})
		})
	}
}

// TestWhatMayBeSentIsForTheLedger where it would count twice, whatever the rule says of attempts. It is counted anew
// when somebody has decided.
func TestWhatMayBeSentIsForTheLedger(t *testing.T) {
	s := requests.New(&script{outcomes: []event.Outcome{unsure, failed, unsure}}, nil, canarytest.Logger(t))
	call := callOf(event.RawStep{Retry: event.RawRetry{Most: 2, Delay: time.Second, AllErrors: true}})
	call.Step.Once = true
	for i, want := range []event.Outcome{unsure, {}, unsure} {
		o := s.Send(t.Context(), []event.Call{call})[0]
		if o.Result != event.Open || o.MayBeSent != want.MayBeSent || want.MayBeSent != o.NotBefore.IsZero() {
			t.Errorf("attempt %d: %+v", i+1, o)
		}
	}
}

// TestARuleThatSaysHowOftenDecidesAlone: what fails while other calls are taken is not given up before.
func TestARuleThatSaysHowOftenDecidesAlone(t *testing.T) {
	suspect := failed
	suspect.Suspect = true
	for retry, want := range map[event.RawRetry]bool{
		{}: true, {Most: 99}: true, {Delay: time.Second}: true, {Most: 99, Delay: time.Second}: false,
	} {
		s := requests.New(&script{outcomes: []event.Outcome{suspect}}, nil, canarytest.Logger(t))
		if o := s.Send(t.Context(), []event.Call{callOf(event.RawStep{Retry: retry})})[0]; o.Suspect != want {
			t.Errorf("%+v: a suspect %v", retry, o.Suspect)
		}
	}
}

func TestOtherCallsGoBy(t *testing.T) {
	shared := []event.Outcome{taken}
	next := &fixed{shared}
	s := requests.New(next, nil, canarytest.Logger(t))
	got := s.Send(t.Context(), []event.Call{{Step: &event.Step{}}})
	if &got[0] != &shared[0] {
		t.Error("outcomes of other calls are copied")
	}
	call := callOf(event.RawStep{Retry: event.RawRetry{Most: 1}})
	next.outcomes = []event.Outcome{failed}
	if got := s.Send(t.Context(), []event.Call{call}); got[0].Result != event.Refused ||
		next.outcomes[0].Result != event.Open {
		t.Errorf("got %+v, and the sender's own outcome is %+v", got[0], next.outcomes[0])
	}
}

type fixed struct{ outcomes []event.Outcome }

func (f *fixed) Send(context.Context, []event.Call) []event.Outcome { return f.outcomes }

func TestAnswersArePublishedBeforeTheCallIsDone(t *testing.T) {
	for _, c := range []struct {
		name    string
		form    event.AnswerForm
		outcome event.Outcome
		body    string
	}{
		{"JSON", event.AnswerJSON, taken, `{"a":1}`},
		{"what was refused", event.AnswerJSON, refused, `{"errors":[]}`},
		{"no JSON", event.AnswerJSON, takenWith("<html>"), `"\u003chtml\u003e"`},
		{"a text", event.AnswerText, takenWith("a\nb"), `"a\nb"`},
		{"bytes", event.AnswerBinary, takenWith("\x00\xff"), `"AP8="`},
		{"nothing", event.AnswerJSON, takenWith(""), `null`},
		{"what brokers take", event.AnswerBinary, takenWith(strings.Repeat("a", 700_000)),
			`"` + strings.Repeat("YWFh", 233_333) + `YQ=="`},
		{"bytes that are too many", event.AnswerBinary, takenWith(strings.Repeat("a", 750_000)), `null`},
		{"a text that is too long once it is written", event.AnswerText, takenWith(strings.Repeat("<", 200_000)), `null`},
	} {
		synctest.Test(t, func(t *testing.T) {
			p := &topic{failures: 4}
			s := requests.New(&script{outcomes: []event.Outcome{c.outcome}}, p.tell, canarytest.Logger(t))
			call := callOf(event.RawStep{ReplyTo: "answers", Form: c.form})
			if got := s.Send(t.Context(), []event.Call{call})[0]; got.Result != c.outcome.Result {
				t.Fatalf("%s: %+v", c.name, got)
			}
			if len(p.stored) != 1 {
				t.Fatalf("%s: %d answers were published", c.name, len(p.stored))
			}
			m := p.stored[0]
			if m.to != "answers" || m.key != "01ARZ3NDEKTSV4RRFFQ69G5FAV" {
				t.Errorf("%s: published %+v", c.name, m)
			}
			var value map[string]json.RawMessage
			if err := json.Unmarshal([]byte(m.text), &value); err != nil || string(value["body"]) != c.body ||
				string(value["id"]) != `"01ARZ3NDEKTSV4RRFFQ69G5FAV"` || string(value["rule"]) != `"r"` {
				t.Errorf("%s: %.1000s %v", c.name, m.text, err)
			}
			if cut := string(value["cut"]) == "true"; cut != (c.body == "null" && len(c.outcome.Answer.Body) > 0) {
				t.Errorf("%s: cut %v", c.name, cut)
			}
		})
	}
}

// TestAnotherAnswerIsNoRepeat: what is told again has the same id, and what a replay is answered has another.
func TestAnotherAnswerIsNoRepeat(t *testing.T) {
	p := &topic{}
	s := requests.New(&script{outcomes: []event.Outcome{refused, refused, taken}}, p.tell, canarytest.Logger(t))
	for range 3 {
		s.Send(t.Context(), []event.Call{callOf(event.RawStep{ReplyTo: "answers"})})
	}
	if p.stored[0].id != p.stored[1].id || p.stored[0].id == p.stored[2].id || p.stored[0].key != p.stored[2].key {
		t.Errorf("%+v", p.stored)
	}
}

func takenWith(body string) event.Outcome {
	return event.Outcome{Result: event.Delivered, Answer: &event.Answer{Status: 200, Body: []byte(body)}}
}

// TestAnAnswerThatCannotBePublished leaves its call open, as one that may have been sent.
func TestAnAnswerThatCannotBePublished(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core, logs := observer.New(zapcore.InfoLevel)
		s := requests.New(&script{outcomes: []event.Outcome{taken}}, (&topic{failures: 1 << 30}).tell,
			canarytest.Logger(t, core))
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Minute, cancel)
		got := s.Send(ctx, []event.Call{callOf(event.RawStep{ReplyTo: "answers"})})[0]
		if got.Result != event.Open || !got.MayBeSent || got.Failure == nil {
			t.Errorf("%+v", got)
		}
		if logs.FilterMessage("an answer cannot be published; its call waits").Len() != 1 {
			t.Errorf("logged %v", logs.All())
		}
	})
	// one that is only told to stop is published all the same
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	p := &topic{failures: 1}
	s := requests.New(&script{outcomes: []event.Outcome{taken}}, p.tell, canarytest.Logger(t))
	if got := s.Send(ctx, []event.Call{callOf(event.RawStep{ReplyTo: "a"})})[0]; got.Result != event.Delivered ||
		len(p.stored) != 1 {
		t.Errorf("%+v, published %d", got, len(p.stored))
	}
}

func TestDebugTellsNothingOfTheEvent(t *testing.T) {
	var out bytes.Buffer
	log := canarytest.Logger(t, zapcore.NewCore(zapcore.NewJSONEncoder(zapcore.EncoderConfig{MessageKey: "m"}),
		zapcore.AddSync(&out), zapcore.InfoLevel))
	s := requests.New(&script{outcomes: []event.Outcome{refused}}, nil, log)
	s.Send(t.Context(), []event.Call{callOf(event.RawStep{Debug: true, Target: "GET app /v1/customers/{}"})})
	for _, want := range []string{`"request":"GET app /v1/customers/{}"`, `"attempt":1`, `"status":404`, `"detail":"no"`} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %s in %s", want, &out)
		}
	}
	if strings.Contains(out.String(), "errors") {
		t.Error(out.String())
	}
}
