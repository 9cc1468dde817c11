package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/mistake"
	"github.com/ciobridge/ciobridge/internal/yamltree"
	"github.com/ciobridge/ciobridge/mapping"
	"github.com/ciobridge/ciobridge/mapping/rulefile"
	"github.com/ciobridge/ciobridge/mapping/ruletest"
)

func TestExampleLoads(t *testing.T) {
	c, err := Load(File("example.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	rules, err := mapping.Compile(c.Mapping())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range c.Files {
		for _, r := range ruletest.Run(rules, f.Tests, filepath.Dir(f.Path)) {
			if len(r.Diffs) > 0 {
				t.Errorf("%s: %s: %v", r.Place, r.Name, r.Diffs)
			}
		}
	}
	if k := c.Source.Kafka; k.SessionTimeout != 10*time.Second || k.Group != "ciobridge" ||
		len(k.Consumer().Topics) != 4 {
		t.Errorf("defaults and values do not meet: %+v", k)
	}
}

// The values that the example shows for what has a default are the defaults.
func TestExampleShowsTheDefaults(t *testing.T) {
	c, err := Load(File("example.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	d := Default()
	if c.Delivery != d.Delivery || c.Admin != d.Admin || c.Log != d.Log ||
		c.DeadLetters.StopShare != d.DeadLetters.StopShare ||
		c.CustomerIO.RequestsPerSecond != d.CustomerIO.RequestsPerSecond {
		t.Errorf("the example differs from the defaults: %+v", c)
	}
}

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ciobridge.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const valid = `
source: {embedded: {dir: data, start_at: earliest}}
customerio: {region: eu, site_id_env: A, api_key_env: B}
dead_letters: {file: dead.jsonl}
`

// Some editors begin a file with a mark that nobody sees.
func TestAByteOrderMarkIsNoKey(t *testing.T) {
	if _, err := Load(File(write(t, "\uFEFF"+strings.TrimSpace(valid)))); err != nil {
		t.Error(err)
	}
	if _, err := rulefile.Parse("r.yaml", []byte("\uFEFFrules: [{name: a, event: b, do: [{delete: {person: "+
		".id}}]}]")); err != nil {
		t.Error(err)
	}
}

func TestEmbeddedDefaults(t *testing.T) {
	c, err := Load(File(write(t, valid)))
	if err != nil {
		t.Fatal(err)
	}
	e := c.Source.Embedded
	if s := e.Consumer().Streams; len(s) != 1 || s[0].Name != e.Server().Streams[0].Name {
		t.Errorf("reads %v, keeps %v", s, e.Server().Streams)
	}
}

func TestMistakesAreAllReportedWithTheirPlace(t *testing.T) {
	cases := map[string]struct {
		text string
		want []string
	}{
		"nothing": {"", []string{"is empty"}},
		"unknown key": {valid + "deliverry: {}\n", []string{
			`ciobridge.yaml:5:1: there is no such key here, did you mean "delivery"?`}},
		"unknown section": {valid + "sink: {}\n", []string{
			"ciobridge.yaml:5:1: there is no such key here; want admin, "}},
		"unknown nested": {strings.Replace(valid, "dir:", "dirr:", 1), []string{
			`2:21: source.embedded: there is no such key here, did you mean "dir"?`}},
		"repeated key": {valid + "dead_letters: {file: x}\n",
			[]string{"5:1: the key is there twice, first in line 4"}},
		"no source": {strings.Replace(valid, "embedded", "kafka", 1), []string{
			"2:18: source.kafka: there is no such key here"}},
		"two documents": {valid + "---\nx: 1\n", []string{"ciobridge.yaml:6:1: a second YAML document begins here"}},
		"several at once": {`
source: {kafka: {brokers: [], start_at: sometimes, topics: [a, ciobridge.dead]}}
customerio: {region: mars, api_key_env: B}
delivery: {senders: 0, order: none}
dead_letters: {topic: ciobridge.dead, stop_share: 7}
log: {level: loud}
admin: {listen: nowhere}
`, []string{
			"source.kafka.brokers", "source.kafka.group", "source.kafka.start_at", "customerio.region",
			"customerio.site_id_file",
			"delivery.senders", "delivery.order", "stop_share", "dead_letters.topic", "log.level", "admin.listen",
		}},
		"no unit": {valid + "delivery: {linger: 200}\n", []string{
			"5:20: delivery.linger: want a duration with its unit, such as 30s"}},
		"an unknown unit": {valid + "delivery: {linger: 30d}\n", []string{
			"ciobridge.yaml:5:20: delivery.linger: want a duration with its unit, such as 30s",
		}},
		"no duration in a section": {
			"source:\n  kafka:\n    brokers: [a]\n    session_timeout: soon\n",
			[]string{"4:22: source.kafka.session_timeout: want a duration with its unit"},
		},
		"no duration in a shared part": {strings.Replace(valid, "dir: data", "dir: data, drain_limit: 10q", 1),
			[]string{"2:45: source.embedded.drain_limit: want a duration"}},
		"a colon": {strings.Replace(valid, "dir: data", "dir: [a]", 1),
			[]string{"2:26: source.embedded.dir: want a text, found a list"}},
		"a secret in the file": {strings.Replace(valid, "api_key_env: B", "api_key: hunter2", 1),
			[]string{"3:42: customerio: there is no key api_key here: a secret is not written into"}},
		"a tag": {valid + "rules: !x\n", []string{
			"ciobridge.yaml:5:8: rules: a YAML tag has no place here"}},
		"a tag in a section": {"source: {kafka: {brokers: !x }}", []string{"1:27: source.kafka.brokers: a YAML tag"}},
		"a tag on a list":    {valid + "rules_from: !x\n", []string{"5:13: rules_from: a YAML tag"}},
		"too deep":           {strings.Repeat("- ", 100_000), []string{"nested deeper than 64"}},
		"too long": {valid + strings.Repeat("#", 1<<20),
			[]string{"ciobridge.yaml: is longer than 1048576 bytes"}},
		"no rule file": {valid + "rules_from: [nope/*.yaml]\n", []string{"rules_from[0]"}},
		"sources together": {strings.Replace(valid, "source: {",
			"source: {nats: {urls: [nats://x], start_at: latest, streams: [{name: S}]}, ", 1), []string{"exactly one"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := Load(File(write(t, c.text)))
			if err == nil {
				t.Fatal("no error")
			}
			for _, w := range c.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("no %q in:\n%v", w, err)
				}
			}
		})
	}
}

// What two sections could report is reported once, under the path that stands in the file.
func TestAllowIsReportedOnce(t *testing.T) {
	_, err := Load(File(write(t, strings.Replace(valid, "region: eu", "region: eu, allow: [delte]", 1))))
	if err == nil || strings.Count(err.Error(), "allow[0]") != 1 ||
		!strings.Contains(err.Error(), "customerio.allow[0]: is not a destructive action") {
		t.Errorf("reported: %v", err)
	}
}

func TestReservedIDsReachTheRules(t *testing.T) {
	text := strings.Replace(valid, "region: eu", `region: eu, reserved_ids: {add: [tester], allow: ["0"]}`, 1) +
		"rules: [{name: r, event: e, do: [{track: {person: .id, name: a}}]}]\n"
	c, err := Load(File(write(t, text)))
	if err != nil {
		t.Fatal(err)
	}
	rules, err := mapping.Compile(c.Mapping())
	if err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]int{`"tester"`: 0, `0`: 1, `-0`: 1, `"null"`: 0, `"c_7"`: 1} {
		if calls, _ := rules.Map(&event.Message{Value: []byte(`{"type":"e","id":` + id + `}`)}); len(calls) != want {
			t.Errorf("%s: %d calls", id, len(calls))
		}
	}
	_, err = Load(File(write(t, strings.Replace(text, `["0"]`, `["c_7"]`, 1))))
	if err == nil || strings.Contains(err.Error(), "c_7") || strings.Count(err.Error(), "reserved_ids.allow[0]") != 1 {
		t.Errorf("reported: %v", err)
	}
}

// A secret that comes in by way of ${} is one that nobody prints.
func TestExpandedSecrets(t *testing.T) {
	t.Setenv("PASSWORD", canary)
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte(canary+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, written := range []string{"'${PASSWORD}'", "'${file:" + file + "}'", "{env: '${NAME:-PASSWORD}'}"} {
		c, err := Load(File(write(t, strings.Replace(valid, "embedded: {dir: data, start_at: earliest}", "kafka: "+
			"{brokers: h:1, group: g, start_at: latest, topics: orders, tls: {}, sasl: {mechanism: PLAIN, "+
			"username: u, password: "+written+"}}", 1)+"on_unmatched: dead_letter\n")))
		if err != nil {
			t.Fatal(err)
		}
		ref := c.Source.Kafka.SASL.Password
		if value, err := ref.Read(); err != nil || value.Reveal() != canary {
			t.Errorf("%s: read %v", written, err)
		}
		encoded, err := json.Marshal(c.Source)
		if shown := fmt.Sprintf("%+v %#v %s %v", ref, ref, encoded, err); strings.Contains(shown, canary) {
			t.Errorf("%s is shown: %s", written, shown)
		}
	}
}

// What several files and flags say is one configuration, and each rule file is looked for beside the file that names
// it.
func TestInputs(t *testing.T) {
	base := write(t, valid+"delivery: {senders: 2, linger: 300ms}\n")
	folder := filepath.Join(filepath.Dir(base), "more")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	over, rules := filepath.Join(folder, "over.yaml"), filepath.Join(folder, "r.yaml")
	for path, text := range map[string]string{
		over:  "delivery: {senders: 3}\nrules_from: [r.yaml]\ncustomerio: {allow: [delete]}\n",
		rules: "rules: [{name: r, event: e, do: [{delete: {person: .id}}]}]\n",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, err := Load(Input{Files: []string{base, over}, Set: []string{
		"delivery.linger=250ms", "customerio.allow[1]=suppress", "log={level: debug}", `admin.listen=""`,
		"source.embedded.start_at=2026-10-05 10:30+02",
	}})
	if err != nil {
		t.Fatal(err)
	}
	if c.Delivery.Senders != 3 || c.Delivery.Linger != 250*time.Millisecond || c.Log.Level != "debug" ||
		c.Log.Format != "json" || strings.Join(c.CustomerIO.Allow, " ") != "delete suppress" || len(c.Files) != 1 ||
		c.Admin.Listen != "" || c.Source.Embedded.Consumer().StartAt != "2026-10-05T08:30:00Z" {
		t.Errorf("%+v", c)
	}
	c, err = Load(Input{Files: []string{base}, Set: []string{"admin.listen=", "on_unmatched=dead_letter"}})
	if err != nil || c.Admin.Listen != Default().Admin.Listen || c.Admin.Listen == "" {
		t.Errorf("nothing was set, and the address is %q: %v", c.Admin.Listen, err)
	}
	if _, err := c.Compile(); err != nil {
		t.Error(err)
	}
}

// A rule of the configuration itself whose syntax is broken is told of once, and the other rules are looked at.
func TestBrokenRulesOfAConfiguration(t *testing.T) {
	broken := "rules:\n- name: a\n  event: e\n  if: .a == \"x: y\"\n  do:\n  - track: {person: .x, name: b}\n"
	for text, want := range map[string][]string{
		broken: {"rules[0]"},
		broken + "- name: c\n  evnt: e\n  do:\n  - track: {person: .x, name: b}\n": {"rules[0]", "rules[1]"},
	} {
		c, err := Load(File(write(t, valid+text)))
		_, errCompiled := c.Compile()
		var told []string
		for _, m := range mistake.All(errors.Join(err, errCompiled)) {
			told = append(told, m.Path)
		}
		if !slices.Equal(told, want) {
			t.Errorf("told of %q, want %q", told, want)
		}
	}
}

// A mistake in a topic that --set gave has the topic's path once, and is told once.
func TestSetTopicWithMistakes(t *testing.T) {
	for value, want := range map[string]string{
		`{pattern: "("}`:              "source.kafka.topics[0].pattern: is no regular expression",
		`{name: a, pattern: "b.*"}`:   "source.kafka.topics[0]: has both a name and a pattern",
		`{name: "", envelope: plain}`: "source.kafka.topics[0]: has no name",
		`{name: a, content: marrow}`:  "source.kafka.topics[0].content: is no form of values",
	} {
		_, err := Load(Input{Files: []string{"example.yaml"}, Set: []string{"source.kafka.topics=[" + value + "]"}})
		all := mistake.All(err)
		if len(all) != 1 || !strings.HasPrefix(all[0].Error(), "--set source.kafka.topics: "+want) {
			t.Errorf("%s: %v", value, err)
		}
	}
}

// The rows that documents are made of have every key that is read, and nothing else: what the example sets is there,
// with the defaults.
func TestRows(t *testing.T) {
	data, err := os.ReadFile("example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	tree, err := yamltree.Parse("example.yaml", data)
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	var compare func(n *yamltree.Node, rows []yamltree.Row)
	compare = func(n *yamltree.Node, rows []yamltree.Row) {
		for _, item := range n.Items {
			compare(item, rows)
		}
		for _, e := range n.Entries {
			i := slices.IndexFunc(rows, func(r yamltree.Row) bool { return r.Key == e.Key.Value || r.Key == "" })
			if i < 0 {
				t.Errorf("%s: there is no row for %s", e.Key.Place, e.Key.Value)
				continue
			}
			found++
			if inside := rows[i].Inside; inside != nil {
				compare(e.Value, inside())
			}
		}
	}
	rows := Rows()
	compare(tree, rows)
	if found < 20 {
		t.Errorf("only %d keys were compared", found)
	}
	for path, want := range map[string]string{
		"delivery.senders": "16", "source.kafka.session_timeout": "10s", "source.nats.durable": "ciobridge",
		"log.level": "info", "dead_letters.stop_share": "0.5", "source.kafka.sasl.password": "",
	} {
		if got, ok := row(rows, strings.Split(path, ".")); !ok || got.Default != want {
			t.Errorf("%s: default %q, want %q", path, got.Default, want)
		}
	}
}

func row(rows []yamltree.Row, path []string) (yamltree.Row, bool) {
	for _, r := range rows {
		if r.Key == path[0] {
			if len(path) == 1 {
				return r, true
			}
			return row(r.Inside(), path[1:])
		}
	}
	return yamltree.Row{}, false
}

func FuzzLoad(f *testing.F) {
	f.Add([]byte(valid))
	example, err := os.ReadFile("example.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(example)
	f.Fuzz(func(t *testing.T, data []byte) {
		// must not panic, whatever stands in the file, and however much of it is wrong
		c, err := Parse("f.yaml", data)
		_ = c.placed(mistake.Beyond(err, c.Validate()))
		_, _ = c.Compile()
	})
}

// An answer is not published where it would come back as an event, or stand among records of the bridge's own. The
// mistake is told beside others of the rules, and where it stands.
func TestAnswersGoWhereNobodyOfTheBridgeReads(t *testing.T) {
	const (
		kafka    = `{kafka: {brokers: ["b:1"], group: g, start_at: earliest, topics: [t, {pattern: 'shop\..*'}]}}`
		nats     = `{nats: {urls: ["nats://h:1"], start_at: earliest, streams: [{name: S, subjects: ["shop.*.new"]}, {name: U}]}}`
		divided  = `{nats: {urls: ["nats://h:1"], start_at: earliest, streams: [{name: S, partitions: ["a.>", "b.*"]}]}}`
		embedded = `{embedded: {dir: d, start_at: earliest}}`
		read     = "is read by the source too"
	)
	for _, c := range []struct{ source, dead, to, want string }{
		{kafka, "topic: dead", "t", read}, {kafka, "topic: dead", "shop.answers", read},
		{kafka, "topic: dead", "answers", ""}, {kafka, "topic: dead", "shop", ""},
		{kafka, "topic: dead", "dead", "is where the dead letters are"},
		{kafka, "topic: dead", "dead.ledger", "is where the send ledger is"},
		{kafka, "topic: dead", "fences", "is where the erasure fences are"},
		{nats, "subject: dead.events", "shop.orders.new", read}, {nats, "subject: dead.events", "shop.orders.old", ""},
		{nats, "subject: dead.events", "dead.events", "is where the dead letters are"},
		{divided, "subject: dead.events", "a.x.y", read}, {divided, "subject: dead.events", "b.x.y", ""},
		{embedded, "file: dead", "events.answers", read}, {embedded, "file: dead", "answers", ""},
	} {
		fences := "topic: fences"
		if c.source != kafka {
			fences = "file: fences"
		}
		config, err := Parse("c.yaml", fmt.Appendf(nil, `
source: %s
customerio: {region: eu, site_id_env: S, api_key_env: K, app_key_env: A, allow: [request]}
dead_letters: {%s}
erasure: {key_env: E, settle: 0s, %s}
rules:
  - {name: r, event: e, do: [{request: {api: app, method: POST, path: /x, reply_to: %s}}]}
  - {name: s, event: e, do: [{track: {person: .id |, name: done}}]}
`, c.source, c.dead, fences, c.to))
		if err != nil {
			t.Fatalf("%s: %v", c.source, err)
		}
		_, err = config.Compile()
		if err == nil || !strings.Contains(err.Error(), "rules[1].do[0].track.person") {
			t.Fatalf("%s: the other mistake: %v", c.source, err)
		}
		at := "c.yaml:7:"
		told := strings.Contains(err.Error(), "rules[0].do[0].request.reply_to: "+c.want) &&
			strings.Contains(err.Error(), at)
		if c.want == "" && strings.Contains(err.Error(), "reply_to") || c.want != "" && !told {
			t.Errorf("%s, %s: %v", c.source, c.to, err)
		}
	}
}

// A request may take longer than customerio.timeout says: what waits for its end takes the longer of both.
func TestTheLongestTimeoutIsThatOfARuleToo(t *testing.T) {
	for _, c := range []struct {
		customerio, request, settle, want string
		longest                           time.Duration
	}{
		{"2s", "14s", "30s", "", 14 * time.Second}, {"12s", "3s", "30s", "", 12 * time.Second},
		{"2s", "14s", "20s", `erasure.settle: 20s is less than the timeout of a request of the rule "r"`, 0},
		{"2s", "14s", "0s", "", 14 * time.Second}, {"2s", "10s", "20s", "", 10 * time.Second},
	} {
		config, err := Parse("c.yaml", fmt.Appendf(nil, `
source: {kafka: {brokers: ["b:1"], group: g, start_at: earliest, topics: [t]}}
customerio: {region: eu, site_id_env: S, api_key_env: K, app_key_env: A, allow: [request], timeout: %s}
dead_letters: {topic: dead}
erasure: {key_env: E, topic: fences, settle: %s}
rules: [{name: r, event: e, do: [{request: {api: app, method: POST, path: /x, timeout: %s}}]}]
`, c.customerio, c.settle, c.request))
		if err != nil {
			t.Fatal(err)
		}
		rules, err := config.Compile()
		if c.want != "" {
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%+v: %v", c, err)
			}
			continue
		}
		if err != nil {
			t.Fatalf("%+v: %v", c, err)
		}
		if got := config.LongestTimeout(rules); got != c.longest {
			t.Errorf("%+v: %s", c, got)
		}
	}
}

// The landing probe needs what it asks with, and a pause that the budget of App bears.
func TestLandingProbeNeedsAnAppKey(t *testing.T) {
	for text, want := range map[string]string{
		"landing_probe: {every: 5m}":                               "landing_probe: the activity log is read over App",
		"landing_probe: {every: 5s}":                               "landing_probe.every: 5s is less than 10s",
		"erasure: {key_file: k, fences: false}":                    "",
		"erasure: {fences: false}":                                 "erasure.key_file: give it, or key_env",
		"erasure: {key_file: k, fences: false, topic: t2}":         "erasure.fences: is false, and there",
		"erasure: {file: f}":                                       "erasure.key_file: give it, or key_env",
		"erasure: {key_file: k, file: f, settle: 5s}":              "erasure.settle: 5s is less than customerio",
		"erasure: {key_file: k, bucket: b}":                        "erasure.bucket: is for a NATS source",
		"erasure: {key_file: k, topic: t2, report_topic: t}":       "erasure.report_topic: is read by the source",
		"erasure: {key_file: k, topic: t2, file: f}":               "erasure: set exactly one of topic (Kafka), bucket",
		"erasure: {key_file: k, topic: t2, purge_letters: true}":   "",
		"erasure: {key_file: k, topic: t2, report_subject: a}":     "erasure.report_subject: is for a NATS source",
		"too_late: {after: -1h, then: skip}":                       "too_late.after: -1h0m0s is negative",
		"too_late: {after: 1h}":                                    "too_late.then: is missing",
		"erasure: {key_file: k, topic: t2, settle: 30s}":           "",
		"erasure: {key_file: k, topic: t2, clock_skew: 0s}\n":      "",
		"too_late: {then: send}\nerasure: {key_env: K, topic: t2}": "",
	} {
		c, err := Parse("c.yaml", []byte(`
source: {kafka: {brokers: ["b:1"], group: g, start_at: earliest, topics: [t]}}
customerio: {region: eu, site_id_env: S, api_key_env: K}
dead_letters: {topic: dead}
rules: [{name: r, event: e, do: [{track: {person: .id, name: done}}]}]
`+text))
		if err == nil {
			err = c.Validate()
		}
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// The landing probe looks at the workspaces that have an App key, of which one is enough.
func TestLandingProbeOfANamedWorkspace(t *testing.T) {
	c, err := Parse("c.yaml", []byte(`
source: {kafka: {brokers: ["b:1"], group: g, start_at: earliest, topics: [t]}}
customerio:
  {region: eu, site_id_env: S, api_key_env: K, workspaces: {s: {region: us, site_id_env: S, api_key_env: K, app_key_env: A}}}
dead_letters: {topic: dead}
landing_probe: {every: 5m}
rules: [{name: r, event: e, do: [{track: {person: .id, name: done}}]}]
`))
	if err == nil {
		err = c.Validate()
	}
	if err != nil {
		t.Error(err)
	}
}
