package config

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/yamltree"
	"github.com/ciobridge/ciobridge/mapping"
	"github.com/ciobridge/ciobridge/mapping/rulefile"
	"github.com/ciobridge/ciobridge/source/nats"
)

// paths are all keys of rows, each with its row.
func paths(rows []yamltree.Row, under string, into map[string]yamltree.Row) map[string]yamltree.Row {
	for _, r := range rows {
		path := strings.TrimPrefix(under+"."+r.Key, ".")
		into[path] = r
		if r.Inside != nil {
			paths(r.Inside(), path, into)
		}
	}
	return into
}

// What the table of meanings says of a key is used, and says no other default than the code has.
func TestMeaningsAreOfKeys(t *testing.T) {
	c := Default()
	c.DeadLetters.Config = c.DeadLetters.WithDefaults()
	plain, all := paths(yamltree.Rows(c), "", map[string]yamltree.Row{}), paths(Rows(), "", map[string]yamltree.Row{})
	used := func(key string) bool {
		for path := range all {
			if path == key || strings.HasSuffix(path, "."+key) {
				return true
			}
		}
		return false
	}
	for key, said := range meanings {
		if !used(key) {
			t.Errorf("%s: there is no such key: take it out of the table", key)
		}
		if row, ok := plain[key]; ok && row.Default != "" && said.Default != "" && row.Default != said.Default {
			t.Errorf("%s: the table says %s, and the default is %s", key, said.Default, row.Default)
		}
	}
	for path, row := range plain {
		if row.Default != "" && all[path].Default != row.Default {
			t.Errorf("%s: the reference says %s, and the default is %s", path, all[path].Default, row.Default)
		}
	}
	for path, want := range map[string]string{
		"source.embedded.listen":  (&nats.Embedded{}).Server().Listen,
		"dead_letters.retention":  "720h",
		"dead_letters.max_bytes":  "1000000",
		"delivery.linger":         Default().Delivery.Linger.String(),
		"source.nats.drain_limit": "15s",
	} {
		if got := all[path].Default; got != want {
			t.Errorf("%s: the reference says %q, and the default is %q", path, got, want)
		}
	}
}

// The words that stand for nothing compile to the same rules as the words that the reference says are the defaults.
func TestDefaultWordsAreDefaults(t *testing.T) {
	all := paths(Rows(), "", map[string]yamltree.Row{})
	behave := func(set func(m *mapping.Config)) string { return behaviour(t, set) }
	for path, set := range map[string]func(m *mapping.Config, word string){
		"on_unmatched": func(m *mapping.Config, word string) { m.OnUnmatched = mapping.Policy(word) },
		"on_invalid":   func(m *mapping.Config, word string) { m.OnInvalid = mapping.Policy(word) },
		"source.kafka.topics.on_null": func(m *mapping.Config, word string) {
			m.Topics[0].OnNull = mapping.Policy(word)
		},
		"source.kafka.topics.envelope": func(m *mapping.Config, word string) { m.Topics[0].Envelope.Name = word },
		"source.kafka.topics.envelope.time.else": func(m *mapping.Config, word string) {
			m.Topics[0].Envelope.TimeElse = mapping.Policy(word)
		},
	} {
		row := all[path]
		none := behave(func(m *mapping.Config) { set(m, "") })
		if word := behave(func(m *mapping.Config) { set(m, row.Default) }); word != none {
			t.Errorf("%s: with %s events become\n%s, and with nothing\n%s", path, row.Default, word, none)
		}
		differs := slices.ContainsFunc(row.Choices, func(word string) bool {
			return behave(func(m *mapping.Config) { set(m, word) }) != none
		})
		if !differs {
			t.Errorf("%s: no word makes a difference to what is tried here", path)
		}
	}
}

// behaviour is what some events become by rules that are set in a way.
func behaviour(t *testing.T, set func(m *mapping.Config)) string {
	t.Helper()
	file, err := rulefile.Parse("r", []byte("rules: [{name: r, event: a, do: [{identify: {person: .id, "+
		"attributes: {x: .x}}}]}]"))
	if err != nil {
		t.Fatal(err)
	}
	m := mapping.Config{Topics: []mapping.Topic{{Name: "t"}}, Rules: file.Rules}
	set(&m)
	rules, err := mapping.Compile(m)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for _, value := range []string{
		"", `{"type":"b","id":"1"}`, `{"type":"a","id":"1","time":"soon"}`,
		`{"type":"a","id":"1","x":"` + strings.Repeat("x", 2000) + `"}`,
		`{"specversion":"1.0","id":"1","source":"s","type":"a","data":{"x":1}}`,
	} {
		record := event.Message{Origin: event.Origin{Topic: "t"}, Value: []byte(value),
			Time: time.Unix(1_790_000_000, 0)}
		calls, failures := rules.Map(&record)
		for _, c := range calls {
			fmt.Fprintf(&out, "%s\n", c.Body)
		}
		for _, f := range failures {
			fmt.Fprintf(&out, "%s %s\n", f.Reason, f.Field)
		}
		out.WriteString("--\n")
	}
	return out.String()
}
