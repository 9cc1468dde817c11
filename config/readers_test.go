//go:build !race

package config_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/ciobridge/ciobridge/config"
	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/internal/longtest"
	"github.com/ciobridge/ciobridge/internal/mistake"
	"github.com/ciobridge/ciobridge/internal/yamltree"
	"github.com/ciobridge/ciobridge/mapping"
	"github.com/ciobridge/ciobridge/mapping/rulefile"
)

// file is a kind of file: its rows, and what its readers find wrong in a text.
type file struct {
	name string
	rows []yamltree.Row
	read func(text string) error // its form
	mean func(text string) error // what it means
}

var files = []file{
	{"config", config.Rows(), func(text string) error {
		_, err := config.Parse("f", []byte(text))
		return err
	}, func(text string) error {
		c, err := config.Parse("f", []byte(text))
		if len(c.CustomerIO.Workspaces) == 0 && len(c.Reports) > 0 {
			c.CustomerIO.Workspaces = config.Workspaces{{Name: "shop_eu"}, {Name: "shop_us"}}
		}
		if err == nil {
			err = c.Validate()
		}
		return err
	}},
	{"rules", rulefile.Rows(), func(text string) error {
		_, err := rulefile.Parse("f", []byte(text))
		return err
	}, func(text string) error {
		f, err := rulefile.Parse("f", []byte(text))
		if err == nil && len(f.Rules) > 0 {
			_, err = mapping.Compile(mapping.Config{
				Rules: f.Rules, Allow: customerio.DestructiveActions(), Workspaces: []string{"shop_us"},
			})
		}
		return err
	}},
}

// beside is what a map needs beside a key, where one of several has to be there: the first of each list that the map
// may have, unless the key is among the list.
var beside = [][]string{
	actionNames(),
	{"name", "pattern"},
	{"event", "file"},
	{"want", "golden"},
	{"type", "form", "from", "each"},
	{"rules", "tests"},
}

// actionNames are the names of all actions, of which the first is that of a step which has none yet.
func actionNames() []string {
	names := []string{customerio.Track.Operation().Name}
	for _, a := range customerio.Actions() {
		names = append(names, a.Operation().Name)
	}
	return names
}

// with are the keys beside which alone a key means something.
var with = map[string][]string{
	"except": {"attributes", "data"}, "stream": {"subject"}, "all_errors": {"max_attempts"},
	"format": {"file"}, "members": {"segments"}, "unique_links": {"links"},
	"id_ignore_missing": {"ids"}, "email_ignore_missing": {"emails"}, "email_add_duplicates": {"emails"},
}

// knowing are types of reports that know a key of params, beside campaigns.
var knowing = map[string]string{
	"segments": "customers_export", "members": "segments", "filter": "customers", "attributes": "customers",
	"of": "deliveries_export", "metric": "deliveries_export", "drafts": "deliveries_export",
	"activities": "activities", "since": "activities",
}

// document is a text in which a value stands at a path, with what else has to be there. It gives the path of the value
// as mistakes name it.
func document(rows []yamltree.Row, steps []string, value string) (text, at string) {
	find := func(key string) *yamltree.Row {
		i := slices.IndexFunc(rows, func(r yamltree.Row) bool { return keyOf(r) == key })
		if i < 0 {
			return nil
		}
		return &rows[i]
	}
	row := find(steps[0])
	inner := value
	if len(steps) > 1 {
		inner, at = document(row.Inside(), steps[1:], value)
		if row.Many != yamltree.One {
			inner, at = "["+inner+"]", "[0]."+at
		} else {
			at = "." + at
		}
	}
	parts := []string{steps[0] + ": " + inner}
	has := func(key string) bool {
		return slices.ContainsFunc(parts, func(p string) bool { return strings.HasPrefix(p, key+":") })
	}
	for _, r := range rows {
		if r.Key == "type" && len(steps) > 1 && steps[0] == "params" && knowing[steps[1]] != "" {
			parts = append(parts, "type: "+knowing[steps[1]])
		}
		if r.Required && r.Example != "" && !has(r.Key) {
			parts = append(parts, r.Key+": "+r.Example)
		}
	}
	for _, more := range with[steps[0]] {
		if r := find(more); r != nil {
			example := map[string]string{"subject": "a.b", "max_attempts": "5", "segments": "[VIP]",
				"links": "true"}[more]
			parts = append(parts, more+": "+cmp.Or(example, ".all"))
		}
	}
	for _, list := range beside {
		if r := find(list[0]); r != nil && find(list[1]) != nil && !slices.ContainsFunc(list, has) {
			parts = append(parts, r.Key+": "+r.Example)
		}
	}
	return "{" + strings.Join(parts, ", ") + "}", steps[0] + at
}

// Every example and every default is one that the readers take, and the schema does, too.
func TestReadersTakeExamplesAndDefaults(t *testing.T) {
	for _, f := range files {
		s := validator(t, f.name)
		n := 0
		seen := map[string]bool{}
		each(f.rows, "", func(path string, r yamltree.Row) {
			form, ofAction := formInAction(path, r)
			if !longtest.On() && ofAction && seen[form] {
				return
			}
			seen[form] = true
			for _, value := range []string{r.Example, r.Default} {
				if value == "" {
					continue
				}
				n++
				text, at := document(f.rows, strings.Split(path, "."), value)
				text = strings.Replace(text, "{of: {NAME: ", "{of: {campaign: ", 1)
				for _, m := range mistake.All(f.mean(text)) {
					if m.Path == "" || strings.HasPrefix(m.Path, at) || strings.Contains(m.Message, "no such key") {
						t.Errorf("%s: %s is refused: %v\n%s", path, value, m, text)
					}
				}
				if err := s.Validate(instance(t, text)); err != nil {
					t.Errorf("%s: the schema refuses %s: %v\n%s", path, value, err, text)
				}
			}
		})
		if n < 50 {
			t.Errorf("%s: only %d examples", f.name, n)
		}
	}
}

// values are put under every key, whatever is wanted there.
var values = []string{
	"null", "true", "16", "1.5", "a", "''", "'1'", "5s", ".a", "= .a", "$message.key", "[]", "{}", "[a]", "[.a, .b]",
	"[[a]]", "['null']", "[null]", "{nonsense: 1}", "'${NAME}'", "'${NAME:-16}'", "['${NAME}']", "{file: a}",
	"{id: .a}", "{value: .a}", "STRICT", "EU", "Dead_Letter", "a", "'a,b'", "[{}]", "[16]", "[{name: a}]", "{name: a}",
}

// What the readers take the schema takes. What they refuse because of an unknown key or a value of another kind, the
// schema refuses.
func TestSchemasAgreeWithTheReaders(t *testing.T) {
	t.Setenv("NAME", "16")
	for _, f := range files {
		s := validator(t, f.name)
		var rows, taken, refused int
		seen := map[string]bool{} // rows of actions, most of which have the same form as another one's
		each(f.rows, "", func(path string, r yamltree.Row) {
			if f.name == "config" &&
				slices.ContainsFunc([]string{"rules.", "source.embedded.", "customerio.workspaces.NAME."},
					func(under string) bool { return strings.HasPrefix(path, under) }) {
				return // as in rule files, as source.nats, and as customerio itself
			}
			if form, ofAction := formInAction(path, r); ofAction {
				if seen[form] {
					return
				}
				seen[form] = true
			}
			rows++
			for i, value := range values {
				if !longtest.On() && (i+rows)%17 > 0 {
					continue // the next rows of the same form are given these
				}
				text, at := document(f.rows, strings.Split(path, "."), value)
				err := f.read(text)
				errSchema := s.Validate(instance(t, text))
				switch {
				case err == nil && errSchema != nil && !ofWords(f, r, at, value):
					t.Errorf("%s: %s is taken by the reader, and not by the schema: %v", at, value, errSchema)
				case err != nil && errSchema == nil && !strings.Contains(value, "${") && !ofMeaning(err):
					t.Errorf("%s: %s is taken by the schema, and not by the reader: %v", at, value, err)
				case err == nil:
					taken++
				default:
					refused++
				}
			}
			if r.Inside == nil || r.Form == yamltree.SecretRef {
				return
			}
			unknown := slices.ContainsFunc(r.Inside(), func(r yamltree.Row) bool { return r.Key == "" })
			text, _ := document(f.rows, strings.Split(path, "."), wrapped(r, "{nonsens: x}"))
			if err := s.Validate(instance(t, text)); !unknown && err == nil {
				t.Errorf("%s: the schema takes an unknown key", path)
			}
		})
		if taken < longtest.Either(8, 200) || refused < longtest.Either(25, 500) {
			t.Errorf("%s: %d were taken and %d refused", f.name, taken, refused)
		}
	}
}

// formInAction tells what may stand under a key of an action or below one, and whether the path leads to such a key.
func formInAction(path string, r yamltree.Row) (form string, ofAction bool) {
	steps := strings.Split(path, ".")
	i := slices.IndexFunc(steps, func(step string) bool { return slices.Contains(actionNames(), step) })
	if i < 1 || i == len(steps)-1 || steps[i-1] != "do" && steps[i-1] != "want" {
		return "", false
	}
	form = fmt.Sprint(steps[i-1], len(steps)-i, r.Form, r.Many, r.Choices, r.Required)
	if r.Inside != nil {
		for _, inner := range r.Inside() {
			form += " " + keyOf(inner)
		}
	}
	return form, true
}

func wrapped(r yamltree.Row, value string) string {
	if r.Many == yamltree.One {
		return value
	}
	return fmt.Sprintf("[%s]", value)
}

// ofWords reports whether a value is none of the words that may stand there, which is told after reading. Where rows do
// not read themselves capitals do not count.
func ofWords(f file, r yamltree.Row, at, value string) bool {
	return len(r.Choices) > 0 && !slices.ContainsFunc(r.Choices, func(word string) bool {
		itself := strings.Contains(at, "[0]") || strings.Contains(at, ".envelope.")
		return value == word || f.name == "config" && !itself && strings.EqualFold(value, word)
	})
}

// ofMeaning reports whether all mistakes are ones that a schema cannot know: neither of a key nor of a kind.
func ofMeaning(err error) bool {
	for _, m := range mistake.All(err) {
		if !slices.ContainsFunc(meanings, func(text string) bool { return strings.Contains(m.Message, text) }) {
			return false
		}
	}
	return true
}

var meanings = []string{
	"needs name, or pattern", "needs type:", "names no action", "names no identifier", "names no object", "is empty",
	"holds no rule", "a test needs", "is no time with its zone", "want one action or dead_letter",
	"needs want, or golden", "is no path", "field is for a dead_letter",
}
