package deadletter

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/jsontext"
)

// failureGroup is some failures of one record that differ in nothing but their identity, and in the event of the record
// that they are of. The calls of one step mostly fail in the same way.
type failureGroup struct {
	IDs      []string     `json:"ids"`
	Items    []int        `json:"items,omitempty"` // by identity; empty where the record is one event
	Stage    event.Stage  `json:"stage"`
	Reason   event.Reason `json:"reason"`
	Rule     string       `json:"rule,omitempty"`
	Call     string       `json:"call,omitempty"`
	Field    string       `json:"field,omitempty"`
	Detail   string       `json:"detail,omitempty"`
	Status   int          `json:"status,omitempty"`
	Attempts int          `json:"attempts,omitempty"`
	First    string       `json:"first"` // RFC 3339
	Persons  string       `json:"persons,omitempty"`
}

// encodeFailures writes failures as JSON text: a list of groups, in which neighbours that differ in their identity
// alone share one.
func encodeFailures(failures []event.Failure, now time.Time) []byte {
	var groups []failureGroup
	var last event.Failure
	for i := range failures {
		f := storable(failures[i], now)
		id, item := f.ID.String(), f.Item
		if f.ID, f.Item = last.ID, min(item, 1); f != last || groups == nil {
			groups = append(groups, failureGroup{
				Stage: f.Stage, Reason: f.Reason, Rule: f.Rule, Call: f.Call, Field: f.Field, Detail: f.Detail,
				Status: f.Status, Attempts: f.Attempts, First: f.First.Format(time.RFC3339Nano),
				Persons: f.Persons,
			})
			last = f
		}
		g := &groups[len(groups)-1]
		g.IDs = append(g.IDs, id)
		if item > 0 {
			g.Items = append(g.Items, item)
		}
	}
	return []byte(jsontext.Of(groups))
}

var errFailures = errors.New("not a list of failures")

// decodeFailures reads what encodeFailures wrote.
func decodeFailures(text []byte) ([]event.Failure, error) {
	var groups []failureGroup
	if json.Unmarshal(text, &groups) != nil {
		return nil, errFailures
	}
	var failures []event.Failure
	for _, g := range groups {
		if !slices.Contains(event.Reasons(), g.Reason) {
			return nil, fmt.Errorf("%w: a reason that this version does not know", errFailures)
		}
		if len(g.Items) > 0 && (len(g.Items) != len(g.IDs) || slices.Min(g.Items) < 1) {
			return nil, fmt.Errorf("%w: not one event of the record for each", errFailures)
		}
		if g.Status < 0 || g.Attempts < 0 {
			return nil, fmt.Errorf("%w: a negative number", errFailures)
		}
		first, err := parseInstant(g.First)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errFailures, err)
		}
		f := event.Failure{
			Stage: g.Stage, Reason: g.Reason, Rule: g.Rule, Call: g.Call, Field: g.Field, Detail: g.Detail,
			Status: g.Status, Attempts: min(g.Attempts, MaxAttempts), First: first,
			Persons: g.Persons,
		}
		for i, id := range g.IDs {
			if len(g.Items) > 0 {
				f.Item = g.Items[i]
			}
			if f.ID, err = event.ParseID(id); err != nil {
				return nil, fmt.Errorf("%w: %w", errFailures, err)
			}
			failures = append(failures, f)
		}
	}
	return failures, nil
}

// storable is the failure as it is stored: texts that fit a header, bounded attempts, a time, and no digests of persons
// who were erased.
func storable(f event.Failure, now time.Time) event.Failure {
	if f.Reason == event.ReasonErased {
		f.Persons = ""
	}
	f.Field, f.Detail = printable(f.Field, maxField), printable(f.Detail, maxDetail)
	f.Attempts = min(f.Attempts, MaxAttempts)
	if f.First.IsZero() {
		f.First = now
	}
	f.First = f.First.Round(0).UTC() // without the process's own clock, so that equal times are equal
	return f
}

// SameFailure reports whether a failure says the same as one that is stored, whatever the rules, the attempts, the
// time and the digests.
func SameFailure(f, past event.Failure) bool {
	f = storable(f, past.First)
	f.Rules, f.Attempts, f.First, f.Persons = past.Rules, past.Attempts, past.First, past.Persons
	return f == past
}
