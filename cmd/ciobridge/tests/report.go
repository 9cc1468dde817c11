package tests

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ciobridge/ciobridge/cmd/ciobridge/cli"
	"github.com/ciobridge/ciobridge/internal/exit"
	"github.com/ciobridge/ciobridge/internal/output"
	"github.com/ciobridge/ciobridge/mapping/ruletest"
)

// report is what came of all tests.
type report struct {
	OK       bool               `json:"ok"`
	Name     string             `json:"-"`
	Files    int                `json:"rule_files"`
	Failed   int                `json:"failed"`
	Tests    []Outcome          `json:"tests"`
	Written  []written          `json:"golden_files,omitempty"`
	Coverage *ruletest.Coverage `json:"coverage,omitempty"`

	least float64 // coverage in percent
}

func (r *report) add(results []ruletest.Result) {
	for _, t := range results {
		of := NewOutcome(t)
		of.Seconds = t.Took.Seconds()
		if !of.Passed {
			r.Failed++
		}
		r.Tests = append(r.Tests, of)
	}
}

// verdict is the error with which the command ends.
func (r *report) verdict() error {
	var errs []string
	if r.Failed > 0 {
		errs = append(errs, fmt.Sprintf("%d of %s failed", r.Failed, output.Count(len(r.Tests), "test")))
	}
	if r.Coverage != nil && r.Coverage.Percent < r.least {
		errs = append(errs, fmt.Sprintf("the coverage is %s, of at least %g%%", percent(r.Coverage), r.least))
	}
	if len(errs) == 0 {
		return nil
	}
	return exit.With(exit.Differences, errors.New(r.Name+": "+strings.Join(errs, ", ")))
}

// print prints the results. In forms that programs read, only those stand on standard output.
func (r *report) print(cmd *cobra.Command, form *cli.Word) error {
	r.OK = r.verdict() == nil
	out, beside := cmd.OutOrStdout(), cmd.ErrOrStderr()
	switch form.String() {
	case string(cli.JSON):
		if err := output.JSON(out, r); err != nil {
			return err
		}
	case asJUnit, asTAP:
		write := map[string]func(io.Writer, *report) error{asJUnit: writeJUnit, asTAP: writeTAP}[form.String()]
		if err := write(out, r); err != nil {
			return err
		}
		r.printWritten(beside)
		if err := r.printCoverage(beside); err != nil {
			return err
		}
	default:
		beside = out
		if err := r.printText(out); err != nil {
			return err
		}
	}
	if form.Annotates() {
		r.annotate(beside)
	}
	return nil
}

func (r *report) printText(w io.Writer) error {
	r.printWritten(w)
	PrintFailed(w, r.Tests)
	if err := r.printCoverage(w); err != nil {
		return err
	}
	if r.OK {
		fmt.Fprintf(w, "%s: %s passed: ok\n", r.Name, output.Count(len(r.Tests), "test"))
	}
	return nil
}

func (r *report) printWritten(w io.Writer) {
	for _, g := range r.Written {
		what := "is as it was"
		if g.Changed {
			what = "was written"
		}
		fmt.Fprintf(w, "golden file %s: %s, %s\n", g.File, what, output.Count(g.Tests, "test"))
	}
}

func percent(c *ruletest.Coverage) string { return fmt.Sprintf("%.1f%%", c.Percent) }

func (r *report) printCoverage(w io.Writer) error {
	if r.Coverage == nil {
		return nil
	}
	rows := [][]string{{"RULE", "TESTS", "CALLS", "CONDITIONS"}}
	for _, c := range r.Coverage.Rules {
		rows = append(rows, []string{output.Printable(c.Rule), fmt.Sprint(c.Tests), ofAll(c.Actions),
			ofAll(c.Conditions)})
	}
	if err := output.Table(w, rows); err != nil {
		return err
	}
	for _, c := range r.Coverage.Rules {
		for _, p := range c.Missed {
			fmt.Fprintf(w, "not reached: %s: rule %q, %s\n", p.Place, c.Rule, p.What)
		}
	}
	_, err := fmt.Fprintf(w, "coverage: %s, %d of %s\n", percent(r.Coverage), r.Coverage.Reached,
		output.Count(r.Coverage.Points, "point"))
	return err
}

func ofAll(r ruletest.Reached) string { return fmt.Sprintf("%d of %d", r.Reached, r.Points) }

// annotate writes what failed, and what no test reaches, for GitHub.
func (r *report) annotate(w io.Writer) {
	AnnotateFailed(w, r.Tests)
	if r.Coverage == nil {
		return
	}
	for _, c := range r.Coverage.Rules {
		for _, p := range c.Missed {
			cli.Annotate(w, cli.WarningLevel, p.Place, "no test reaches this",
				fmt.Sprintf("rule %q, %s", c.Rule, p.What))
		}
	}
}
