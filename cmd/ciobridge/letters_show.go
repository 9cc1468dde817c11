package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ciobridge/ciobridge/config"
	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/exit"
	"github.com/ciobridge/ciobridge/internal/output"
)

func newLettersShow() *cobra.Command {
	var in config.Input
	var out format
	var showValues bool
	cmd := &cobra.Command{
		Use:   "show letter...",
		Short: "Show dead letters with their story",
		Long: "Show all that is known of dead letters, open or not: why the call failed, each time that it did, the " +
			"record, and how the\nletter was resolved.",
		Example: "  ciobridge dlq show 01JBM6W3Q0V9T3Y1H2X4C5D6E7\n" +
			"  ciobridge dlq show 01JBM6W3Q0V9T3Y1H2X4C5D6E7 --show-values -o json",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return exit.With(exit.Input, errors.New("name the letters to show: the ids that dlq list gives"))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			ids := make([]event.ID, len(args))
			for i, text := range args {
				var err error
				if ids[i], err = event.ParseID(text); err != nil {
					return exit.With(exit.Input, fmt.Errorf("%q: %w", text, err))
				}
			}
			d, err := openLetters(cmd, in, out)
			if err != nil {
				return err
			}
			defer d.close()
			for _, id := range ids {
				histories, err := deadletter.Show(cmd.Context(), d.store, id)
				if err != nil {
					return lettersError(err)
				}
				for _, h := range histories {
					v := newHistoryView(cmd.Context(), d, h, showValues)
					if err := v.print(cmd.OutOrStdout(), out); err != nil {
						return err
					}
				}
			}
			return nil
		},
	}
	configFlags(cmd, &in)
	outputFlag(cmd, &out)
	showValuesFlag(cmd, &showValues)
	return cmd
}

// historyView is a letter's story: the letter as it was written last, and what happened before and after.
type historyView struct {
	letterView
	Open bool `json:"open"`
	// Written is each time that the call failed, in another way than before.
	Written     []time.Time      `json:"written"`
	FailedAgain []againView      `json:"failed_again,omitempty"` // each time that a replay failed in the same way
	Resolutions []resolutionView `json:"resolutions,omitempty"`
}

type againView struct {
	At       time.Time `json:"at"`
	Attempts int       `json:"attempts"` // up to then
}

type resolutionView struct {
	Outcome string    `json:"outcome"`
	Note    string    `json:"note,omitempty"`
	At      time.Time `json:"at"`
}

func newHistoryView(ctx context.Context, d *lettersClient, h deadletter.History, showValues bool) historyView {
	v := historyView{letterView: newLetterView(ctx, d, h.Letters[len(h.Letters)-1], showValues), Open: h.Open}
	for _, l := range h.Letters {
		v.Written = append(v.Written, l.Written.UTC())
	}
	for _, r := range h.Again {
		v.FailedAgain = append(v.FailedAgain, againView{r.At.UTC(), r.AttemptsOf(h.Letters[0].ID())})
	}
	for _, r := range h.Resolutions {
		v.Resolutions = append(v.Resolutions, resolutionView{string(r.Kind), r.Note, r.At.UTC()})
	}
	return v
}

// named is a name, and whether today's rules have it.
func named(name string, gone bool) string {
	if gone {
		return name + ", which today's rules do not have"
	}
	return name
}

func (v historyView) print(w io.Writer, f format) error {
	if f == asJSON {
		return output.JSON(w, v)
	}
	state := "open"
	if !v.Open {
		state = "resolved"
	}
	line := func(name, format string, args ...any) {
		fmt.Fprintf(w, "%-14s %s\n", name, strings.TrimSpace(output.Printable(fmt.Sprintf(format, args...))))
	}
	optional := func(name, text string) {
		if text != "" {
			line(name, "%s", text)
		}
	}
	line("letter", "%s, %s", v.ID, state)
	line("reason", "%s", v.Reason)
	optional("field", v.Field)
	optional("detail", v.Detail)
	if v.Item > 0 {
		line("event", "number %d of its record", v.Item)
	}
	optional("type", v.Type)
	optional("rule", named(v.Rule, v.Gone == "rule"))
	optional("call", named(v.Call, v.Gone == "call"))
	line("stage", "%s, after %s", v.Stage, output.Count(v.Attempts, "attempt"))
	if v.Status != 0 {
		line("status", "%d", v.Status)
	}
	line("first failed", "%s", v.FirstFailed.Format(time.RFC3339))
	for _, t := range v.Written {
		line("written", "%s", t.Format(time.RFC3339))
	}
	for _, a := range v.FailedAgain {
		line("failed again", "%s in the same way, after %s", a.At.Format(time.RFC3339),
			output.Count(a.Attempts, "attempt"))
	}
	for _, r := range v.Resolutions {
		line("resolved", "%s %s %s", r.At.Format(time.RFC3339), r.Outcome, r.Note)
	}
	line("event", "%s", v.Event)
	line("origin", "%s/%d@%d", v.Origin.Topic, v.Origin.Partition, v.Origin.Offset)
	optional("subject", v.Origin.Subject)
	line("key", "%s", textOf(v.Key))
	if v.KeyContent != nil {
		line("which holds", "%s", textOf(v.KeyContent))
	}
	for _, h := range v.Headers {
		line("header", "%s: %s", h.Key, textOf(h.Value))
	}
	optional("repairs", v.Repairs)
	optional("cut", v.Cut)
	line("value", "%s", textOf(v.Value))
	if v.Content != nil {
		line("which holds", "%s", textOf(v.Content))
	}
	fmt.Fprintln(w)
	return nil
}
