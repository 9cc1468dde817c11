package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/ciobridge/ciobridge/bench/traffic"
)

// shape is a form in which events come, or in which rules take them.
type shape struct {
	name     string                          // in the report
	record   traffic.Shape                   // how a record holds events; the zero Shape is an event of the shop
	envelope string                          // of the topic; the shop's where it is empty
	schema   string                          // of the records, which a registry has
	told     string                          // what rules send of an event: the value of data or attributes
	steps    func(i int, name string) string // what they have done instead
	beside   string                          // the shape that it is held against; the first where it is empty
	most     float64                         // of the processor time of that one; 0 for no target
}

// shapes are all of them. The first is plain JSON, of which rules name each field that they send.
var shapes = []shape{
	{name: "named fields", told: "{customer_id: .data.customer_id, " + toldByPaths[1:]},
	{name: "whole object", told: ".data", most: 1.15},
	{name: "whole object with a field", told: "[.data, {kind: .type}]"},
	{name: "whole object but a member", told: ".data, except: [note]"},
	{name: "20 events in a list", record: traffic.List,
		envelope: "envelope: {each: .records, type: .type, time: .time, id: .id}",
		told:     "{customer_id: .data.customer_id, " + toldByPaths[1:]},
	{name: "a change of Debezium with its schema", record: traffic.Change,
		envelope: "envelope: {form: debezium, type: .type, time: .time, id: .id}",
		told:     "{customer_id: .data.customer_id, " + toldByPaths[1:]},
	{name: "Avro by a registry (cached)", record: traffic.Avro, schema: traffic.AvroSchema,
		envelope: "content: avro, " + shopEnvelope,
		told:     "{customer_id: .data.customer_id, " + toldByPaths[1:]},
	{name: "a mix of the actions of Track v2", steps: mixedSteps},
	{name: "manual segments", steps: segmentSteps},
}

// shapesOfEvents holds the cost of an event in each shape against that of the one beside which it stands.
func (b *bench) shapesOfEvents(ctx context.Context, group string) error {
	for i := range shapes[1:] {
		s := &shapes[1+i]
		base := &shapes[0]
		for j := range shapes {
			if shapes[j].name == s.beside {
				base = &shapes[j]
			}
		}
		what := "CPU per event, " + s.name + " against " + base.name
		other := b.shapeSide(s, s.record)
		stop := func() {}
		if s.schema != "" {
			other.registry, stop = startRegistry(s.schema)
		}
		err := b.costs(ctx, group, what, b.shapeSide(base, s.record), other, s.most)
		stop()
		if err != nil {
			return err
		}
	}
	return nil
}

// startRegistry starts a schema registry that has one schema, under the number that the records name.
func startRegistry(schema string) (url string, stop func()) {
	path := fmt.Sprintf("/schemas/ids/%d", traffic.AvroNumber)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != path {
			http.NotFound(w, r)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]string{"schema": schema})
	}))
	return s.URL, s.Close
}

// shapeSide is a bridge that maps a shape, with as many partitions as the record of the other side allows.
func (b *bench) shapeSide(s *shape, beside traffic.Shape) side {
	l := traffic.Load{Events: b.events, Persons: b.persons, Size: 1000, Partitions: 4, Shape: s.record}
	if beside.Events > 1 {
		l.Partitions = 1 // a record's events are about several persons, each of whom has their order in one partition
	}
	rules := rulesFor(traffic.EventTypes[:], s.told)
	if s.steps != nil {
		rules = rulesOf(traffic.EventTypes[:], s.steps)
	}
	return side{label: "bridge, " + s.name, load: l, envelope: s.envelope, rules: rules}
}
