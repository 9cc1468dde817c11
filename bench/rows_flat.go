package main

import (
	"context"
	"fmt"

	"github.com/ciobridge/ciobridge/bench/traffic"
)

// side is one of two ways to run the bridge that are held against each other.
type side struct {
	label  string
	load   traffic.Load
	rules  []string // the rules for the ten types where it is empty
	stream bool     // on JetStream

	envelope string // of the topic; the shop's where it is empty
	registry string // the address of the schema registry, if there is one
}

// flatRules holds the cost of an event with one rule against that with a thousand, of which the same one applies.
func (b *bench) flatRules(ctx context.Context, group string) error {
	kind := traffic.EventTypes[0]
	l := traffic.Load{Events: b.events, Persons: b.persons, Size: 300, Partitions: 4, Types: []string{kind}}
	return b.flat(ctx, group, "1,000 rules against 1",
		side{label: "bridge, 1 rule", load: l, rules: amongOthers(kind, 1)},
		side{label: "bridge, 1,000 rules", load: l, rules: amongOthers(kind, 1000)})
}

// flatPartitions does so for a topic with one partition and one with a thousand.
func (b *bench) flatPartitions(ctx context.Context, group string) error {
	// what a partition costs once is not a cost of events
	few := traffic.Load{Events: 2 * b.events, Persons: b.persons, Size: 300, Partitions: 1}
	many := few
	many.Partitions = 1000
	return b.flat(ctx, group, "1,000 partitions against 1", side{label: "bridge, 1 partition", load: few},
		side{label: "bridge, 1,000 partitions", load: many})
}

// flatPersons does so for events about ten thousand persons and about ten million.
func (b *bench) flatPersons(ctx context.Context, group string) error {
	few := traffic.Load{Events: b.events, Persons: 10_000, Size: 300, Partitions: 4}
	many := few
	many.Persons = 10_000_000
	return b.flat(ctx, group, "10 million persons against 10,000",
		side{label: "bridge, 10 thousand persons", load: few}, side{label: "bridge, 10 million persons", load: many})
}

// flatStream holds the cost of an event on a stream that is read whole against that on one with sixteen partitions.
func (b *bench) flatStream(ctx context.Context, group string) error {
	whole := traffic.Load{Events: b.events / 2, Persons: b.persons, Size: 300}
	divided := whole
	divided.Partitions = 16
	return b.costs(ctx, group, "CPU per event, a stream in 16 partitions against one whole",
		side{label: "bridge, stream whole", load: whole, stream: true},
		side{label: "bridge, 16 partitions", load: divided, stream: true}, 0)
}

func (b *bench) flat(ctx context.Context, group, what string, few, many side) error {
	return b.costs(ctx, group, "CPU per event, "+what, few, many, 1.1)
}

// pathsAndPrograms holds rules that need all of jq against rules of plain paths: for a value that is computed from
// another and, without a target, for one that is computed from a list, and for a list that is sorted, which is most
// of the event.
func (b *bench) pathsAndPrograms(ctx context.Context, group string) error {
	l := traffic.Load{Events: b.events, Persons: b.persons, Size: 1000, Partitions: 4}
	paths := side{label: "bridge, plain paths", load: l}
	for _, program := range []struct {
		what, label, told string
		most              float64
	}{
		{"CPU per event, rules that need full jq for a value against plain paths", "bridge, jq computes a value",
			toldWithValue, 4},
		{"the same with a sum over the event's items", "bridge, jq computes a sum", toldWithSum, 0},
		{"the same with the event's items filtered and sorted", "bridge, jq sorts objects", toldSorted, 0},
	} {
		jq := side{label: program.label, load: l, rules: rulesFor(traffic.EventTypes[:], program.told)}
		if err := b.costs(ctx, group, program.what, paths, jq, program.most); err != nil {
			return err
		}
	}
	return nil
}

// costs holds the processor time that an event costs on one side, the start of the process left out, against that on
// the other. Sides with an equal load read the same broker. Most is the target, 0 for none.
func (b *bench) costs(ctx context.Context, group, what string, base, other side, most float64) error {
	src, err := b.openFilled(ctx, base.load, base.stream)
	if err != nil {
		return err
	}
	defer src.close()
	otherSrc := src
	if !other.load.Equal(base.load) {
		if otherSrc, err = b.openFilled(ctx, other.load, other.stream); err != nil {
			return err
		}
		defer otherSrc.close()
	}
	results, err := b.takeTurns(ctx, group,
		b.trialOf(base, src), b.trialOf(other, otherSrc))
	if err != nil {
		return err
	}
	from, to := results[0], results[1]
	ratio := to.CPUOnceRunning / from.CPUOnceRunning
	r := atMost(ratio, most, times)
	if most == 0 {
		r = untargeted(ratio, times)
	}
	b.report.addRow(group, what, fmt.Sprintf("%.2f µs against %.2f µs, in requests of %.0f and %.0f items",
		to.CPUOnceRunning, from.CPUOnceRunning, to.ItemsPerRequest, from.ItemsPerRequest), r)
	return nil
}

func (b *bench) trialOf(s side, src source) trial {
	bridge := b.bridge.with(s.label, settings{rules: s.rules, envelope: s.envelope, registry: s.registry})
	return trial{programs: []program{bridge}, source: src, load: s.load}
}
