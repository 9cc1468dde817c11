package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/exit"
	"github.com/ciobridge/ciobridge/mapping"
	"github.com/ciobridge/ciobridge/mapping/expr/document"
)

// mapOne maps an event. A panic, whose text may quote the event, ends as an error that names the place.
func mapOne(rules *mapping.Rules, m event.Message) (got mapping.Explanation, err error) {
	defer func() {
		if recover() != nil {
			err = errors.New("a fault of the program: this event cannot be mapped; please report it with the rules")
		}
	}()
	return rules.Explain(m), nil
}

// recordFlags say what stands around an event in its broker.
type recordFlags struct {
	key     string
	headers []string
	time    string
}

func (f *recordFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.key, "key", "", "the record's key")
	cmd.Flags().StringArrayVar(&f.headers, "header", nil, "a header of the record, as key=value; may be repeated")
}

// record is a message with what the flags say, and no value yet.
func (f *recordFlags) record() (event.Message, error) {
	var m event.Message
	if f.key != "" {
		m.Key = []byte(f.key)
	}
	for _, h := range f.headers {
		key, value, ok := strings.Cut(h, "=")
		if !ok || key == "" {
			return m, exit.With(exit.Input, fmt.Errorf("--header %q: want key=value", h))
		}
		m.Headers = append(m.Headers, event.Header{Key: key, Value: []byte(value)})
	}
	if f.time != "" {
		t, ok := document.ParseTime(f.time)
		if !ok {
			return m, exit.With(exit.Input,
				fmt.Errorf("--time %q: want a time with its zone, such as 2026-10-05T08:30:00Z", f.time))
		}
		m.Time = t
	}
	return m, nil
}

// ofEvent says which event of a record something is of; nothing where the record is one event.
func ofEvent(item int) string {
	if item == 0 {
		return ""
	}
	return fmt.Sprintf("event %d, ", item)
}

// ruleFilesAmong moves the YAML files from the events to the rules, where a shell puts them when a glob is not quoted.
func ruleFilesAmong(rules, files []string) (allRules, events []string) {
	for _, f := range files {
		if ext := filepath.Ext(f); ext == ".yaml" || ext == ".yml" {
			rules = append(rules, f)
			continue
		}
		events = append(events, f)
	}
	return rules, events
}
