package starter

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/ciobridge/ciobridge/internal/jsontext"
)

// file is one that is written.
type file struct{ name, text string }

// files are the configuration, the rule file and the file of tests.
func (a answers) files() []file {
	rule := a.name()
	return []file{
		{"ciobridge.yaml", a.configuration()},
		{filepath.Join("rules", rule+".yaml"), a.rules()},
		{filepath.Join("rules", rule+"_test.yaml"), a.tests()},
	}
}

func (a answers) configuration() string {
	topic := fmt.Sprintf("{name: %s, envelope: %s}", jsontext.Of(a["topic"]), a["envelope"])
	var source, letters string
	switch a["source"] {
	case kafka:
		source = fmt.Sprintf("  kafka:\n    brokers: %s # add tls and sasl where the cluster wants them\n"+
			"    group: ciobridge\n    start_at: latest # earliest, latest or a time; used only where the group has "+
			"committed nothing\n    topics:\n      - %s\n", a.servers(), topic)
		letters = "topic: ciobridge.dead, create: true"
	case nats:
		source = fmt.Sprintf("  nats:\n    urls: %s # add tls, and creds_file or another way to log in\n"+
			"    start_at: latest # earliest, latest or a time; used only where there is no consumer yet\n"+
			"    streams:\n      - %s\n", a.servers(), topic)
		letters = "subject: ciobridge.dead, stream: CIOBRIDGE_DEAD, create: true"
	case embedded:
		source = fmt.Sprintf("  embedded: # a NATS server inside the process\n    dir: data\n    start_at: earliest\n"+
			"    streams:\n      - {name: %s, envelope: %s, subjects: [events.>]}\n", jsontext.Of(a["topic"]),
			a["envelope"])
		letters = "file: dead_letters.jsonl"
	case lines:
		source = fmt.Sprintf("  lines: # the bridge ends at the end of the file; - is standard input\n    path: %s\n"+
			"    name: %s\n    envelope: %s\n", jsontext.Of(a["topic"]), jsontext.Of(a.topic()), a["envelope"])
		letters = "file: dead_letters.jsonl"
	}
	return "# All keys: https://github.com/ciobridge/ciobridge/blob/main/docs/configuration.md\nsource:\n" + source +
		"\ncustomerio:\n  region: " + a["region"] + "\n  site_id_env: CIO_SITE_ID # or site_id_file\n" +
		"  api_key_env: CIO_API_KEY\n\ndead_letters: {" + letters + "}\nrules_from: [rules/*.yaml]\n"
}

func (a answers) servers() string {
	var quoted []string
	for server := range strings.SplitSeq(a["servers"], ",") {
		quoted = append(quoted, jsontext.Of(strings.TrimSpace(server)))
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// topic is what stands for the topic of an event.
func (a answers) topic() string {
	if a["source"] != lines {
		return a["topic"]
	}
	if a["topic"] == "-" {
		return "stdin"
	}
	return filepath.Base(a["topic"])
}

var noWord = regexp.MustCompile(`[^a-z0-9]+`)

// name is that of the rule and of the event in Customer.io: the type in small letters and underscores.
func (a answers) name() string {
	name := strings.Trim(noWord.ReplaceAllString(strings.ToLower(a["event"]), "_"), "_")
	if name == "" {
		return "first"
	}
	return name
}

func (a answers) rules() string {
	return fmt.Sprintf("# The language of rules: https://github.com/ciobridge/ciobridge/blob/main/docs/rules.md\n"+
		"rules:\n  - name: %s\n    event: %s\n    do:\n      - track: {person: %s, name: %s}\n",
		jsontext.Of(a.name()), jsontext.Of(a["event"]), jsontext.Of(a["person"]), jsontext.Of(a.name()))
}

func (a answers) tests() string {
	return fmt.Sprintf("# How tests are written: "+
		"https://github.com/ciobridge/ciobridge/blob/main/docs/testing-rules.md\ntests:\n"+
		"  - name: %s becomes a call\n    given:\n      topic: %s\n      event: %s\n"+
		"    want: {track: {person: c_7, name: %s}}\n\n"+
		"  - name: without a person it is a dead letter\n    given:\n      topic: %s\n      event: %s\n"+
		"    want: {dead_letter: missing_field, rule: %s, field: person}\n",
		a.name(), jsontext.Of(a.topic()), a.event(true), jsontext.Of(a.name()), jsontext.Of(a.topic()), a.event(false),
		jsontext.Of(a.name()))
}

// event is an example of one, as its envelope has it.
func (a answers) event(person bool) string {
	at := "2026-10-05T08:30:00Z"
	sample := map[string]any{"type": a["event"], "time": at}
	switch a["envelope"] {
	case "cloudevents":
		sample["specversion"], sample["id"], sample["source"] = "1.0", "e1", "/shop"
		sample["data"] = map[string]any{}
	case "segment":
		sample = map[string]any{"type": a["event"], "timestamp": at, "messageId": "m1"}
	}
	if person {
		put(sample, strings.Split(a["person"][1:], "."), "c_7")
	}
	text, err := json.Marshal(sample)
	if err != nil {
		panic(err) // it is made of texts
	}
	return string(text)
}

// put sets the member at a path, and makes the objects around it.
func put(in map[string]any, path []string, value string) {
	if len(path) == 1 {
		in[path[0]] = value
		return
	}
	inner, ok := in[path[0]].(map[string]any)
	if !ok {
		inner = map[string]any{}
		in[path[0]] = inner
	}
	put(inner, path[1:], value)
}
