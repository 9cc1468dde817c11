package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/ciobridge/ciobridge/deadletter/replay"
	"github.com/ciobridge/ciobridge/internal/output"
	"github.com/ciobridge/ciobridge/mapping"
)

// tryReplay shows what a replay would do.
func tryReplay(cmd *cobra.Command, rules *mapping.Rules, run *replay.Replay, out format) error {
	w := cmd.OutOrStdout()
	_, err := run.DryRun(cmd.Context(), func(t replay.Plan) error { return newPlanView(t).print(w, out) })
	if err != nil {
		return lettersError(err)
	}
	v := newReplayView(run, rules, true)
	if err := v.print(w, out); err != nil {
		return err
	}
	return v.verdict("would stay")
}

// planView is what a replay would make of the letters of one event.
type planView struct {
	Letters  []string       `json:"letters"`
	Origin   string         `json:"origin"`
	Calls    []mappedCall   `json:"calls"`
	Failures []mappedFailed `json:"failures"`
}

// newPlanView leaves the calls' bodies out: they hold personal data.
func newPlanView(t replay.Plan) planView {
	m := newMapped("", mapping.Explanation{Calls: t.Calls, Failures: t.Failures})
	v := planView{Origin: t.Letters[0].Message.Origin.String(), Calls: m.Calls, Failures: m.Failures}
	for _, l := range t.Letters {
		v.Letters = append(v.Letters, l.ID().String())
	}
	for i := range v.Calls {
		v.Calls[i].Body, v.Calls[i].Request = nil, ""
	}
	return v
}

func (v planView) print(w io.Writer, f format) error {
	if f == asJSON {
		return output.JSON(w, v)
	}
	for _, id := range v.Letters {
		fmt.Fprintf(w, "letter %s of %s\n", id, output.Printable(v.Origin))
	}
	for _, c := range v.Calls {
		fmt.Fprintf(w, "  send %s\n", c)
	}
	for _, f := range v.Failures {
		fmt.Fprintf(w, "  %s\n", f)
	}
	if len(v.Calls)+len(v.Failures) == 0 {
		fmt.Fprintln(w, "  nothing to send")
	}
	return nil
}
