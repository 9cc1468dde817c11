package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/ciobridge/ciobridge/app"
	"github.com/ciobridge/ciobridge/cmd/ciobridge/cli"
	"github.com/ciobridge/ciobridge/cmd/ciobridge/ruleset"
	"github.com/ciobridge/ciobridge/config"
	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/exit"
	"github.com/ciobridge/ciobridge/internal/jsontext"
	"github.com/ciobridge/ciobridge/internal/output"
	"github.com/ciobridge/ciobridge/mapping"
)

func newMap() *cobra.Command {
	var in config.Input
	var topic, subject string
	var rules []string
	var record recordFlags
	var without valueless
	var out format
	cmd := &cobra.Command{
		Use:   "map [file]...",
		Short: "Show what events become",
		Long: "Read events, map them by the rules, and print the calls that they become and the failures. Nothing is " +
			"sent; neither a\nbroker nor a secret is needed, but for a value that a schema registry is to read, " +
			"which is asked. The JSON\nthat such a value becomes can be given in its place.\n\n" +
			"A file, or standard input where none is named, holds an event a line, or one event as a whole. An event " +
			"that names no\nidentity of its own is known by its place, so its calls get other ids here than in a " +
			"bridge.\n\nThe exit code is 2 when a call or an event could not be mapped, and 4 when the schema " +
			"registry does not answer.",
		Example: "  ciobridge map -c ciobridge.yaml event.json\n" +
			"  echo '{\"type\":\"user.signed_up\",\"data\":{\"user_id\":\"7\"}}' | " +
			"ciobridge map --rules 'rules/*.yaml'\n" +
			"  kcat -b kafka:9092 -t shop.orders -C -e -c 100 | ciobridge map --topic shop.orders -o json",
		RunE: func(cmd *cobra.Command, files []string) error {
			if len(rules) > 0 && (cmd.Flags().Changed("config") || len(in.Set) > 0) {
				return exit.With(exit.Input, errors.New("give either --config, with --set, or --rules, not both"))
			}
			if len(rules) > 0 {
				rules, files = ruleFilesAmong(rules, files)
			}
			if err := without.check(files); err != nil {
				return exit.With(exit.Input, err)
			}
			set, err := ruleset.Read(in, rules)
			if err != nil {
				return exit.With(exit.Input, err)
			}
			m, err := record.record()
			if err != nil {
				return err
			}
			if m.Origin.Topic, err = set.Topic(topic); err != nil {
				return exit.With(exit.Input, err)
			}
			m.Origin.Subject = subject
			return mapEvents(cmd, set, m, without.values(cmd, files), out)
		},
	}
	configFlags(cmd, &in)
	outputFlag(cmd, &out)
	record.add(cmd)
	without.add(cmd)
	cmd.Flags().StringVar(&subject, "subject", "", "the subject of the message, for a stream")
	cmd.Flags().StringVar(&record.time, "time", "", "the broker's time of the record, with its zone")
	cmd.Flags().StringVar(&topic, "topic", "", "the topic or stream of the events, which decides their envelope")
	cmd.Flags().StringArrayVar(&rules, "rules", nil, "rule files to use without a configuration; may be repeated")
	return cmd
}

func mapEvents(cmd *cobra.Command, set ruleset.Set, m event.Message, values func(func(cli.EventText) error) error,
	out format) error {
	log, err := cli.QuietLogger(cmd, out == asJSON)
	if err != nil {
		return err
	}
	decoder, err := app.Content(set.Config, log)
	if err != nil {
		return err
	}
	defer decoder.Close()
	total, bad := 0, 0
	err = values(func(e cli.EventText) error {
		m := m
		m.Value, m.Origin.Offset = e.Value, int64(total)
		total++
		if cli.IsBinary(e.Value) { // else it is the JSON that the value becomes
			forms := set.Rules.Forms(m.Origin.Topic)
			if err := decoder.Decode(cmd.Context(), forms, &m); err != nil {
				if exit.Code(err) == exit.Broker {
					err = fmt.Errorf("%w, or give the JSON that the value becomes", err)
				}
				return fmt.Errorf("%s: %w", e.Place, err)
			}
		}
		got, err := mapOne(set.Rules, m)
		if err != nil {
			return exit.With(exit.Failure, fmt.Errorf("%s: %w", e.Place, err))
		}
		if len(got.Failures) > 0 {
			bad++
		}
		became := newMapped(e.Place, got)
		for i := range became.Calls {
			became.Calls[i].Sends = set.Rules.Sends(became.Calls[i].Rule, became.Calls[i].Call)
		}
		return became.print(cmd.OutOrStdout(), out)
	})
	if err != nil || bad == 0 {
		return err
	}
	return exit.With(exit.Input, fmt.Errorf("%d of %s could not be mapped", bad, output.Count(total, "event")))
}

// mapped is what an event became.
type mapped struct {
	Event    string         `json:"event"` // where it was found
	Calls    []mappedCall   `json:"calls"`
	Failures []mappedFailed `json:"failures"`
	Reasons  []mappedReason `json:"reasons,omitempty"` // why it did not become more
}

type mappedCall struct {
	Action    string          `json:"action"`
	Rule      string          `json:"rule"`
	Workspace string          `json:"workspace,omitempty"` // to which the call goes; none for the first
	Call      string          `json:"call"`
	ID        string          `json:"id"`
	Item      int32           `json:"item,omitempty"`    // the number of its event, of a record that holds several
	Request   string          `json:"request,omitempty"` // of a call that no batch can carry
	Body      json.RawMessage `json:"body,omitempty"`
	Sends     string          `json:"sends,omitempty"` // what the rule may send
	Unsent    bool            `json:"not_sent,omitempty"`
}

type mappedFailed struct {
	ID     string `json:"id"`
	Item   int    `json:"item,omitempty"` // the number of its event, of a record that holds several
	Reason string `json:"reason"`
	Rule   string `json:"rule,omitempty"`
	Call   string `json:"call,omitempty"`
	Field  string `json:"field,omitempty"`
	Detail string `json:"detail,omitempty"`
}

type mappedReason struct {
	Why    string `json:"why"`
	Item   int    `json:"item,omitempty"`
	Reason string `json:"reason,omitempty"`
	Rule   string `json:"rule,omitempty"`
	Call   string `json:"call,omitempty"`
	Field  string `json:"field,omitempty"`
	Member string `json:"member,omitempty"`
	Detail string `json:"detail"`
}

func newMapped(place string, got mapping.Explanation) mapped {
	m := mapped{Event: place, Calls: []mappedCall{}, Failures: []mappedFailed{}}
	for i := range got.Calls {
		m.Calls = append(m.Calls, newMappedCall(&got.Calls[i]))
	}
	for i := range got.Failures {
		m.Failures = append(m.Failures, newMappedFailed(&got.Failures[i]))
	}
	for _, r := range got.Remarks {
		m.Reasons = append(m.Reasons, mappedReason{Why: string(r.Why), Item: r.Item, Reason: string(r.Reason),
			Rule: r.Rule, Call: r.Call, Field: r.Field, Member: r.Member, Detail: r.Detail})
	}
	return m
}

func newMappedCall(c *event.Call) mappedCall {
	m := mappedCall{Action: c.Step.Action, Rule: c.Step.Rule, Workspace: c.Step.Workspace, Call: c.Step.Call,
		ID: c.ID.String(), Item: c.Item, Body: c.Body, Unsent: c.Step.Unsent}
	if len(c.Body) > 0 && !json.Valid(c.Body) { // a form or a text
		m.Body = json.RawMessage(jsontext.Of(string(c.Body)))
	}
	if c.Single != nil {
		m.Request = c.Single.Method + " " + c.Single.Path
		if c.Single.Shared { // a bridge puts others beside it
			m.Body = customerio.SegmentIDs.With(c.Body)
		}
	}
	return m
}

func newMappedFailed(f *event.Failure) mappedFailed {
	return mappedFailed{ID: f.ID.String(), Item: f.Item, Reason: string(f.Reason), Rule: f.Rule, Call: f.Call,
		Field: f.Field, Detail: f.Detail}
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
		if c.Sends != "" {
			fmt.Fprintf(w, "    the rule %s\n", output.Printable(c.Sends))
		}
	}
	for _, f := range m.Failures {
		fmt.Fprintf(w, "  %s\n", f)
	}
	if len(m.Calls)+len(m.Failures) == 0 {
		fmt.Fprintln(w, "  skipped: no rule makes a call of it")
	}
	for _, r := range m.Reasons {
		fmt.Fprintf(w, "  %s\n", r)
	}
	return nil
}

func (f mappedFailed) String() string {
	return "dead letter  " + f.Reason + "  " + ofEvent(f.Item) + inRule(f.Rule, f.Call, f.Field, f.Detail)
}

// inRule says what is so, and in which rule, call and field, as far as those are known.
func inRule(rule, call, field, detail string) string {
	text := ""
	if rule != "" {
		text += fmt.Sprintf("rule %q, ", rule)
	}
	if call != "" {
		text += fmt.Sprintf("call %q, ", call)
	}
	if field != "" {
		text += field + ": "
	}
	return text + output.Printable(detail)
}
