package mapping_test

import (
	"strings"
	"testing"
	"time"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/yamltree"
	"github.com/ciobridge/ciobridge/mapping"
	"github.com/ciobridge/ciobridge/mapping/rulefile"
)

func TestRuleFilesAreReadStrictly(t *testing.T) {
	cases := []struct{ name, text, want string }{
		{"empty", "", "r.yaml: is empty"},
		{"two documents", "rules: []\n---\nrules: []\n", "r.yaml:3:1: a second YAML document begins here"},
		{"no rule and no test", "{}\n", "r.yaml:1:1: holds no rule and no test"},
		{"an empty list", "rules: []\n", "r.yaml:1:8: rules: the list is empty"},
		{"a tag alone", "rules: !x", "r.yaml:1:8: rules: a YAML tag has no place here"},
		{"a tag as a test", inRule("{track: {person: .a, name: b}}") + "tests: !x", "a YAML tag has no place here"},
		{"too deep", strings.Repeat("- ", 100_000), "r.yaml:1:129: is nested deeper than 64"},
		{"too long", strings.Repeat("#", 1<<20+1), "r.yaml: is longer than 1048576 bytes"},
		{"unknown key", "rule: []\n", `r.yaml:1:1: no key "rule" here, did you mean "rules"?`},
		{"unknown key of a rule", "rules:\n  - name: r\n    evnt: e\n    do: []\n",
			`r.yaml:3:5: rules[0]: no key "evnt" here, did you mean "event"?`},
		{"key twice", "rules:\n  - {name: r, name: s}\n",
			"r.yaml:2:15: rules[0]: the key is there twice, first in line 2"},
		{"missing keys", "rules:\n  - {name: r}\n", "needs event"},
		{"no action", inRule("{each: .a}"), "r.yaml:5:9: rules[0].do[0]: names no action; want add_device, "},
		{"two actions", inRule("{delete: {person: .a}, track: {person: .a, name: b}}"), "one action in each element"},
		{"key of another action", inRule("{identify: {person: .a, data: {}}}"), `no key "data" here`},
		{"person as a literal", inRule("{delete: {person: user.id}}"),
			`r.yaml:5:27: rules[0].do[0].delete.person: want an expression, found the literal "user.id"; ` +
				`an expression begins with . or $ or =`},
		{"if as a literal", "rules:\n  - {name: r, event: e, if: true, do: []}\n",
			"rules[0].if: want an expression, found the literal true"},
		{"two identifiers", inRule("{delete: {person: {id: .a, email: .b}}}"), "named by one identifier"},
		{"unknown identifier", inRule("{delete: {person: {mail: .a}}}"), `no key "mail" here, did you mean "email"?`},
		{"no person", inRule("{delete: {}}"), "needs person"},
		{"no name", inRule("{track: {person: .a}}"), "needs name"},
		{"empty expression", inRule("{delete: {person: '='}}"), "the expression is empty"},
		{"null value", inRule("{track: {person: .a, name: a, data: {a: }}}"), "has no value"},

		{"cut at a bracket", inRule("{track: {person: .items[0], name: a}}"),
			"r.yaml:5:32: rules[0]: this does not continue the map in braces: look for a comma or a closing brace " +
				"that is missing; quote this expression"},
		{"cut at a colon", inRule("if: .a: b"), "quote this expression"},
		{"cut at a brace", inRule("track: {person: .a, name: a, data: {x: = {y: .z}}}"), "quote this expression"},
		{"cut at a comma", inRule("{track: {person: '.a', name: a, data: {x: .a | f(1, 2)}}}"),
			"quote this expression"},
		{"cut at a comma before a path", inRule("{track: {person: '.a', name: a, data: {x: .a, .b}}}"),
			`".b" is not a name: it looks like a part of an expression that YAML cut; quote this expression`},
		{"cut at a number sign", inRule(`track: {person: .a, name: '.b + " # "'}`) + "    if: .a == \" # x\"\n",
			"r.yaml:6:9: rules[0].if: YAML cuts this expression"},
		{"braces without quotes", inRule("{track: {person: .a, name: a, data: {x: {y: .z}}}}"),
			"quote this expression"},
		{"brackets without quotes", inRule("{track: {person: .a, name: a, data: {x: [.z]}}}"), "quote this expression"},
		{"an expression like a number", inRule("{track: {person: .a, name: a, data: {x: .5}}}"),
			"YAML takes .5 for a number: quote this expression"},
		{"an expression like infinity", inRule("{track: {person: .a, name: a, data: {x: .inf}}}"),
			"YAML takes .inf for a number: quote this expression"},
		{"a tag", inRule("{track: {person: .a, name: !x y}}"),
			"r.yaml:5:36: rules[0].do[0].track.name: a YAML tag has no place here"},
		{"an anchor", inRule("{track: {person: &a .a, name: *a}}"),
			"r.yaml:5:26: rules[0].do[0].track.person: a YAML anchor has no place here"},
		{"a boolean of YAML 1.1", inRule("{track: {person: .a, name: yes}}"),
			"some YAML parsers take yes for something other than a string: quote it"},
		{"a key like a boolean", inRule("{track: {person: .a, name: a, data: {on: .x}}}"),
			"some YAML parsers take the key on"},
		{"a number as key", inRule("{track: {person: .a, name: a, data: {1: .x}}}"), `the key "1" is not a string`},
		{"a time of YAML 1.1", inRule("{track: {person: .a, name: 2026-01-02}}"), "quote it"},
		{"an octal number", inRule("{track: {person: .a, name: a, data: {x: 010}}}"), "write it in decimal"},
		{"a number in place of a text", "rules:\n  - {name: 5, event: e, do: []}\n",
			"want a string, found 5: quote it"},

		{"test without want", "rules: []\ntests:\n  - {name: t, given: {event: {a: 1}}}\n",
			"r.yaml:3:5: tests[0]: needs want"},
		{"test of a key that no call has", inRule("delete: {person: .a}") + "tests:\n  - {name: t, given: {event: " +
			"{a: 1}}, want: {track: {attributes: {a: 1}}}}\n",
			`tests[0].want.track: no key "attributes" here; want data, name, person, timestamp or workspace`},
		{"test at no time", inRule("delete: {person: .a}") + "tests:\n  - {name: t, given: {event: {}, time: noon}, " +
			"want: []}\n", "tests[0].given.time: is no time with its zone"},
		{"test with an unknown reason", "rules: []\ntests:\n  - {name: t, given: {event: {a: 1}}, want: " +
			"{dead_letter: mising_field}}\n", `did you mean "missing_field"?`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := rulefile.Parse("r.yaml", []byte(c.text))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
}

func TestParseReportsEveryMistake(t *testing.T) {
	_, err := rulefile.Parse("r.yaml", []byte("rules:\n  - nam: r\n    event: on\n    do: [{delete: {person: x}}]\n"))
	for _, want := range []string{`did you mean "name"?`, "take on for", "found the literal"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in:\n%v", want, err)
		}
	}
}

func TestCommentsBesideExpressionsAreHarmless(t *testing.T) {
	text := inRule("delete: {person: .data.id} # who\n    if: .a > 0 # only then")
	file, err := rulefile.Parse("r.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if got := file.Rules[0].If.Program; got != ".a > 0" {
		t.Errorf("if: %q", got)
	}
}

func TestConfigDecodesStrictly(t *testing.T) {
	var c struct {
		Topics      []rulefile.Topic
		Rules       []rulefile.Rule
		OnUnmatched mapping.Policy `yaml:"on_unmatched"`
		Allow       []string
	}
	text := `
topics:
  - plain.topic
  - {name: shop.orders, envelope: cloudevents, on_null: skip}
  - {name: billing, envelope: {type: .kind, time: .at, id: .event_id}}
on_unmatched: dead_letter
allow: [delete, suppress]
rules:
  - {name: r, event: [a, b.*], do: [{delete: {person: .id}}]}
`
	if err := yamltree.Unmarshal("c.yaml", []byte(text), &c); err != nil {
		t.Fatal(err)
	}
	valid := mapping.Config{OnUnmatched: c.OnUnmatched, Allow: c.Allow}
	for _, topic := range c.Topics {
		valid.Topics = append(valid.Topics, mapping.Topic(topic))
	}
	if err := valid.Validate(); err != nil {
		t.Fatal(err)
	}
	if len(c.Topics) != 3 || c.Topics[0].Name != "plain.topic" || c.Topics[1].Envelope.Name != "cloudevents" ||
		c.Topics[2].Envelope.ID.Program != ".event_id" || len(c.Rules) != 1 || len(c.Rules[0].Event) != 2 {
		t.Errorf("%+v", c)
	}
	err := yamltree.Unmarshal("c.yaml", []byte("topics:\n  - {name: a, envelop: plain}\n"), &c)
	if want := `c.yaml:2:15: topics[0]: no key "envelop" here, did you mean "envelope"?`; err == nil ||
		!strings.Contains(err.Error(), want) {
		t.Error(err)
	}
}

// What some parser of YAML takes for a boolean, a number or a time, and another for a text, is refused.
func TestRetyped(t *testing.T) {
	parse := func(s string) error {
		_, err := rulefile.Parse("r.yaml", []byte(inRule("{track: {person: .a, name: a, data: {x: "+s+"}}}")))
		return err
	}
	for _, s := range []string{"y", "Yes", "no", "ON", "off", "12:30", "1:20:30.5", "1_000", "2026-01-02",
		"2026-01-02T10:00:00Z", "010", "0x1F", "0b1", "=", "<<"} {
		if err := parse(s); err == nil || !strings.Contains(err.Error(), "quote ") ||
			!strings.Contains(err.Error(), "rules[0].do[0].track.data.x") {
			t.Errorf("%s: %v", s, err)
		}
	}
	for _, s := range []string{"pro", "yes please", "order:12", "v1_000", "2026", "1.5", "a", "/lamps", "12:30 pm",
		"on_sale"} {
		if err := parse(s); err != nil {
			t.Errorf("%s: %v", s, err)
		}
	}
}

// What a rule says of its brakes is read, and every mistake in it has its place.
func TestBrakesOfRules(t *testing.T) {
	const rest = ", event: x, do: [{track: {person: .id, name: x}}]}]"
	file, err := rulefile.Parse("r.yaml", []byte("rules: [{name: a, owner: crm-team, on_failure: dead_letter, "+
		"new_people: {limit: 20, per: 24h}"+rest))
	if err != nil {
		t.Fatal(err)
	}
	want := event.RulePolicy{Owner: "crm-team", DeadLetters: true, NewPeople: 20, Per: 24 * time.Hour}
	if got := file.Rules[0].Brakes.Policy(); got != want {
		t.Errorf("%+v", got)
	}
	for text, want := range map[string]string{
		"owner: \"a\\nb\"":                     "rules[0].owner: want a name of at most 100 bytes and in one line",
		"on_failure: halt":                     "rules[0].on_failure: is not one of them; want stop or dead_letter",
		"on_failure: stopp":                    "rules[0].on_failure: is not one of them, did you mean \"stop\"?",
		"new_people: {per: 1h}":                "rules[0].new_people: needs limit",
		"new_people: {limit: 0}":               "rules[0].new_people.limit: is less than 1",
		"new_people: {limit: 1, per: 0s}":      "rules[0].new_people.per: is no time",
		"new_people: {limit: many, every: 1h}": "rules[0].new_people.limit: want a whole number",
	} {
		_, err := rulefile.Parse("r.yaml", []byte("rules: [{name: a, "+text+rest))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// TestARuleFileThatHelmHasReencoded: toYaml sorts keys, folds long texts, writes blocks as quoted texts and quotes as
// it likes. The rules mean the same, to the hash.
func TestARuleFileThatHelmHasReencoded(t *testing.T) {
	hash := func(name, text string) string {
		t.Helper()
		f, err := rulefile.Parse(name, []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		rules, err := mapping.Compile(mapping.Config{Rules: f.Rules})
		if err != nil {
			t.Fatal(err)
		}
		return rules.Hash()
	}
	written := hash("written.yaml", `
# A comment.
define: |
  def cents: . * 100;
  def full: .first + " " + .last;
rules:
  - name: order
    event: ["order.*", 'y']
    if: .total > 0 and .kind == "on"
    require: [.who, .total]
    do:
      - track:
          person: [{email: .mail}, .who]
          name: bought
          data: {total: "= .total | cents", whole: .total, "on": true, "n": 1.5, code: "= \"0\" + .code",
            text: '= if .a and .b and .c then "a long text that is folded" else "another: with colon" end'}
      - each: .items[]
        identify: {person: .who, attributes: {name!: .user | full, plan: {value: .plan}}}
    send: false
`[1:])
	encoded := hash("encoded.yaml", `
define: "def cents: . * 100;\ndef full: .first + \" \" + .last;\n"
rules:
- do:
  - track:
      data:
        code: = "0" + .code
        "n": 1.5
        "on": true
        text: '= if .a and .b and .c then "a long text that is folded" else
          "another: with colon" end'
        total: = .total | cents
        whole: .total
      name: bought
      person:
      - email: .mail
      - .who
  - each: .items[]
    identify:
      attributes:
        name!: .user | full
        plan:
          value: .plan
      person: .who
  event:
  - order.*
  - "y"
  if: .total > 0 and .kind == "on"
  name: order
  require:
  - .who
  - .total
  send: false
`[1:])
	if written != encoded {
		t.Errorf("the hash was %s and is %s", written, encoded)
	}
}
