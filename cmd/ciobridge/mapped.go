package main

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/output"
)

// mapped is what an event became.
type mapped struct {
	Event    string         `json:"event"` // where it was found
	Calls    []mappedCall   `json:"calls"`
	Failures []mappedFailed `json:"failures"`
}

type mappedCall struct {
	Action  string          `json:"action"`
	Rule    string          `json:"rule"`
	Call    string          `json:"call"`
	ID      string          `json:"id"`
	Request string          `json:"request,omitempty"` // of a call that no batch can carry
	Body    json.RawMessage `json:"body,omitempty"`
}

type mappedFailed struct {
	ID     string `json:"id"`
	Reason string `json:"reason"`
	Rule   string `json:"rule,omitempty"`
	Call   string `json:"call,omitempty"`
	Field  string `json:"field,omitempty"`
	Detail string `json:"detail,omitempty"`
}

func newMapped(place string, calls []event.Call, failures []event.Failure) mapped {
	m := mapped{Event: place, Calls: []mappedCall{}, Failures: []mappedFailed{}}
	for i := range calls {
		m.Calls = append(m.Calls, newMappedCall(&calls[i]))
	}
	for i := range failures {
		m.Failures = append(m.Failures, newMappedFailed(&failures[i]))
	}
	return m
}

func newMappedCall(c *event.Call) mappedCall {
	m := mappedCall{Action: c.Step.Action, Rule: c.Step.Rule, Call: c.Step.Call, ID: c.ID.String(), Body: c.Body}
	if c.Single != nil {
		m.Request = c.Single.Method + " " + c.Single.Path
	}
	return m
}

func newMappedFailed(f *event.Failure) mappedFailed {
	return mappedFailed{ID: f.ID.String(), Reason: string(f.Reason), Rule: f.Rule, Call: f.Call, Field: f.Field, Detail: f.Detail}
}

func (m mapped) print(w io.Writer, f format) error {
	if f == asJSON {
		return output.JSON(w, m)
	}
	fmt.Fprintln(w, m.Event)
	for _, c := range m.Calls {
		fmt.Fprintf(w, "  %s\n", c)
		if c.Request != "" {
			fmt.Fprintf(w, "    %s\n", output.Printable(c.Request))
		}
		fmt.Fprintf(w, "    %s\n", output.Printable(string(c.Body)))
	}
	for _, f := range m.Failures {
		fmt.Fprintf(w, "  %s\n", f)
	}
	if len(m.Calls)+len(m.Failures) == 0 {
		fmt.Fprintln(w, "  skipped: no rule makes a call of it")
	}
	return nil
}

func (c mappedCall) String() string {
	return fmt.Sprintf("%s  rule %q, call %q, id %s", c.Action, c.Rule, c.Call, c.ID)
}

func (f mappedFailed) String() string {
	text := "dead letter  " + f.Reason + "  "
	if f.Rule != "" {
		text += fmt.Sprintf("rule %q, ", f.Rule)
	}
	if f.Call != "" {
		text += fmt.Sprintf("call %q, ", f.Call)
	}
	if f.Field != "" {
		text += f.Field + ": "
	}
	return text + output.Printable(f.Detail)
}
