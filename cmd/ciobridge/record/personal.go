package record

import (
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/pseudonym"
	"github.com/ciobridge/ciobridge/mapping"
	"github.com/ciobridge/ciobridge/mapping/explain"
)

// Where the parts of a record stand, as paths name them.
const (
	keyPath     = "key"
	subjectPath = "subject"
	headerPath  = "headers."
)

// personalPaths are the places that rules take a person from.
func personalPaths(rules []mapping.Rule) (paths []string) {
	add := func(people []mapping.Person) {
		for _, p := range people {
			for _, path := range explain.Reads(p.Value.Program) {
				path = strings.TrimPrefix(path, "$message.")
				path = strings.TrimPrefix(path, "$item.")
				path = strings.TrimPrefix(path, "$record.")
				if path = strings.TrimPrefix(path, "."); path != "" && !strings.ContainsAny(path, `$["`) {
					paths = append(paths, path)
				}
			}
		}
	}
	for i := range rules {
		for _, a := range rules[i].Do {
			actions := []mapping.Action{a}
			if a.Choice != nil {
				actions = append(actions, a.Choice.Of...)
			}
			for _, a := range actions {
				add(a.Person)
				add(a.Secondary)
			}
		}
	}
	slices.Sort(paths)
	return slices.Compact(paths)
}

// replace gives the message with made-up values, or only has their originals learnt.
func replace(r *pseudonym.Replacer, m event.Message, learn bool) event.Message {
	part := func(path string, value []byte) []byte {
		if learn {
			r.Learn(path, value)
			return value
		}
		return r.Replace(path, value)
	}
	if m.Value != nil {
		m.Value = part("", m.Value)
	}
	if m.Key != nil {
		m.Key = part(keyPath, m.Key)
	}
	if m.Origin.Subject != "" {
		m.Origin.Subject = string(part(subjectPath, []byte(m.Origin.Subject)))
	}
	headers := m.Headers
	m.Headers = nil
	for _, h := range headers {
		h.Value = part(headerPath+strings.ReplaceAll(h.Key, ".", "_"), h.Value)
		m.Headers = append(m.Headers, h)
	}
	return m
}

// readable reports whether a message can be looked into, and so be recorded: nobody can tell what is personal in
// others. A record of nothing is one.
func readable(m event.Message) bool {
	for _, h := range m.Headers {
		if !utf8.Valid(h.Value) {
			return false
		}
	}
	return utf8.Valid(m.Key) && (len(m.Value) == 0 || json.Valid(m.Value))
}
