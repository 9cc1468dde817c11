package app

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/ciobridge/ciobridge/delivery"
	"github.com/ciobridge/ciobridge/mapping/live"
	"github.com/ciobridge/ciobridge/report"
)

// status is what GET /status answers: what the rules have done since the process began, and how the destinations do.
// It will grow; no key changes its meaning.
type status struct {
	Version    string       `json:"version"`
	ConfigHash string       `json:"config_hash"`
	Generation int          `json:"generation"` // of the rules: how many there were since the start
	Rules      []ruleStatus `json:"rules"`      // in the order of the rules
	Skipped    struct {
		NoRule    uint64 `json:"no_rule"`
		Condition uint64 `json:"condition"`
		NoCall    uint64 `json:"no_call"`
		NoEvent   uint64 `json:"no_event"`
	} `json:"skipped"` // events, by reason
	Unmatched struct {
		Types  []unmatchedType `json:"types"`  // most events first
		Others uint64          `json:"others"` // events of types beyond those
	} `json:"unmatched"` // events whose type no rule names
	Destinations []destinationStatus `json:"destinations"` // by workspace and endpoint
	Reports      []report.Status     `json:"reports,omitempty"`
}

type destinationStatus struct {
	Workspace string    `json:"workspace"` // empty for the first
	Endpoint  string    `json:"endpoint"`
	State     string    `json:"state"`
	Held      bool      `json:"held"` // nothing is sent there until its workspace is proven
	Trouble   string    `json:"trouble,omitempty"`
	Status    int       `json:"status,omitempty"` // of the last answer that failed
	Failures  int       `json:"failures,omitempty"`
	Since     time.Time `json:"since,omitzero"`
}

type ruleStatus struct {
	Rule      string `json:"rule"`
	Matched   uint64 `json:"matched"`   // events
	Skipped   uint64 `json:"skipped"`   // events, by the rule's condition
	Calls     uint64 `json:"calls"`     // made
	Failed    uint64 `json:"failed"`    // calls, or whole events
	LeftOut   uint64 `json:"left_out"`  // values that calls went without
	Truncated uint64 `json:"truncated"` // values of which calls have the beginning
}

type unmatchedType struct {
	Type   string    `json:"type"`
	Events uint64    `json:"events"`
	First  time.Time `json:"first,omitzero"` // when the first and the last of their records were written
	Last   time.Time `json:"last,omitzero"`
}

func newStatus(running *live.Rules, version string, destinations []delivery.Report) status {
	rules, generation := running.Current()
	s := status{Version: version, ConfigHash: rules.Hash(), Generation: generation, Rules: []ruleStatus{}}
	byRule := map[string]*ruleStatus{}
	stats := rules.Stats()
	s.Rules = make([]ruleStatus, len(stats))
	for i, r := range stats {
		s.Rules[i] = ruleStatus{Rule: r.Rule, Matched: r.Matched, Skipped: r.Skipped, Calls: r.Calls, Failed: r.Failed}
		byRule[r.Rule] = &s.Rules[i]
	}
	for _, u := range rules.Unfit() {
		if r := byRule[u.Rule]; u.Cut {
			r.Truncated += u.Values
		} else {
			r.LeftOut += u.Values
		}
	}
	skips := rules.Skips()
	s.Skipped.NoRule, s.Skipped.Condition = skips.NoRule, skips.Condition
	s.Skipped.NoCall, s.Skipped.NoEvent = skips.NoCall, skips.NoEvent
	types, others := rules.Unmatched()
	s.Unmatched.Types, s.Unmatched.Others = []unmatchedType{}, others
	for _, t := range types {
		s.Unmatched.Types = append(s.Unmatched.Types, unmatchedType{t.Type, t.Events, t.First, t.Last})
	}
	s.Destinations = []destinationStatus{}
	for _, d := range destinations {
		s.Destinations = append(s.Destinations, destinationStatus{d.Workspace, d.Endpoint.String(), string(d.Condition),
			d.Held, string(d.Cause), d.Status, d.Failures, d.Since})
	}
	return s
}

// status tells what the rules have done, and how the destinations do. Types of events come from whoever publishes them:
// what is written is JSON and said to be nothing else, so that no browser takes it for a page.
func (a *admin) status(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	out := json.NewEncoder(w) // it escapes <, > and &
	out.SetIndent("", "  ")
	b := a.bridge
	s := newStatus(b.rules, b.version, b.sender.Reports())
	s.Reports = b.reportStatus()
	if err := out.Encode(s); err != nil {
		return // whoever asked has gone
	}
}
