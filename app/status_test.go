package app

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/ciobridge/ciobridge/app/matches"
	"github.com/ciobridge/ciobridge/app/status"
	"github.com/ciobridge/ciobridge/delivery"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/canarytest"
	"github.com/ciobridge/ciobridge/mapping"
	"github.com/ciobridge/ciobridge/mapping/live"
	"github.com/ciobridge/ciobridge/mapping/rulefile"
)

// afterEvents is a bridge whose rules have seen some events.
func afterEvents(t *testing.T) *Bridge {
	t.Helper()
	file, err := rulefile.Parse("r.yaml", []byte(`
rules:
  - name: order
    event: order
    if: .total > 0
    do:
      - {if: .vip, track: {person: .id, name: bought}}
  - name: profile
    event: profile
    do:
      - {on_invalid: truncate, identify: {person: .id, attributes: [.traits, {seen: .seen | unix}]}}
`))
	if err != nil {
		t.Fatal(err)
	}
	rules, err := mapping.Compile(mapping.Config{Rules: file.Rules,
		Topics: []mapping.Topic{{Name: "t", OnNull: mapping.Skip}}})
	if err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("x", 1001)
	for i, value := range []string{
		`{"type":"order","id":"1","total":1,"vip":true}`, `{"type":"order","id":"1","total":0}`,
		`{"type":"order","id":"1","total":1}`, `{"type":"order","total":1,"vip":true}`, `null`,
		`{"type":"<script>alert(1)</script>"}`, `{"type":"<script>alert(1)</script>"}`, `{"type":"` + long + `"}`,
		`{"type":"profile","id":"1","traits":{"bio":"` + long + `","_x":1,"canary@example.com":["` + long + `"]},"seen":"canary"}`,
	} {
		rules.Map(&event.Message{Origin: event.Origin{Topic: "t", Offset: int64(i)}, Value: []byte(value),
			Time: time.Unix(1_790_000_000+int64(i), 0)})
	}
	return &Bridge{rules: live.New(rules), version: "1.2.3", proofs: newProofs(),
		sender: delivery.New(nil, canarytest.Logger(t), canarytest.Registry(t))}
}

// TestStatusTellsWhatTheRulesHaveDone reads the answer as a program does and as a browser might.
func TestStatusTellsWhatTheRulesHaveDone(t *testing.T) {
	b := afterEvents(t)
	w := httptest.NewRecorder()
	mux := http.NewServeMux()
	status.NewPage(b.Status, b.readableLetters).Handle(mux)
	mux.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/status", nil))
	text := w.Body.String()
	if w.Header().Get("Content-Type") != "application/json" || w.Header().Get("X-Content-Type-Options") != "nosniff" ||
		strings.Contains(text, "<") || strings.Contains(text, "canary") || len(text) > 4000 {
		t.Errorf("%v\n%s", w.Header(), text)
	}
	var s status.Status
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		t.Fatal(err)
	}
	want := []status.Rule{
		{Rule: "order", Matched: 3, Skipped: 1, Calls: 1, Failed: 1},
		{Rule: "profile", Matched: 1, Calls: 1, LeftOut: 3, Truncated: 1},
	}
	if len(s.Rules) != 2 || s.Rules[0] != want[0] || s.Rules[1] != want[1] || s.Version != "1.2.3" ||
		s.ConfigHash != b.rules.Now().Hash() {
		t.Errorf("got %+v", s)
	}
	if k := s.Skipped; k.NoRule != 3 || k.Condition != 1 || k.NoCall != 1 || k.NoEvent != 1 {
		t.Errorf("got %+v", k)
	}
	u := s.Unmatched.Types
	if len(u) != 2 || u[0].Type != "<script>alert(1)</script>" || u[0].Events != 2 ||
		u[0].First.Unix() != 1_790_000_005 || u[0].Last.Unix() != 1_790_000_006 ||
		len(u[1].Type) > 110 || s.Unmatched.Others != 0 {
		t.Errorf("got %+v", s.Unmatched)
	}
}

// TestMetricsTellWhyNothingHappened looks at what an operator's dashboards read.
func TestMetricsTellWhyNothingHappened(t *testing.T) {
	b := afterEvents(t)
	reg := prometheus.NewPedanticRegistry()
	reg.MustRegister(ruleMetrics{b.rules, "1.2.3", &matches.Seen{}})
	want := `
# HELP ciobridge_events_skipped_total Events that became neither a call nor a dead letter, by reason: no rule names their type (no_rule), no condition of a rule held (condition), conditions or empty lists left none of a rule's calls (no_call), the record holds no event (no_event), rules applied that send nothing (not_sent).
# TYPE ciobridge_events_skipped_total counter
ciobridge_events_skipped_total{reason="condition"} 1
ciobridge_events_skipped_total{reason="no_call"} 1
ciobridge_events_skipped_total{reason="no_event"} 1
ciobridge_events_skipped_total{reason="no_rule"} 3
ciobridge_events_skipped_total{reason="not_sent"} 0
# HELP ciobridge_rule_values_unfit_total Values that Customer.io would refuse or ignore, by rule, field and reason, and by what became of them: left_out or truncated. Of objects that are sent whole a rule tells 20 members apart.
# TYPE ciobridge_rule_values_unfit_total counter
ciobridge_rule_values_unfit_total{field="attributes",reason="too_large",result="left_out",rule="profile"} 1
ciobridge_rule_values_unfit_total{field="attributes._x",reason="invalid_value",result="left_out",rule="profile"} 1
ciobridge_rule_values_unfit_total{field="attributes.bio",reason="too_large",result="truncated",rule="profile"} 1
ciobridge_rule_values_unfit_total{field="attributes.seen",reason="invalid_value",result="left_out",rule="profile"} 1
`
	if err := testutil.GatherAndCompare(reg, strings.NewReader(want), "ciobridge_events_skipped_total",
		"ciobridge_rule_values_unfit_total"); err != nil {
		t.Error(err)
	}
}

// TestValuesThatDoNotFitAreNamedOnce looks at the warnings: one for a rule, field and reason, and again only for more.
func TestValuesThatDoNotFitAreNamedOnce(t *testing.T) {
	b := afterEvents(t)
	core, logged := observer.New(zapcore.DebugLevel)
	last := map[mapping.Unfit]uint64{}
	warnOfUnfit(canarytest.Logger(t, core), b.rules.Now().Unfit(), last)
	warnOfUnfit(canarytest.Logger(t, core), b.rules.Now().Unfit(), last)
	if lines := logged.FilterField(zap.String("rule", "profile")); lines.Len() != 4 ||
		lines.FilterField(zap.String("field", "attributes")).Len() != 3 ||
		lines.FilterField(zap.String("result", "truncated")).Len() != 1 {
		t.Errorf("logged %v", logged.All())
	}
	for _, line := range logged.All() {
		if field := line.ContextMap()["field"]; field != "attributes" && field != "attributes.seen" {
			t.Errorf("a name that an event gave is logged: %v", field)
		}
	}
}

// A rule that has matched and matches no more is told of after a day, and one that was mended before is not; a rule
// that never matched has no time.
func TestARuleThatFallsSilentIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file, err := rulefile.Parse("r.yaml", []byte(`
rules:
  - {name: busy, owner: crm, event: busy, do: [{track: {person: .who, name: x}}]}
  - {name: quiet, on_failure: dead_letter, event: quiet, do: [{track: {person: .who, name: x}}]}
  - {name: never, event: never, do: [{track: {person: .who, name: x}}]}
`))
		if err != nil {
			t.Fatal(err)
		}
		rules, err := mapping.Compile(mapping.Config{Rules: file.Rules})
		if err != nil {
			t.Fatal(err)
		}
		m := ruleMetrics{live.New(rules), "1", &matches.Seen{}}
		arrives := func(types ...string) {
			for _, typ := range types {
				rules.Map(&event.Message{Value: []byte(`{"type":"` + typ + `","who":"c_1"}`)})
			}
			m.seen.Look(rules.Stats(), time.Now())
		}
		arrives("busy", "quiet")
		quiet := time.Now()
		for range 25 {
			time.Sleep(time.Hour)
			arrives("busy")
		}
		reg := prometheus.NewPedanticRegistry()
		reg.MustRegister(m)
		want := fmt.Sprintf(`
# HELP ciobridge_rule_info Always 1; the labels tell who answers for a rule, and what becomes of it when most of it fails.
# TYPE ciobridge_rule_info gauge
ciobridge_rule_info{on_failure="dead_letter",owner="",rule="quiet"} 1
ciobridge_rule_info{on_failure="stop",owner="",rule="never"} 1
ciobridge_rule_info{on_failure="stop",owner="crm",rule="busy"} 1
# HELP ciobridge_rule_last_match_timestamp_seconds When an event last matched the rule, to the minute. Missing until one has since the start.
# TYPE ciobridge_rule_last_match_timestamp_seconds gauge
ciobridge_rule_last_match_timestamp_seconds{rule="busy"} %d
ciobridge_rule_last_match_timestamp_seconds{rule="quiet"} %d
# HELP ciobridge_rule_silent 1 while a rule that has matched since the start has matched nothing for 24 hours.
# TYPE ciobridge_rule_silent gauge
ciobridge_rule_silent{rule="busy"} 0
ciobridge_rule_silent{rule="quiet"} 1
`, time.Now().Unix(), quiet.Unix())
		if err := testutil.GatherAndCompare(reg, strings.NewReader(want), "ciobridge_rule_info",
			"ciobridge_rule_last_match_timestamp_seconds", "ciobridge_rule_silent"); err != nil {
			t.Error(err)
		}
	})
}
