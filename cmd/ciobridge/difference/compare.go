package difference

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/output"
	"github.com/ciobridge/ciobridge/mapping"
)

// The kinds of differences.
const (
	added    = "added"
	removed  = "removed"
	changed  = "changed"
	identity = "identity" // the same call, which Customer.io would take for another one
)

// counts is what differs in the calls of one rule.
type counts struct {
	Rule     string `json:"rule"`
	Added    int    `json:"added"`
	Removed  int    `json:"removed"`
	Changed  int    `json:"changed"`
	Identity int    `json:"identity_changed"`
	// FailedBefore and FailedAfter are the dead letters of each side.
	FailedBefore int `json:"dead_letters_before"`
	FailedAfter  int `json:"dead_letters_after"`
}

func (c *counts) differ() bool {
	return c.Added+c.Removed+c.Changed+c.Identity > 0 || c.FailedBefore != c.FailedAfter
}

// comparison is what has been found so far.
type comparison struct {
	Old       *side     `json:"old"`
	New       *side     `json:"new"`
	Records   int       `json:"records"`
	LeftOut   int       `json:"left_out,omitempty"` // they are no JSON
	Rules     []*counts `json:"rules"`              // that differ, by name
	NewPeople int       `json:"new_people"`
	// Twice are the calls that would count again where the new rules map an event that the old ones have sent.
	Twice    int       `json:"counted_twice"`
	Examples []example `json:"examples,omitempty"`

	byRule  map[string]*counts
	shown   map[[2]string]int
	values  bool     // are shown
	leftOut []string // where the first of those stand
}

func newComparison(before, after *mapping.Rules, values bool) *comparison {
	return &comparison{Old: newSide(before), New: newSide(after), byRule: map[string]*counts{},
		shown: map[[2]string]int{}, values: values}
}

func (c *comparison) of(rule string) *counts {
	if c.byRule[rule] == nil {
		c.byRule[rule] = &counts{Rule: rule}
	}
	return c.byRule[rule]
}

// add maps a record by both sets of rules.
func (c *comparison) add(place string, m event.Message) error {
	before, failedBefore, err := c.Old.mapOne(m)
	if err != nil {
		return fmt.Errorf("%s: %w", place, err)
	}
	after, failedAfter, err := c.New.mapOne(m)
	if err != nil {
		return fmt.Errorf("%s: %w", place, err)
	}
	c.Records++
	for i := range failedBefore {
		c.of(failedBefore[i].Rule).FailedBefore++
	}
	for i := range failedAfter {
		c.of(failedAfter[i].Rule).FailedAfter++
	}
	c.pair(place, before, after)
	for i := range before {
		note(c.Old.people, &before[i])
	}
	for i := range after {
		note(c.New.people, &after[i])
	}
	return nil
}

// leaveOut counts an event that is no JSON.
func (c *comparison) leaveOut(place string) {
	if c.LeftOut++; len(c.leftOut) < maxExamples {
		c.leftOut = append(c.leftOut, place)
	}
}

// incomplete says which events were left out, if any.
func (c *comparison) incomplete() error {
	if c.LeftOut == 0 {
		return nil
	}
	places := strings.Join(c.leftOut, ", ")
	if more := c.LeftOut - len(c.leftOut); more > 0 {
		places += fmt.Sprintf(" and %d more", more)
	}
	return fmt.Errorf("left out %d of %s that are no JSON: %s", c.LeftOut,
		output.Count(c.LeftOut+c.Records, "event"), places)
}

// note takes up whom a call is about: the first of its identifiers stands for all.
func note(people map[event.Lane]bool, call *event.Call) {
	if len(call.Lanes) > 0 {
		people[call.Lanes[0]] = true
	}
}

// pair finds which calls of both sides are the same.
func (c *comparison) pair(place string, before, after []event.Call) {
	left, right := pointers(before), pointers(after)
	for _, same := range []func(a, b *event.Call) bool{
		func(a, b *event.Call) bool { return a.ID == b.ID && a.Step.Action == b.Step.Action },
		func(a, b *event.Call) bool {
			return a.Step.Rule == b.Step.Rule && a.Step.Call == b.Step.Call && a.Item == b.Item
		},
		func(a, b *event.Call) bool { return a.Step.Action == b.Step.Action && bytes.Equal(text(a), text(b)) },
	} {
		for i, a := range left {
			j := slices.IndexFunc(right, func(b *event.Call) bool { return a != nil && b != nil && same(a, b) })
			if j >= 0 {
				c.compare(place, a, right[j])
				left[i], right[j] = nil, nil
			}
		}
	}
	for _, a := range left {
		if a != nil {
			c.of(a.Step.Rule).Removed++
			c.show(place, removed, a, nil)
		}
	}
	for _, b := range right {
		if b != nil {
			c.of(b.Step.Rule).Added++
			c.show(place, added, nil, b)
		}
	}
}

func pointers(calls []event.Call) []*event.Call {
	list := make([]*event.Call, len(calls))
	for i := range calls {
		list[i] = &calls[i]
	}
	return list
}

// compare tells how a call differs from the one that it was.
func (c *comparison) compare(place string, a, b *event.Call) {
	rule := c.of(b.Step.Rule)
	if a.ID != b.ID && (b.Step.Repeatable || b.Step.Once) {
		rule.Identity++
		c.Twice++
		c.show(place, identity, a, b)
	}
	if !bytes.Equal(text(a), text(b)) || a.Destination() != b.Destination() || line(a) != line(b) {
		rule.Changed++
		c.show(place, changed, a, b)
	}
}

// text is what a call says, without its identity.
func text(c *event.Call) []byte { return bytes.ReplaceAll(c.Body, []byte(c.ID.String()), nil) }

// line is the request line of a call that is no part of a batch.
func line(c *event.Call) string {
	if c.Single == nil {
		return ""
	}
	return c.Single.Method + " " + c.Single.Path
}

// finish adds up what is told at the end, and reports whether anything differs.
func (c *comparison) finish() (differs bool) {
	c.Rules = []*counts{}
	for _, name := range slices.Sorted(maps.Keys(c.byRule)) {
		if of := c.byRule[name]; of.differ() {
			c.Rules = append(c.Rules, of)
		}
	}
	for lane := range c.New.people {
		if !c.Old.people[lane] {
			c.NewPeople++
		}
	}
	c.Old.Requests, c.New.Requests = c.Old.requests(), c.New.requests()
	slices.SortStableFunc(c.Examples, func(a, b example) int {
		return bytes.Compare([]byte(a.Rule+"\x00"+a.Kind), []byte(b.Rule+"\x00"+b.Kind))
	})
	return len(c.Rules) > 0
}
