package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/ciobridge/ciobridge/cmd/ciobridge/cli"
	"github.com/ciobridge/ciobridge/config"
	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/jsontext"
	"github.com/ciobridge/ciobridge/internal/output"
)

func newLettersList() *cobra.Command {
	var in config.Input
	var filter filterFlags
	var out format
	var showValues bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List open dead letters",
		Long: "List the open dead letters that meet every condition given, in the order in which a replay would take " +
			"them; all of them\nwithout a condition.",
		Example: "  ciobridge dlq list --reason missing_field,rule_error --failed-after 24h\n" +
			"  ciobridge dlq list --topic shop.orders --partition 3 --offset 100..200 -o json",
		Args: cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			filter.all = filter.all || !filter.chooses()
			d, chosen, err := filter.open(cmd, in, out)
			if err != nil {
				return err
			}
			defer d.close()
			return lettersError(listLetters(cmd, d, chosen, out, showValues))
		},
	}
	configFlags(cmd, &in)
	outputFlag(cmd, &out)
	filter.add(cmd)
	showValuesFlag(cmd, &showValues)
	return cmd
}

func showValuesFlag(cmd *cobra.Command, show *bool) {
	cmd.Flags().BoolVar(show, "show-values", false,
		"print subjects, keys, headers and values, which hold personal "+
			"data, instead of their shape")
}

func listLetters(cmd *cobra.Command, d *lettersClient, chosen deadletter.Filter, out format, showValues bool) error {
	w := cmd.OutOrStdout()
	rows := [][]string{{"LETTER", "FIRST FAILED", "REASON", "RULE", "CALL", "ORIGIN", "ATTEMPTS", "FIELD"}}
	if showValues {
		rows[0] = append(rows[0], "VALUE")
	}
	for l, err := range deadletter.List(cmd.Context(), d.store, chosen) {
		if err != nil {
			return err
		}
		v := newLetterView(cmd.Context(), d, l, showValues)
		if out == asJSON {
			if err := output.JSON(w, v); err != nil {
				return err
			}
			continue
		}
		row := []string{
			v.ID, v.FirstFailed.Format(time.RFC3339), v.Reason, output.Dash(v.Rule), output.Dash(v.Call),
			output.Printable(l.Message.Origin.String()),
			strconv.Itoa(v.Attempts), output.Dash(v.Field),
		}
		if showValues {
			value := v.Value
			if v.Content != nil {
				value = v.Content
			}
			row = append(row, textOf(value))
		}
		rows = append(rows, row)
	}
	if out == asJSON {
		return nil
	}
	if len(rows) == 1 {
		_, err := fmt.Fprintln(w, "no open letter")
		return err
	}
	return output.Table(w, rows)
}

// letterView is a letter as it is printed. Key, value and the headers' values are masked unless they were asked for.
type letterView struct {
	ID          string     `json:"id"`
	Event       string     `json:"event_id"`
	Reason      string     `json:"reason"`
	Field       string     `json:"field,omitempty"`
	Detail      string     `json:"detail,omitempty"`
	Stage       string     `json:"stage"`
	Type        string     `json:"type,omitempty"` // of the event, where its envelope can be read
	Item        int        `json:"item,omitempty"` // the number of the event, of a record that holds several
	Rule        string     `json:"rule,omitempty"`
	Call        string     `json:"call,omitempty"`
	Gone        string     `json:"gone,omitempty"` // rule or call, where today's rules have none of that name
	Attempts    int        `json:"attempts"`
	Status      int        `json:"status,omitempty"`
	FirstFailed time.Time  `json:"first_failed_at"`
	Written     time.Time  `json:"written_at"`
	ConfigHash  string     `json:"config_hash,omitempty"`
	Position    string     `json:"position"`
	Origin      originView `json:"origin"`
	Repairs     string     `json:"repairs,omitempty"` // the letter of which its record is a repaired copy
	Cut         string     `json:"cut,omitempty"`
	Sealed      string     `json:"sealed,omitempty"` // the id of the key that is missing to read the rest
	Key         any        `json:"key"`
	KeyContent  any        `json:"key_content,omitempty"` // what a schema reads of the key, and of the value
	Headers     []header   `json:"headers,omitempty"`
	Value       any        `json:"value"`
	Content     any        `json:"content,omitempty"`
}

type originView struct {
	Topic     string    `json:"topic"`
	Subject   string    `json:"subject,omitempty"`
	Partition int32     `json:"partition"`
	Offset    int64     `json:"offset"`
	Time      time.Time `json:"time,omitzero"`
}

type header struct {
	Key   string `json:"key"`
	Value any    `json:"value"`
}

func newLetterView(ctx context.Context, d *lettersClient, l *deadletter.Letter, showValues bool) letterView {
	f, whole := &l.Failure, l.Message
	m := &whole
	v := letterView{
		ID: l.ID().String(), Event: l.EventID.String(), Reason: string(f.Reason), Field: f.Field, Detail: f.Detail,
		Item: f.Item, Stage: string(f.Stage), Rule: f.Rule, Call: f.Call, Attempts: f.Attempts, Status: f.Status,
		FirstFailed: f.First.UTC(), Written: l.Written.UTC(), ConfigHash: l.ConfigHash, Position: l.Position.String(),
		Origin: originView{m.Origin.Topic, m.Origin.Subject, m.Origin.Partition, m.Origin.Offset, m.Time.UTC()},
		Key:    label(m.Key, showValues), Value: content(m.Value, showValues),
	}
	if m.Origin.Subject != "" && !showValues { // it may name a person
		v.Origin.Subject = deadletter.MaskedText(m.Origin.Subject)
	}
	if m.Time.IsZero() {
		v.Origin.Time = time.Time{}
	}
	if l.Truncated != nil {
		v.Cut = l.Truncated.String()
	}
	if l.Sealed != "" {
		v.Sealed, v.Key = l.Sealed, nil
		v.Value = "sealed under the key " + l.Sealed + ", which dead_letters.keys_file does not have"
	}
	switch isRule, isCall := d.rules.Names(f.Rule, f.Call); {
	case f.Rule != "" && !isRule:
		v.Gone = "rule"
	case f.Call != "" && !isCall:
		v.Gone = "call"
	}
	v.Type = d.typeOf(ctx, m, f.Item)
	v.Content, v.KeyContent = content(m.ValueContent(), showValues), content(m.KeyContent(), showValues)
	if !l.Original.IsZero() {
		v.Repairs = l.Original.Letter.String() + " of event " + l.Original.Event.String()
	}
	for _, h := range m.Headers {
		v.Headers = append(v.Headers, header{h.Key, label(h.Value, showValues)})
	}
	return v
}

// typeOf reads the message, and is the type of an event, or "" where it cannot be told: by its envelope, or because the
// schema registry, of which a warning tells, does not answer.
func (d *lettersClient) typeOf(ctx context.Context, m *event.Message, item int) string {
	if d.content(ctx, m) != nil {
		return ""
	}
	e, err := d.rules.Inspect(*m, item)
	if err != nil {
		return ""
	}
	return e.Type
}

// content is a record's value as JSON shows it best: as JSON, as text, or, where it is neither, in base 64. Masked,
// only its shape is left.
func content(b []byte, show bool) any {
	if !show && b != nil {
		b = deadletter.Masked(b)
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, b); err == nil {
		return json.RawMessage(compact.Bytes())
	}
	return label(b, true)
}

// label is a key, or the value of a header, which are text even where they look like JSON.
func label(b []byte, show bool) any {
	switch {
	case b == nil:
		return nil
	case !show:
		return content(b, false)
	case !utf8.Valid(b):
		return map[string][]byte{"base64": b}
	}
	return string(b)
}

// textOf is content as one line of text.
func textOf(v any) string {
	switch v := v.(type) {
	case nil:
		return "none"
	case string:
		return output.Printable(v)
	}
	return output.Printable(jsontext.Of(v))
}
