package main

import (
	"errors"
	"slices"
	"time"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/mapping"
)

// inspector gives the type and the time of events by the envelopes of their topics. The type is the first of those
// asked for that fits, or * for any other; an event whose envelope cannot be read has none, and the time of its
// record.
func inspector(rules *mapping.Rules, types []string) (func(event.Message, int) (string, time.Time), error) {
	if slices.Contains(types, "") {
		return nil, errors.New("--type: is empty")
	}
	return func(m event.Message, item int) (string, time.Time) {
		e, err := rules.Inspect(m, item)
		if err != nil {
			return "", m.Time
		}
		for _, t := range types {
			if mapping.MatchesType(t, e.Type) {
				return t, e.Time
			}
		}
		return "*", e.Time
	}, nil
}
