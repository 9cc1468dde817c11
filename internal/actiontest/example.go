package actiontest

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/ciobridge/ciobridge/event"
)

// Example is the example of one action.
type Example struct {
	Action  string
	Step    string // the element of do, in YAML
	Event   string // in JSON
	Request string // what is made of it: a line with method and URL, and the body
	at      [2]int // of Request in the document
}

var section = regexp.MustCompile("(?s)\n### `(\\w+)`\n.*?```yaml\n(.*?)```\n```json\n(.*?)```\n```http\n(.*?)```\n")

// Read gives the examples of a document in their order. An error tells of a section that has no example.
func Read(document string) ([]Example, error) {
	var out []Example
	for _, m := range section.FindAllStringSubmatchIndex(document, -1) {
		part := func(i int) string { return document[m[2*i]:m[2*i+1]] }
		out = append(out, Example{Action: part(1), Step: part(2), Event: part(3), Request: part(4),
			at: [2]int{m[8], m[9]}})
	}
	if n := strings.Count(document, "\n### `"); n != len(out) {
		return nil, fmt.Errorf("read %d examples of %d actions: a section has a yaml, a json and an http block",
			len(out), n)
	}
	return out, nil
}

// Replace gives the document with the request of one of its examples.
func (e *Example) Replace(document, request string) string {
	return document[:e.at[0]] + request + document[e.at[1]:]
}

// Rules are a rule file with the example's step, whose rule takes all events.
func (e *Example) Rules() string {
	step := strings.ReplaceAll(strings.TrimRight(e.Step, "\n"), "\n", "\n      ")
	return "rules:\n  - name: example\n    event: event\n    do:\n      " + step + "\n"
}

// Message is the message with the example's event.
func (e *Example) Message() event.Message {
	return event.Message{Origin: event.Origin{Topic: "shop.orders"}, Time: time.UnixMilli(1_790_000_000_123),
		Value: []byte(e.Event)}
}
