package mapping_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/ciobridge/ciobridge/mapping"
	"github.com/ciobridge/ciobridge/mapping/rulefile"
	"github.com/ciobridge/ciobridge/mapping/ruletest"
)

// inRule is a rule file with one action.
func inFile(action string) string {
	return "rules:\n  - name: r\n    event: e\n    do:\n      - " + action + "\n"
}

func TestTestsOfRuleFilesCanFail(t *testing.T) {
	text := inFile("identify: {person: {email: .mail}, attributes: {plan: .plan}, remove: [trial]}\n      - track: "+
		"{person: .id, name: bought, data: {total: .total, skus: .skus}}") + `
tests:
  - name: passes
    given: {event: {type: e, mail: a@b.example, id: 7, plan: pro, total: 1.50, skus: [a, b]}}
    want:
      - identify: {person: {email: a@b.example}, attributes: {plan: pro}, remove: [trial]}
      - track: {person: "7", name: bought, data: {skus: [a, b], nothing: null}}
  - name: passes with a dead letter
    given: {event: '{"type":"e","id":7}'}
    want: [{dead_letter: missing_field}, {track: {}}]
  - name: wrong value
    given: {event: {type: e, mail: a@b.example, id: 7, plan: pro, total: 1.50}}
    want:
      - identify: {person: a@b.example, attributes: {plan: <free>, tier: gold}, remove: []}
      - track: {name: sold, data: {total: 1.5, skus: [a]}}
  - name: wrong action and number
    given: {event: {type: e, mail: a@b.example, id: 7}}
    want: [{track: {name: bought}}]
  - name: wrong reason
    given: {event: {type: e, id: 7}}
    want: [{dead_letter: invalid_value}, {track: {}}]
  - name: not skipped
    given: {event: {type: e, id: 7, mail: 5}}
    want: []
  - name: no such file
    given: {file: testdata/none.json}
    want: []
  - name: headers, key, topic and time reach the rules
    given: {event: {type: meta}, topic: t1, key: k1, headers: {h1: v1}, time: "2026-11-01T10:00:00Z"}
    want: [{track: {person: k1, name: t1, timestamp: 1793527200, data: {h: v1}}}]
`
	text = "rules:\n  - {name: meta, event: meta, do: [{track: {person: $message.key, name: $message.topic, data: " +
		"{h: $message.headers.h1}}}]}\n" + text[len("rules:\n"):]
	file, err := rulefile.Parse("r.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	rules, err := mapping.Compile(mapping.Config{Rules: file.Rules})
	if err != nil {
		t.Fatal(err)
	}
	want := [][]string{
		nil,
		nil,
		{
			"call 1 identify.attributes.plan: want \"<free>\", got \"pro\"",
			"call 1 identify.attributes.tier: want \"gold\", got nothing",
			`call 1 identify.person: want "a@b.example", got {"email":"a@b.example"}`,
			`call 1 identify.remove: want [], got ["trial"]`,
			"call 2 track.data.skus: want [\"a\"], got nothing",
			"call 2 track.data.total: want 1.5, got 1.50",
			"call 2 track.name: want \"sold\", got \"bought\"",
		},
		{"call 1: want track, got identify", "calls: want track, got identify, track"},
		{`dead letters: want invalid_value, got missing_field ` +
			`(rule "r", call "identify", person: .mail is absent or null)`},
		{"calls: want none, got track", `dead letters: want none, got invalid_value ` +
			`(rule "r", call "identify", person: .mail is not an e-mail address)`},
		{"given.file: openat testdata/none.json: no such file or directory"},
		nil,
	}
	for i, got := range ruletest.Run(rules, file.Tests, "") {
		if !slices.Equal(got.Diffs, want[i]) {
			t.Errorf("%s (%s):\ngot  %q\nwant %q", got.Name, got.Place, got.Diffs, want[i])
		}
	}
}

// A rule for whose event there is a test has one, also where it fails on that event. A step of a choice has one where
// an event chooses it.
func TestUntested(t *testing.T) {
	file, err := rulefile.Parse("r.yaml", []byte(`rules:
  - {name: holds, event: e, do: [{track: {person: .id, name: a}}]}
  - {name: fails, event: e, if: .total > 0, do: [{track: {person: .id, name: a}}]}
  - {name: untested, event: other, do: [{track: {person: .id, name: a}}]}
  - name: chooses
    event: f
    do:
      - action: .op
        any_of: [identify: {person: .id}, {track: {person: .id, name: a}, if: .x}, unsuppress: {person: .id},
                 {track: {person: .id, name: b}, is: other}]
        else: other
tests:
  - {name: two, given: {event: {type: f, id: 7, op: unsuppress}}, want: {unsuppress: {}}}
  - {name: three, given: {event: {type: f, id: 7, op: track}}, want: []}
  - {name: one, given: {event: {type: e, id: 7, total: "5"}}, want: [{track: {}}, {dead_letter: rule_error}]}
`))
	if err != nil {
		t.Fatal(err)
	}
	rules, err := mapping.Compile(mapping.Config{Rules: file.Rules})
	if err != nil {
		t.Fatal(err)
	}
	results := ruletest.Run(rules, file.Tests, ".")
	for _, r := range results {
		if len(r.Diffs) > 0 {
			t.Errorf("%v", r.Diffs)
		}
	}
	got := ruletest.Untested(rules, file.Rules, results)
	if len(got) != 3 || !strings.Contains(got[0].Error(), "rules[2]") ||
		!strings.Contains(got[1].Error(), "rules[3].do[0].any_of[0]") ||
		!strings.Contains(got[2].Error(), "rules[3].do[0].any_of[3]") {
		t.Errorf("%v", got)
	}
}

// A test can give a record without a value, which only headers or on_null make sense of.
func TestATestGivesARecordWithoutAValue(t *testing.T) {
	file, err := rulefile.Parse("r.yaml", []byte(inFile("delete: {person: .subject}")+`
tests:
  - name: a CloudEvent without data
    given: {event: null, topic: ce, headers: {ce_type: e, ce_id: "1", ce_source: /users, ce_subject: c_9}}
    want: [{delete: {person: c_9}}]
  - name: a tombstone
    given: {event: null, topic: ce}
    want: []
`))
	if err != nil {
		t.Fatal(err)
	}
	rules, err := mapping.Compile(mapping.Config{Rules: file.Rules, Allow: []string{"delete"},
		Topics: []mapping.Topic{{Name: "ce", Envelope: mapping.Envelope{Name: "cloudevents"}, OnNull: mapping.Skip}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, got := range ruletest.Run(rules, file.Tests, "") {
		if len(got.Diffs) > 0 {
			t.Errorf("%s: %q", got.Name, got.Diffs)
		}
	}
}

// What a test names is read below the folder of its rule file and nowhere else, and only what ends.
func TestFilesOfTestsStayInTheFolder(t *testing.T) {
	dir := t.TempDir()
	rules := filepath.Join(dir, "rules")
	for name, text := range map[string]string{
		"service-account.json": `{"type":"e","id":"CANARY"}`, "rules/in/event.json": `{"type":"e","id":"CANARY"}`,
		"rules/large.json": strings.Repeat(" ", 3<<20), "rules/..data/mounted.json": `{"type":"e","id":"CANARY"}`,
	} {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700),
			os.WriteFile(path, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	for link, to := range map[string]string{
		"away.json": "../service-account.json", "zero.json": "/dev/zero", "mounted.json": "..data/mounted.json",
	} {
		if err := os.Symlink(to, filepath.Join(rules, link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(filepath.Join(rules, "fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{
		"in/event.json":              `want "other", got "CANARY"`,
		"mounted.json":               `want "other", got "CANARY"`, // as Kubernetes mounts a ConfigMap
		"../service-account.json":    "given.file: openat ../service-account.json: path escapes from parent",
		"in/../../dev/zero":          "path escapes from parent",
		dir + "/rules/in/event.json": "path escapes from parent",
		"away.json":                  "path escapes from parent",
		"zero.json":                  "path escapes from parent",
		"fifo":                       "given.file: fifo: is not a regular file",
		"in":                         "given.file: in: is not a regular file",
		"large.json":                 "given.file: large.json: is longer than 1048576 bytes",
	} {
		parsed, err := rulefile.Parse("r.yaml", fmt.Appendf(nil, "%stests:\n  - {name: t, given: {file: %q}, want: "+
			"{track: {person: other}}}\n", inFile("{track: {person: .id, name: bought}}"), file))
		if err != nil {
			t.Fatal(err)
		}
		compiled, err := mapping.Compile(mapping.Config{Rules: parsed.Rules})
		if err != nil {
			t.Fatal(err)
		}
		got := strings.Join(ruletest.Run(compiled, parsed.Tests, rules)[0].Diffs, "; ")
		if !strings.Contains(got, want) || strings.Contains(got, "CANARY") != strings.Contains(want, "CANARY") {
			t.Errorf("%s: got %q, want %q", file, got, want)
		}
	}
}

// TestATestSeesATimestampOfIdentify holds the time that identify says of its attributes against what a test wants.
func TestATestSeesATimestampOfIdentify(t *testing.T) {
	text := inFile("identify: {person: .id, attributes: {a: .a}, timestamp: .at}") + `
tests:
  - name: passes
    given: {event: {type: e, id: 7, a: 1, at: 1793527200}}
    want: [{identify: {timestamp: 1793527200}}]
  - name: none
    given: {event: {type: e, id: 7, a: 1}}
    want: [{identify: {timestamp: null}}]
  - name: wrong
    given: {event: {type: e, id: 7, a: 1, at: 1793527200}}
    want: [{identify: {timestamp: 1}}]
`
	file, err := rulefile.Parse("r.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	rules, err := mapping.Compile(mapping.Config{Rules: file.Rules})
	if err != nil {
		t.Fatal(err)
	}
	want := [][]string{nil, nil, {"call 1 identify.timestamp: want 1, got 1793527200"}}
	for i, got := range ruletest.Run(rules, file.Tests, t.TempDir()) {
		if !slices.Equal(got.Diffs, want[i]) {
			t.Errorf("%s: %q, want %q", got.Name, got.Diffs, want[i])
		}
	}
}

// TestGoldenFilesStayInTheirFolder writes and reads golden files, and refuses what is none, and what is elsewhere.
func TestGoldenFilesStayInTheirFolder(t *testing.T) {
	dir := t.TempDir()
	outside := filepath.Join(t.TempDir(), "secret.json")
	for name, text := range map[string]string{outside: "{}", filepath.Join(dir, "torn.json"): "{",
		filepath.Join(dir, "list.json"): "[]", filepath.Join(dir, "two.json"): "{} {}"} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(outside, filepath.Join(dir, "link.json")); err != nil {
		t.Fatal(err)
	}
	file, err := rulefile.Parse("r.yaml", []byte(inFile("track: {person: .id, name: bought}")))
	if err != nil {
		t.Fatal(err)
	}
	rules, err := mapping.Compile(mapping.Config{Rules: file.Rules})
	if err != nil {
		t.Fatal(err)
	}
	suite := func(golden string) *ruletest.Suite {
		return &ruletest.Suite{Dir: dir, Tests: []ruletest.Test{{Name: "a", Golden: golden,
			Given: ruletest.Given{Event: `{"type":"e","id":7}`}}}}
	}
	for _, golden := range []string{"torn.json", "list.json", "two.json", "link.json", outside, "../x.json"} {
		if diffs := suite(golden).Run(rules)[0].Diffs; len(diffs) != 1 || !strings.HasPrefix(diffs[0], "golden: ") {
			t.Errorf("%s: %q", golden, diffs)
		}
	}
	for _, golden := range []string{"link.json", outside, "../x.json"} {
		if _, err := suite(golden).Update(rules); err == nil && golden != "link.json" {
			t.Errorf("%s was written", golden)
		}
	}
	if text, err := os.ReadFile(outside); err != nil || string(text) != "{}" {
		t.Errorf("a file elsewhere holds %q, %v", text, err)
	}
	deep := suite("deep/er.json")
	if w, err := deep.Update(rules); err != nil || len(w) != 1 || !w[0].Changed {
		t.Errorf("%v, %v", w, err)
	}
	if diffs := deep.Run(rules)[0].Diffs; len(diffs) > 0 {
		t.Errorf("after an update: %q", diffs)
	}
	deep.Tests = append(deep.Tests, deep.Tests[0])
	if _, err := deep.Update(rules); err == nil {
		t.Error("two tests of one name share a golden file")
	}
}

// TestCoverage counts choices, items and conditions of events that come to nothing.
func TestCoverage(t *testing.T) {
	file, err := rulefile.Parse("r.yaml", []byte(`
rules:
  - name: choosing
    event: e
    if: .live
    do:
      - action: .kind
        if: .known
        any_of:
          - track: {person: .id, name: bought}
          - identify: {person: .id, attributes: {a: .a}}
            if: .a
      - track: {person: $item, name: each}
        each: .people[]
  - {name: never, event: f, do: [{track: {person: .id, name: seen}}]}
  - {name: only refused, event: g, if: .live, do: [{track: {person: .id, name: seen}}]}
tests:
  - {name: one, given: {event: {type: e, live: true, id: 7, kind: track, known: true, people: []}}, want: []}
  - {name: two, given: {event: {type: e, live: true, id: 7, kind: identify, known: true}}, want: []}
  - {name: three, given: {event: {type: e, live: true}}, want: []}
  - {name: four, given: {event: {type: g}}, want: []}
`))
	if err != nil {
		t.Fatal(err)
	}
	rules, err := mapping.Compile(mapping.Config{Rules: file.Rules})
	if err != nil {
		t.Fatal(err)
	}
	c := ruletest.Cover(file.Rules, ruletest.Run(rules, file.Tests, t.TempDir()))
	var missed []string
	for _, r := range c.Rules {
		for _, p := range r.Missed {
			missed = append(missed, r.Rule+": "+p.What)
		}
	}
	want := []string{
		"choosing: the rule's condition: no test in which it does not hold",
		`choosing: call "identify": no test makes it`,
		`choosing: the condition of call "identify": no test in which it holds`,
		`choosing: call "track:each": no test makes it`,
		"never: the rule: no test has an event for it", `never: call "track:seen": no test makes it`,
		"only refused: the rule: no test has an event for it",
		"only refused: the rule's condition: no test in which it holds",
		`only refused: call "track:seen": no test makes it`,
	}
	if !slices.Equal(missed, want) {
		t.Errorf("missed\n%s\nwant\n%s", strings.Join(missed, "\n"), strings.Join(want, "\n"))
	}
	if c.Points != 3+5+8 || c.Reached != c.Points-len(want) || c.Rules[0].Tests != 3 {
		t.Errorf("%d of %d points, %d tests", c.Reached, c.Points, c.Rules[0].Tests)
	}
}
