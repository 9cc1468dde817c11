package main

import (
	"fmt"
	"strings"

	"github.com/ciobridge/ciobridge/bench/traffic"
)

// What a rule sends of an event, which is all that the event tells: by paths alone, with a value that only gojq can
// compute beside them, from one number or from a list, or with a program that makes gojq read, sort and write most of
// the event. None leaves an item out.
const (
	told = "sequence: .data.sequence, total: .data.total, currency: .data.currency, " +
		"channel: .data.channel, note: .data.note"
	toldByPaths   = "{" + told + ", items: .data.items}"
	toldWithValue = "{" + told + ", items: .data.items, value: '= " + jqValue + "'}"
	toldWithSum   = "{" + told + ", items: .data.items, value: '= " + jqSum + "'}"
	toldSorted    = "{" + told + ", items: '= " + jqSorted + "'}"

	jqValue  = ".data.total * 100 | floor"
	jqSum    = ".data.items | map(.quantity * .price) | add"
	jqSorted = "[.data.items[] | select(.quantity > 0)] | sort_by(.sku)"
)

// rulesFor gives one rule for each type of event, with the checks that a careful team writes.
func rulesFor(types []string, told string) []string {
	return rulesOf(types, func(i int, name string) string {
		if types[i] == traffic.ProfileType {
			return "identify: {person: .data.customer_id, attributes: " + told + "}"
		}
		return fmt.Sprintf("track: {person: .data.customer_id, name: %s, data: %s}", name, told)
	})
}

// rulesOf gives one rule for each type of event, with the step that it makes of the type's number and a name.
func rulesOf(types []string, step func(i int, name string) string) []string {
	rules := make([]string, len(types))
	for i, kind := range types {
		name := strings.NewReplacer("shop.", "", ".", "_").Replace(kind)
		rules[i] = fmt.Sprintf("  - name: %s\n    event: %s\n"+
			"    if: .data.total > 0\n    require: [.data.customer_id]\n    do:\n      - %s\n",
			name, kind, step(i, name))
	}
	return rules
}

// mixedSteps are actions of Track v2 of every kind that carries a value: of persons, of their devices, of objects and
// of what relates both.
func mixedSteps(i int, name string) string {
	const company = "object: {type: 1, id: .data.channel}"
	steps := []string{
		"track: {person: .data.customer_id, name: " + name + ", data: {" + told + "}}",
		"pageview: {person: .data.customer_id, name: " + name + ", data: {" + told + "}}",
		"screen: {person: .data.customer_id, name: " + name + ", data: {" + told + "}}",
		"identify: {person: .data.customer_id, attributes: {" + told + "}}",
		"add_device: {person: .data.customer_id, token: .data.channel, platform: ios, " +
			"attributes: {sequence: .data.sequence}}",
		"add_relationships: {person: .data.customer_id, relationships: {" + company +
			", attributes: {sequence: .data.sequence}}}",
		"viewed_content: {person: .data.customer_id, data: {" + told + "}}",
	}
	return steps[i%len(steps)]
}

// segmentSteps put each event's number, in the place of a person, into one of ten manual segments.
func segmentSteps(i int, _ string) string {
	return fmt.Sprintf(`add_to_segment: {person: '= "n\(.data.sequence)"', segment: %d}`, i+1)
}

// amongOthers puts the rule for one type into the middle of so many in all.
func amongOthers(kind string, all int) []string {
	types := make([]string, all)
	for i := range types {
		types[i] = fmt.Sprintf("shop.other.happened_%d", i)
	}
	types[all/2] = kind
	return rulesFor(types, toldByPaths)
}
