package app

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ciobridge/ciobridge/app/outcomes"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/pipeline"
)

// askOutcomes asks a ring as a client does.
func askOutcomes(t *testing.T, r *outcomes.Ring, query string, code int) (a outcomes.Answer) {
	t.Helper()
	w := httptest.NewRecorder()
	of := func(hash string) int { return len(hash) }
	r.Handler([]string{"us"}, of)(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/?"+query, nil))
	if w.Code != code || strings.Contains(w.Body.String(), "canary") {
		t.Errorf("%s: %d, want %d: %s", query, w.Code, code, w.Body)
	}
	if code == http.StatusOK && json.Unmarshal(w.Body.Bytes(), &a) != nil {
		t.Errorf("%s: no answer: %s", query, w.Body)
	}
	return a
}

// answered is what became of a call of canary@example.com, whose event stands at an offset.
func answered(offset int, o event.Outcome) pipeline.Became {
	c := &event.Call{ID: event.ID{15: byte(offset)}, Lanes: []event.Lane{1,
		event.LaneKindOf("email").Of([]byte("canary@example.com")).Of("us")},
		Step: &event.Step{Rule: "order", Call: "track", Action: "track", Workspace: "us", Rules: "abc"}}
	at := event.Origin{Topic: "t", Partition: 2, Offset: int64(offset)}
	return pipeline.Became{Message: &event.Message{Origin: at}, Call: c, Outcome: &o, Attempts: 2,
		At: time.Unix(int64(offset), 0)}
}

// The ring forgets the oldest outcomes, and gives those of an origin, a call or a person without a word of the event.
func TestRecentOutcomes(t *testing.T) {
	r := outcomes.New(3, func() string { return "now" })
	for offset := range 4 {
		r.Record(answered(offset, event.Outcome{Result: event.Delivered, Status: 200, Request: 7}))
	}
	refused := answered(4, event.Outcome{Result: event.Refused, Failure: &event.Failure{Reason: event.ReasonTooLarge}})
	r.Record(refused)
	skipped := event.Message{Origin: event.Origin{Topic: "S", Subject: "a.b", Partition: 3, Offset: 9},
		Skip: event.SkippedCondition}
	r.Record(pipeline.Became{Message: &skipped, At: time.Unix(9, 0)})

	if a := askOutcomes(t, r, "origin=t/2@2", 200); len(a.Outcomes) != 0 || a.Held != 3 || a.Limit != 3 ||
		!a.Oldest.Equal(time.Unix(3, 0)) {
		t.Errorf("of one that is forgotten: %+v", a)
	}
	want := outcomes.Outcome{At: time.Unix(3, 0).UTC(), Origin: "t/2@3", Became: "accepted",
		ID: event.ID{15: 3}.String(), Rule: "order", Call: "track", Action: "track", Workspace: "us", Attempts: 2,
		Request: 7, Status: 200, ConfigHash: "abc", Generation: 3}
	if a := askOutcomes(t, r, "origin=t/2@3", 200); len(a.Outcomes) != 1 || a.Outcomes[0] != want {
		t.Errorf("%+v, want %+v", a, want)
	}
	if a := askOutcomes(t, r, "id="+refused.Call.ID.String(), 200); len(a.Outcomes) != 1 ||
		a.Outcomes[0].Became != "refused" || a.Outcomes[0].Reason != "too_large" {
		t.Errorf("of a call: %+v", a)
	}
	if a := askOutcomes(t, r, "origin=S/0@9", 200); len(a.Outcomes) != 1 || a.Outcomes[0].Reason != "condition" ||
		a.Outcomes[0].ConfigHash != "now" {
		t.Errorf("of a message that was skipped: %+v", a)
	}
	for person, n := range map[string]int{"Canary@example.com": 2, "email:canary@example.com": 2,
		"id:canary@example.com": 0} {
		if a := askOutcomes(t, r, "person="+url.QueryEscape(person), 200); len(a.Outcomes) != n {
			t.Errorf("of %s: %+v", person, a)
		}
	}
	for _, query := range []string{"", "origin=canary", "id=canary", "person=", "person=canary&id=canary",
		"person=canary&person=canary"} {
		askOutcomes(t, r, query, 400)
	}
	if a := askOutcomes(t, outcomes.New(0, nil), "origin=t/2@3", 200); a.Limit != 0 || len(a.Outcomes) != 0 {
		t.Errorf("where none are kept: %+v", a)
	}
}

// Recording allocates nothing, and goes on while others ask. An answer is bounded.
func TestRecentOutcomesAreCheap(t *testing.T) {
	r := outcomes.New(10_000, func() string { return "" })
	b := answered(1, event.Outcome{Result: event.Delivered})
	if n := testing.AllocsPerRun(1000, func() { r.Record(b) }); n != 0 {
		t.Errorf("an outcome allocates %v times", n)
	}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for offset := range 20_000 {
				r.Record(answered(offset%100, event.Outcome{Result: event.Delivered}))
			}
		})
	}
	for n := range 20 {
		askOutcomes(t, r, fmt.Sprintf("origin=t/2@%d", n), 200)
	}
	all.Wait()
	a := askOutcomes(t, r, "person=canary@example.com", 200)
	if len(a.Outcomes) != 100 || !a.More || a.Held != 10_000 {
		t.Errorf("%d outcomes, more %t, of %d", len(a.Outcomes), a.More, a.Held)
	}
}
