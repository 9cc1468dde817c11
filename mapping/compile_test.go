package mapping_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ciobridge/ciobridge/internal/yamltree"

	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/mapping"
	"github.com/ciobridge/ciobridge/mapping/rulefile"
)

func compileError(t *testing.T, text string) string {
	t.Helper()
	file, err := rulefile.Parse("r.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := mapping.Compile(mapping.Config{Rules: file.Rules}); err != nil {
		return err.Error()
	}
	return ""
}

func TestCompileRefusesWhatCustomerIOWouldIgnore(t *testing.T) {
	long := strings.Repeat("x", 151)
	for attributes, want := range map[string]string{
		"{cio_relationships: .a}":                  "relationships are calls of their own",
		"{_timestamp: .a}":                         "sets the time itself on replay",
		"{_created_in_customerio_at: .a}":          "cannot be set",
		"{" + long + ": .a}":                       "longer than 150 bytes",
		"{'': .a}":                                 "a name is empty",
		"{unsubscribed: maybe}":                    "neither true nor false",
		"{email: nobody}":                          "is not an e-mail address",
		"{id: 1.5}":                                "a number with a fraction",
		"{bio: " + strings.Repeat("x", 1001) + "}": "is 1001 bytes; Customer.io takes 1000",
		"{plan: true, count: 5, price: 0.10}":      "",
		"{created_at: 1793527200}":                 "",
	} {
		got := compileError(t, inRule("identify: {person: .id, attributes: "+attributes+"}"))
		if (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("%.60s: got %q, want %q", attributes, got, want)
		}
	}
	for remove, want := range map[string]string{
		"[id]": "id cannot be removed", "[a, a]": "a is there twice", "['']": "a name is empty",
		"[cio_id]": "cannot be set", "[a, email]": "",
	} {
		got := compileError(t, inRule("identify: {person: .id, remove: "+remove+"}"))
		if (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("remove %s: got %q, want %q", remove, got, want)
		}
	}
	var many []string
	for i := range customerio.MaxAttributes {
		many = append(many, fmt.Sprintf("a%d: .a", i))
	}
	text := inRule("identify: {person: .id, attributes: {" + strings.Join(many, ", ") + "}, remove: [%s]}")
	if got := compileError(t, fmt.Sprintf(text, "")); got != "" {
		t.Errorf("300 attributes: %s", got)
	}
	if got := compileError(t, fmt.Sprintf(text, "b")); !strings.Contains(got, "301 attributes") {
		t.Errorf("301 attributes: %q", got)
	}
}

func TestCompileChecksSettingsMadeInGo(t *testing.T) {
	_, err := mapping.Compile(mapping.Config{Rules: []mapping.Rule{{},
		{Name: "r", Event: []string{""}, If: mapping.Term{Literal: "true"}, Do: []mapping.Action{
			{}, {Action: customerio.Track},
			{Action: customerio.Delete, Person: []mapping.Person{
				{Kind: customerio.AnonymousID, Value: mapping.Term{Program: ".a"}}}},
			{Action: customerio.Suppress, Name: mapping.Term{Program: ".a"}, Remove: []string{"a"},
				Fields: []mapping.Field{{Name: "a", Value: mapping.Term{Program: ".a"}}}},
		}}}, Topics: []mapping.Topic{{}, {Name: "a"}, {Name: "a", OnNull: "send"}}})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{
		"rule without a name: name: is missing", "rule without a name: event: is missing",
		"rule without a name: do: is missing",
		`rule "r": event: is missing or empty`, `rule "r": if: want an expression`, "do[0]: names no action",
		"do[1].track.person: is missing",
		"do[1].track.name: is missing", "do[2].delete.person: an anonymous_id", "topics[0]: has no name",
		"do[3].suppress.name: this action takes none", "do[3].suppress: takes neither attributes nor data",
		"do[3].suppress: takes no attributes to remove",
		`topics[2]: is named twice`, "send is not supported here by this version",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in:\n%v", want, err)
		}
	}
}

func TestEnvelopesDecodeByThemselves(t *testing.T) {
	for text, want := range map[string]string{
		"envelope: plain":                        "",
		"envelope: {type: .kind}":                "",
		"envelope: {time: .at}":                  "needs type",
		"envelope: {type: .kind, ident: .a}":     `no such key here; want each, form, from, id, time, type or unavailable`,
		"envelope: {form: debezium}":             "",
		"envelope: {type: kind}":                 "want an expression",
		"envelope: [a]":                          "want a string, found a list",
		"envelope: !x plain":                     "a YAML tag has no place",
		"envelope: {type: .kind, time: {a: .b}}": "no such key here; want else, value or zone",
		"envelope: {type: .kind, time: {value: .b, zone: Europe/Oslo, else: broker}}": "",
		"envelope: {form: segment, time: {else: dead_letter}}":                        "",
	} {
		var c struct {
			Envelope rulefile.Envelope `yaml:"envelope"`
		}
		err := yamltree.Unmarshal("c.yaml", []byte(text), &c)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestTimes(t *testing.T) {
	r := compileText(t, inRule("track: {person: .id, name: a}"))
	for value, want := range map[string]string{
		`"2026-11-01T10:00:00Z"`:        "1793527200",
		`"2026-11-01T11:00:00.9+01:00"`: "1793527200",
		`"2026-11-01T10:00:00\u005a"`:   "1793527200",
		`1793527200`:                    "1793527200",
		`null`:                          "1780000000", // the record's
		`1793527200123`:                 "1793527200",
		`1793527200.5`:                  "1793527200",
		`0`:                             "1780000000",
		`-5`:                            "is no time from 1800 to 2200",
		`7258118400`:                    "7258118400", // 2200-01-01
		`7289654400`:                    "is no time from 1800 to 2200",
		`1793527200.0`:                  "1793527200",
		`"2026-11-01t10:00:00z"`:        "1793527200",
		`"2026-10-31T23:59:60Z"`:        "1793491200",
		`"9999-12-31T23:59:59Z"`:        "is no time from 1800 to 2200",
		`"1969-12-31T23:59:59Z"`:        "is a time before 1970-01-02 or after 2200",
		`1793527200123456`:              "1793527200",
		`1793527200123456789`:           "1793527200",
		`"1793527200"`:                  "1793527200",
		`"2300-01-01T00:00:00Z"`:        "is no time from 1800 to 2200",
		`"2026-11-01"`:                  "1793491200",
		`""`:                            "1780000000",
		`true`:                          "is a boolean",
		`{}`:                            "is an object",
	} {
		calls, failures := r.Map(new(message(`{"type":"e","id":1,"time":` + value + `}`)))
		if len(calls) == 1 {
			if _, got, _ := strings.Cut(string(calls[0].Body), `"timestamp":`); strings.TrimSuffix(got, "}") != want {
				t.Errorf("%s: %s, want %s", value, calls[0].Body, want)
			}
		} else if f := failures[0]; f.Reason != event.ReasonInvalidValue || f.Field != "time" ||
			!strings.Contains(f.Detail, want) {
			t.Errorf("%s: %+v, want %s", value, f, want)
		}
	}
}

// TestOneReaderOfTimes: what unix reads, time: and created_at read, but that numbers without a function are in any unit
// and that no event is from before 1970; what they refuse, they refuse with the same words.
func TestOneReaderOfTimes(t *testing.T) {
	r := compileText(t, inRule("track: {person: .id, name: a, data: {at: .t | unix}}")+`
  - {name: time, event: e, time: .t, do: [{track: {person: .id, name: a}}]}
  - {name: created, event: e, do: [{identify: {person: .id, attributes: {created_at: .t}}}]}
  - {name: created by unix, event: e, do: [{identify: {person: .id, attributes: {created_at: .t | unix}}}]}
`)
	read, refused := 0, 0
	for _, value := range []string{
		`"2026-11-26T10:00:00Z"`, `"2026-11-26T10:00:00.8002130Z"`, `"2026-11-26t10:00:00z"`, `"2016-12-31T23:59:60Z"`,
		`"2200-12-31T23:59:59Z"`, `"2201-01-01T00:00:00Z"`, `"2026-11-26T11:00:00+01:00[Europe/Oslo]"`,
		`"9999-12-31T00:00:00Z"`, `"2026-11-26T10:00:00+0100"`, `"2026-11-26 10:00:00+00:00"`, `"2026-11-26T10:00:00"`,
		`"2026-11-26T10:00Z"`, `"1795687200"`, `"x"`, `1795687200`, `1795687200.0`, `"2026-11-26"`,
		`"Thu, 26 Nov 2026 10:00:00 GMT"`, `1795687200.123`, `{"seconds":1795687200,"nanos":5}`, `{"seconds":"x"}`,
		`7289654399`, `7289654400`, `"tomorrow"`, `"20261126"`,
		`86400`, `86399`, `-1`, `1e300`, `true`, `[]`, `{}`,
	} {
		calls, failures := r.Map(new(message(`{"type":"e","id":1,"t":` + value + `}`)))
		byRule := map[string]string{}
		for _, n := range r.Explain(message(`{"type":"e","id":1,"t":` + value + `}`)).Remarks { // of attributes and data
			failures = append(failures, event.Failure{Rule: n.Rule, Detail: n.Detail})
		}
		for _, f := range failures {
			byRule[f.Rule] = strings.TrimPrefix(strings.TrimPrefix(f.Detail, ".t | unix: "), ".t ")
		}
		if len(failures) < 3 {
			read++
			if len(calls) != 4 {
				t.Errorf("%s: %v", value, byRule)
				continue
			}
			_, at, _ := strings.Cut(string(calls[0].Body), `{"at":`)
			_, created, _ := strings.Cut(string(calls[2].Body), `{"created_at":`)
			_, stamp, _ := strings.Cut(string(calls[1].Body), `"timestamp":`)
			if at != created || strings.TrimRight(at, "}") != strings.TrimRight(stamp, "}") {
				t.Errorf("%s: %s, %s, %s", value, at, created, stamp)
			}
			continue
		}
		refused++
		if byRule["r"] == "" || byRule["r"] != byRule["time"] || byRule["r"] != byRule["created"] ||
			byRule["r"] != byRule["created by unix"] {
			t.Errorf("%s: %q", value, byRule)
		}
	}
	if read < 17 || refused < 12 {
		t.Errorf("%d read, %d refused", read, refused)
	}
}

// Rules that are not there would let every event pass by.
func TestCompileRefusesNoRules(t *testing.T) {
	if _, err := mapping.Compile(mapping.Config{}); err == nil ||
		!strings.Contains(err.Error(), "rules: there is none") {
		t.Errorf("got %v", err)
	}
	if _, err := mapping.Compile(mapping.Config{OnUnmatched: mapping.DeadLetter}); err != nil {
		t.Error(err)
	}
}

func TestHashFollowsMeaningAndNotLayout(t *testing.T) {
	hash := func(text string) string { return compileText(t, text).Hash() }
	one := hash(inRule("track: {person: .a, name: a, data: {b: .x, c: .y}}"))
	if other := hash("# a comment\n\n" +
		inRule("track: {name: a, data: {c: '.y', b: '.x'}, person: .a}")); other != one {
		t.Errorf("layout changed the hash: %s, %s", one, other)
	}
	if other := hash(inRule("track: {person: .a, name: a, data: {b: .x, c: .z}}")); other == one {
		t.Error("another rule has the same hash")
	}
}
