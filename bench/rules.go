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
	rules := make([]string, len(types))
	for i, kind := range types {
		name := strings.NewReplacer("shop.", "", ".", "_").Replace(kind)
		head := fmt.Sprintf("  - name: %s\n    event: %s\n"+
			"    if: .data.total > 0\n    require: [.data.customer_id]\n    do:\n", name, kind)
		if kind == traffic.ProfileType {
			rules[i] = head + "      - identify: {person: .data.customer_id, attributes: " + told + "}\n"
			continue
		}
		rules[i] = head + fmt.Sprintf("      - track: {person: .data.customer_id, name: %s, data: %s}\n", name, told)
	}
	return rules
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
