package main

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/mapping"
	"github.com/ciobridge/ciobridge/mapping/rulefile"
)

// inspector gives the type and the time of events by the envelopes of their topics, with rules of its own: one for each type that is
// asked for, under the type's name, and one for every event. The rule that matches tells the type, and the id of its call the time.
// An event whose type was not asked for has none.
func inspector(c mapping.Config, types []string) (func(event.Message) (string, time.Time), error) {
	var text strings.Builder
	text.WriteString("rules:\n")
	if !slices.Contains(types, "*") {
		types = append(slices.Clone(types), "*")
	}
	for _, t := range types {
		name, err := json.Marshal(t)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&text, "  - {name: %s, event: %s, do: [{track: {person: '=\"x\"', name: x}}]}\n", name, name)
	}
	file, err := rulefile.Parse("--type", []byte(text.String()))
	if err != nil {
		return nil, err
	}
	rules, err := mapping.Compile(mapping.Config{Topics: c.Topics, Rules: file.Rules})
	if err != nil {
		return nil, fmt.Errorf("--type: %w", err)
	}
	return func(m event.Message) (string, time.Time) {
		calls, _ := rules.Map(m)
		if len(calls) == 0 {
			return "", m.Time
		}
		at := m.Time
		if ms := binary.BigEndian.Uint64(calls[0].ID[:8]) >> 16; ms > 0 {
			at = time.UnixMilli(int64(ms))
		}
		return calls[0].Step.Rule, at
	}, nil
}
