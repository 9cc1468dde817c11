package placetest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/ciobridge/ciobridge/internal/cloudevent"
	"github.com/ciobridge/ciobridge/report"
)

// A TargetPlace is where targets are opened.
type TargetPlace struct {
	// Open opens the target, as another process does.
	Open func() report.Target
	// Stored is what stands at the place, the ids of all events of each subject in their order.
	Stored func() map[string][]string
	// Remake removes the place with all that is there, and makes it again.
	Remake func()
	// Remove removes it.
	Remove func()
	// Made says that Check makes the place where it is missing.
	Made bool
	// Large is a size of an event that the place does not take. Zero means that there is none.
	Large int
}

// Event is one to publish, with the id and of the subject.
func Event(id, subject string) cloudevent.Event {
	return cloudevent.Event{
		ID: id, Source: "/report", Type: "io.customer.report.campaigns", Subject: subject, Revision: 1,
		ContentHash: "hash of " + id, Time: time.Date(2026, 3, 8, 14, 0, 0, 0, time.UTC),
		Data: map[string]any{"report": "daily", "object": subject, "row": map[string]any{"sent": 1}},
	}
}

// Published is what a target tells of behind a position: the hashes of events by their ids.
func Published(t *testing.T, target report.Target, since string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := target.Published(t.Context(), since, func(id, hash string) {
		if _, twice := found[id]; twice {
			t.Errorf("%s is told of twice", id)
		}
		found[id] = hash
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// Targets holds a place to the contract of targets.
func Targets(t *testing.T, p TargetPlace) {
	target := p.Open()
	defer target.Close()
	if err := target.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	empty := position(t, target)
	if got := Published(t, target, empty); len(got) != 0 {
		t.Errorf("of an empty place is told %v", got)
	}
	first := publish(t, target, 0, 300)
	middle := position(t, target)
	second := publish(t, target, 300, 310)
	all := maps.Clone(first)
	maps.Copy(all, second)
	other := p.Open() // another process, after the first one died
	defer other.Close()
	for name, c := range map[string]struct {
		since string
		want  map[string]string
	}{
		"the first event": {"", all}, "the empty place": {empty, all}, "the middle": {middle, second},
		"the end": {position(t, other), map[string]string{}},
	} {
		if got := Published(t, other, c.since); !maps.Equal(got, c.want) {
			t.Errorf("behind %s %d are told of, want %d", name, len(got), len(c.want))
		}
	}
	inOrder(t, p.Stored(), 310)
	gaveUp(t, p, other)
	if p.Large > 0 {
		tooLarge(t, p, target)
	}
	end := position(t, target)
	p.Remake()
	again := p.Open()
	defer again.Close()
	third := publish(t, again, 500, 503)
	if got := Published(t, again, end); !maps.Equal(got, third) {
		t.Errorf("of the place that was made again is told %v", got)
	}
	p.Remove()
	for begun := time.Now(); !p.Made; time.Sleep(100 * time.Millisecond) { // a cluster takes its time
		missing := p.Open()
		err := missing.Check(t.Context())
		missing.Close()
		if errors.Is(err, report.ErrMissing) {
			break
		}
		if time.Since(begun) > patience {
			t.Fatalf("of a missing place is said: %v", err)
		}
	}
}

func position(t *testing.T, target report.Target) string {
	t.Helper()
	text, err := target.Position(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// publish publishes the events of those numbers, of seven subjects.
func publish(t *testing.T, target report.Target, from, to int) map[string]string {
	t.Helper()
	var events []cloudevent.Event
	hashes := map[string]string{}
	for i := from; i < to; i++ {
		e := Event(fmt.Sprintf("%04d", i), fmt.Sprint("campaign/", i%7))
		events, hashes[e.ID] = append(events, e), e.ContentHash
	}
	if err := target.Publish(t.Context(), events); err != nil {
		t.Fatal(err)
	}
	return hashes
}

func inOrder(t *testing.T, stored map[string][]string, want int) {
	t.Helper()
	n := 0
	for subject, ids := range stored {
		for i, id := range ids {
			if i > 0 && id <= ids[i-1] {
				t.Errorf("of %s event %s stands behind %s", subject, id, ids[i-1])
			}
		}
		n += len(ids)
	}
	if n != want {
		t.Errorf("%d events are stored, want %d", n, want)
	}
}

// gaveUp publishes for somebody who has given up: whatever was stored, the target tells of it.
func gaveUp(t *testing.T, p TargetPlace, target report.Target) {
	t.Helper()
	begun := position(t, target)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := target.Publish(ctx, []cloudevent.Event{Event("0400", "a"), Event("0401", "a")}); err == nil {
		t.Error("what was given up succeeds")
	}
	told := Published(t, p.Open(), begun)
	stored := 0
	for _, id := range p.Stored()["a"] {
		stored++
		if told[id] == "" {
			t.Errorf("%s is stored, and not told of", id)
		}
	}
	if len(told) != stored {
		t.Errorf("%v are told of, and %d are stored", told, stored)
	}
}

// tooLarge publishes an event that the place does not take: it is refused, with the others stored or not, and alone it
// is never stored.
func tooLarge(t *testing.T, p TargetPlace, target report.Target) {
	t.Helper()
	begun := position(t, target)
	large := Event("0410", "large")
	large.Data = strings.Repeat("x", p.Large)
	for _, events := range [][]cloudevent.Event{{Event("0409", "a"), large, Event("0411", "a")}, {large}} {
		if err := target.Publish(t.Context(), events); !errors.Is(err, report.ErrTooLarge) {
			t.Errorf("a large event: %v", err)
		}
	}
	if told := Published(t, target, begun); told["0410"] != "" {
		t.Error("a large event is told of")
	}
}
