package main

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/exit"
	"github.com/ciobridge/ciobridge/mapping"
)

func TestMoments(t *testing.T) {
	now := time.Date(2026, 10, 5, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"":                          {},
		"2h":                        now.Add(-2 * time.Hour),
		"2026-10-04":                time.Date(2026, 10, 4, 0, 0, 0, 0, time.UTC),
		"2026-10-04T10:00:00+02:00": time.Date(2026, 10, 4, 8, 0, 0, 0, time.UTC),
	} {
		if got, err := parseMoment(text, now); err != nil || !got.Equal(want) {
			t.Errorf("%q is %s, %v; want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"-2h", "yesterday", "2026-13-01"} {
		if got, err := parseMoment(text, now); err == nil {
			t.Errorf("%q is %s, want an error", text, got)
		}
	}
}

func TestOffsetRanges(t *testing.T) {
	for text, want := range map[string]string{
		"": "any any", "7": "7 7", "7..9": "7 9", "7..": "7 any", "..9": "any 9",
		"..": "error", "x": "error", "7..x": "error", "7-9": "error",
	} {
		from, to, err := offsetRange(text)
		got := bound(from) + " " + bound(to)
		if err != nil {
			got = "error"
		}
		if got != want {
			t.Errorf("%q is %s, want %s", text, got, want)
		}
	}
}

func bound(n *int64) string {
	if n == nil {
		return "any"
	}
	return fmt.Sprint(*n)
}

// The type and the time of an event are those of its topic's envelope.
func TestInspector(t *testing.T) {
	rules, err := mapping.Compile(mapping.Config{OnUnmatched: mapping.DeadLetter, Topics: []mapping.Topic{{
		Name:     "billing",
		Envelope: mapping.Envelope{Type: mapping.Term{Program: ".kind"}, Time: mapping.Term{Program: ".at"}},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	recorded := time.Date(2026, 10, 6, 0, 0, 0, 0, time.UTC)
	happened := time.Date(2026, 10, 5, 8, 30, 0, 0, time.UTC)
	inspect, err := inspector(rules, []string{"invoice.paid", "plan*"})
	if err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		topic, value, wantType string
		wantTime               time.Time
	}{
		{"billing", `{"kind":"invoice.paid","at":"2026-10-05T08:30:00Z"}`, "invoice.paid", happened},
		{"billing", `{"kind":"plan.changed"}`, "plan*", recorded},
		{"billing", `{"kind":"other","at":"2026-10-05T08:30:00Z"}`, "*", happened},
		{"elsewhere", `{"type":"invoice.paid","time":"2026-10-05T08:30:00Z"}`, "invoice.paid", happened},
		{"billing", `{"type":"invoice.paid"}`, "", recorded},
		{"billing", `not JSON`, "", recorded},
	}
	for _, c := range cases {
		gotType, gotTime := inspect(event.Message{Origin: event.Origin{Topic: c.topic}, Value: []byte(c.value),
			Time: recorded}, 0)
		if gotType != c.wantType || !gotTime.Equal(c.wantTime) {
			t.Errorf("%s is of type %q at %s, want %q at %s", c.value, gotType, gotTime, c.wantType, c.wantTime)
		}
	}
}

func TestMistakesAreListedOnce(t *testing.T) {
	a, b := errors.New("a"), errors.New("b")
	err := exit.With(exit.Input, errors.Join(a, errors.Join(b, a), fmt.Errorf("read: %w", errors.Join(a, b))))
	if got, want := mistakes(err), []string{"a", "b", "read: a\nb"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := mistakes(fmt.Errorf("%w: %w", a, b)); !slices.Equal(got, []string{"a: b"}) {
		t.Errorf("got %q", got)
	}
	if mistakes(nil) != nil {
		t.Error("nothing is no mistake")
	}
}
