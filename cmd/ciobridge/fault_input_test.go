package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/checkertest"
	"github.com/ciobridge/ciobridge/internal/memlogtest"
)

// inputRules has a rule for every way in which an expression can go wrong.
const inputRules = worldRules + `
  - name: failing
    event: failing
    do:
      - track: {person: .who, name: x, data: {v: '= .seq | ltrimstr(1) | .nothing.here'}}
  - name: twice
    event: twice
    do:
      - track: {person: .who, name: x, data: {v: '= 1, 2'}}
  - name: endless
    event: endless
    do:
      - track: {person: .who, name: x, data: {v: '= [range(0; infinite)] | length'}}
  - name: needy
    event: needy
    require: [.data.needed]
    do:
      - track: {person: .who, name: x}
`

// Bad events of every kind among good ones cost one dead letter each, and nothing else.
func TestFaultBadInput(t *testing.T) {
	bad := map[string]struct {
		value  string
		reason event.Reason
	}{
		"not JSON":          {`{"type": "numbered", `, event.ReasonUndecodable},
		"no bytes":          {``, event.ReasonUndecodable},
		"two values":        {`{"type":"numbered"} {}`, event.ReasonUndecodable},
		"invalid UTF-8":     {"{\"type\":\"numbered\",\"who\":\"a\xff\"}", event.ReasonUndecodable},
		"a lone surrogate":  {`{"type":"numbered","who":"\ud800"}`, event.ReasonUndecodable},
		"a repeated key":    {`{"type":"numbered","who":"x","who":"y"}`, event.ReasonUndecodable},
		"an escaped repeat": {`{"type":"numbered","who":"x","\u0077ho":"y"}`, event.ReasonUndecodable},
		"too deep": {`{"type":"numbered","who":"x","v":` + strings.Repeat("[", 70) + strings.Repeat("]", 70) +
			`}`, event.ReasonUndecodable},
		"too long": {`{"type":"numbered","who":"x","v":"` + strings.Repeat("x", 1<<20) + `"}`,
			event.ReasonTooLarge},
		"no type":            {`{"who":"x"}`, event.ReasonNoType},
		"no id":              {`{"type":"numbered"}`, event.ReasonMissingField},
		"a null id":          {`{"type":"numbered","who":null}`, event.ReasonMissingField},
		"an empty id":        {`{"type":"numbered","who":""}`, event.ReasonInvalidValue},
		"a float id":         {`{"type":"numbered","who":1.5}`, event.ReasonInvalidValue},
		"a control in an id": {`{"type":"numbered","who":"a\u0000"}`, event.ReasonInvalidValue},
		"an id too long": {`{"type":"numbered","who":"` + strings.Repeat("x", 151) + `"}`,
			event.ReasonInvalidValue},
		"a jq error":     {`{"type":"failing","who":"x","seq":1}`, event.ReasonRuleError},
		"two outputs":    {`{"type":"twice","who":"x"}`, event.ReasonRuleError},
		"no end":         {`{"type":"endless","who":"x"}`, event.ReasonRuleError},
		"a missing need": {`{"type":"needy","who":"x"}`, event.ReasonMissingField},
	}
	synctest.Test(t, func(t *testing.T) {
		f := newFlow(t, 2000)
		f.rules = inputRules
		partitions := f.source.Partitions()
		for i, name := range slices.Sorted(maps.Keys(bad)) {
			p := i % len(partitions)
			m := event.Message{Value: []byte(bad[name].value), Key: []byte(name), Time: time.Now()}
			partitions[p] = slices.Insert(partitions[p], len(partitions[p])/2, m)
		}
		for p := range partitions {
			for o := range partitions[p] {
				partitions[p][o].Origin = event.Origin{Topic: "t", Partition: int32(p), Offset: int64(o)}
			}
		}
		f.source = memlogtest.New(partitions)
		f.run(time.Hour, nil)
		got := map[string]event.Reason{}
		for _, l := range f.letters.letters {
			got[string(l.Message.Key)] = l.Failures[0].Reason
			if v := string(l.Message.Value); v != bad[string(l.Message.Key)].value {
				t.Errorf("%s: the letter holds another value", l.Message.Key)
			}
			if d := l.Failures[0].Detail + l.Failures[0].Field; strings.Contains(d, "xxx") ||
				strings.Contains(d, "\xff") {
				t.Errorf("%s: the detail quotes the event: %q", l.Message.Key, d)
			}
		}
		for name, b := range bad {
			if got[name] != b.reason {
				t.Errorf("%s: want a dead letter %q, got %q", name, b.reason, got[name])
			}
		}
		if len(f.letters.letters) != len(bad) {
			t.Errorf("%d dead letters for %d bad events", len(f.letters.letters), len(bad))
		}
		f.letters.letters = nil // they are no numbered events
		f.check(checkertest.Limits{})
	})
}

// A partition full of bad events stops the flow; it is not poured into the dead letters.
func TestFaultProducerBreaksItsEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFlow(t, 200)
		partitions := f.source.Partitions()
		for i := range 5000 {
			partitions[0] = append(partitions[0], event.Message{
				Origin: event.Origin{Topic: "t", Offset: int64(len(partitions[0]))}, Time: time.Now(),
				Value: fmt.Appendf(nil, `{"type":"numbered","user":"p%d"}`, i),
			})
		}
		f.source = memlogtest.New(partitions)
		f.unsettled = true
		f.run(time.Hour, nil)
		if n := len(f.letters.letters); n == 0 || n > 256 {
			t.Errorf("%d dead letters before the flow stopped", n)
		}
	})
}
