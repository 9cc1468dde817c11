package main

import (
	"cmp"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ciobridge/ciobridge/cmd/ciobridge/cli"
	"github.com/ciobridge/ciobridge/cmd/ciobridge/ruleset"
	"github.com/ciobridge/ciobridge/cmd/ciobridge/tests"
	"github.com/ciobridge/ciobridge/config"
	"github.com/ciobridge/ciobridge/internal/exit"
	"github.com/ciobridge/ciobridge/internal/mistake"
	"github.com/ciobridge/ciobridge/internal/output"
	"github.com/ciobridge/ciobridge/mapping"
	"github.com/ciobridge/ciobridge/mapping/ruletest"
	"github.com/ciobridge/ciobridge/report"
)

func newCheck() *cobra.Command {
	var in config.Input
	var against []string
	var strict bool
	var out cli.Word
	cmd := &cobra.Command{
		Use:   "check [rule file]...",
		Short: "Find the mistakes in a configuration and run the tests of its rules",
		Long: "Read a configuration and its rule files, or rule files alone, name every mistake with its place, and " +
			"run the tests that\nstand in the rule files. Neither a broker nor a secret is needed.\n\n" +
			"Warnings tell what is allowed and most likely not meant; --strict takes them for mistakes.\n\n" +
			"With --against, name the calls whose identity differs from an older version: events that were sent " +
			"before the change\nand are read again after it would count twice.\n\n" +
			"The exit code is 2 for mistakes, and 6 for tests that fail or identities that differ.",
		Example: "  ciobridge check -c ciobridge.yaml\n" +
			"  ciobridge check rules/*.yaml\n" +
			"  git show main:rules/orders.yaml > /tmp/old.yaml && ciobridge check rules/orders.yaml --against " +
			"/tmp/old.yaml",
		RunE: func(cmd *cobra.Command, files []string) error {
			if len(files) > 0 && (cmd.Flags().Changed("config") || len(in.Set) > 0) {
				return exit.With(exit.Input, fmt.Errorf("give either --config, with --set, or rule files, not both"))
			}
			set, err := ruleset.Read(in, files)
			r := newCheckReport(set, err, strict)
			if len(against) > 0 && err == nil {
				old, err := set.Before(config.Input{Files: against, Set: in.Set})
				if err != nil {
					return exit.With(exit.Input, err)
				}
				r.Changes = identityChanges(mapping.CompareIdentities(old, set.Rules))
			}
			if err := r.print(cmd.OutOrStdout(), format(out.String())); err != nil {
				return err
			}
			if out.Annotates() {
				r.annotate(cmd, &out)
			}
			return r.verdict()
		},
	}
	configFlags(cmd, &in)
	cli.FormsFlag(cmd, &out, cli.GitHub)
	cmd.Flags().BoolVar(&strict, "strict", false, "take warnings for mistakes")
	cmd.Flags().StringArrayVar(&against, "against", nil, "an older configuration or rule file to compare identities "+
		"with; may be repeated, as -c may, and --set counts for it, too")
	return cmd
}

func newCheckReport(set ruleset.Set, err error, strict bool) checkReport {
	r := checkReport{Name: set.Name, Files: len(set.Files), Rules: len(set.Mapping.Rules), strict: strict,
		Mistakes: mistake.Sorted(mistake.All(err))}
	if err != nil {
		return r
	}
	warnings := slices.Clone(set.Rules.Warnings())
	var results []ruletest.Result
	for _, f := range set.Files {
		warnings = append(warnings, ruletest.SameNames(f.Tests)...)
		for _, t := range ruletest.Run(set.Rules, f.Tests, filepath.Dir(f.Path)) {
			results = append(results, t)
			r.Tests = append(r.Tests, tests.NewOutcome(t))
		}
	}
	warnings = append(warnings, ruletest.Untested(set.Rules, set.Mapping.Rules, results)...)
	r.Hash, r.Warnings = set.Rules.Hash(), mistake.Sorted(warnings)
	r.Sends = set.Rules.Notes()
	for _, c := range set.Config.Reports {
		r.Reports = append(r.Reports, newReportView(c))
	}
	if len(r.Reports) > 0 {
		r.State = set.Config.PlacedReportState().Place()
	}
	if set.Rules.Once() && set.Config.Source.Section() != nil {
		r.Ledger = set.Config.PlacedLedger().Place()
	}
	return r
}

// checkReport is what check found.
type checkReport struct {
	OK       bool               `json:"ok"`
	Name     string             `json:"-"`
	Files    int                `json:"rule_files"`
	Rules    int                `json:"rules"`
	Hash     string             `json:"config_hash,omitempty"`
	Mistakes []*mistake.Mistake `json:"mistakes,omitempty"`
	Warnings []*mistake.Mistake `json:"warnings,omitempty"`
	Sends    []*mistake.Mistake `json:"sends,omitempty"`  // what calls may send whose names are the events'
	Ledger   string             `json:"ledger,omitempty"` // where calls are noted that may not be sent twice
	Reports  []reportView       `json:"reports,omitempty"`
	State    string             `json:"report_state,omitempty"` // where it is noted which rows were published
	Tests    []tests.Outcome    `json:"tests,omitempty"`
	Changes  []identityChange   `json:"identity_changes,omitempty"`

	strict bool // warnings are mistakes
}

type identityChange struct {
	Rule string `json:"rule,omitempty"`
	Call string `json:"call,omitempty"`
	Why  string `json:"why"`
}

func identityChanges(changes []mapping.IdentityChange) []identityChange {
	list := make([]identityChange, len(changes))
	for i, c := range changes {
		list[i] = identityChange(c)
	}
	return list
}

// reportView is a report of Customer.io that the bridge runs.
type reportView struct {
	Name     string `json:"name"`
	Type     string `json:"type"`
	Schedule string `json:"schedule"`
	To       string `json:"to"`
}

func newReportView(c report.Config) reportView {
	return reportView{c.Name, c.Type, cmp.Or(c.Schedule, report.DefaultSchedule), c.To.Place()}
}

// verdict is the error with which check ends.
func (r *checkReport) verdict() error {
	if n := len(r.Mistakes); n > 0 {
		return exit.With(exit.Input, fmt.Errorf("%s: %s", r.Name, output.Count(n, "mistake")))
	}
	if n := len(r.Warnings); n > 0 && r.strict {
		return exit.With(exit.Input, fmt.Errorf("%s: %s", r.Name, output.Count(n, "warning")))
	}
	var differ []string
	if n := r.failed(); n > 0 {
		differ = append(differ, fmt.Sprintf("%d of %s failed", n, output.Count(len(r.Tests), "test")))
	}
	if n := len(r.Changes); n > 0 {
		differ = append(differ, output.Count(n, "identity change"))
	}
	if len(differ) == 0 {
		return nil
	}
	return exit.With(exit.Differences, fmt.Errorf("%s: %s", r.Name, strings.Join(differ, ", ")))
}

func (r *checkReport) failed() int {
	n := 0
	for _, t := range r.Tests {
		if !t.Passed {
			n++
		}
	}
	return n
}

func (r *checkReport) print(w io.Writer, f format) error {
	r.OK = r.verdict() == nil
	if f == asJSON {
		return output.JSON(w, r)
	}
	for _, m := range r.Mistakes {
		fmt.Fprintln(w, m)
	}
	for _, m := range r.Warnings {
		fmt.Fprintln(w, "warning:", m)
	}
	for _, m := range r.Sends {
		fmt.Fprintln(w, "note:", m)
	}
	if r.Ledger != "" {
		fmt.Fprintf(w, "note: the rules make calls that would count twice if they were sent twice; the send ledger "+
			"that keeps them from it is the %s\n", r.Ledger)
	}
	for _, v := range r.Reports {
		fmt.Fprintf(w, "note: the report %s (%s) runs %s and goes to the %s\n", v.Name, v.Type, v.Schedule, v.To)
	}
	if r.State != "" {
		fmt.Fprintf(w, "note: what was published of reports is noted in the %s\n", r.State)
	}
	tests.PrintFailed(w, r.Tests)
	for _, c := range r.Changes {
		if c.Rule == "" {
			fmt.Fprintf(w, "identity changed: %s\n", c.Why)
			continue
		}
		fmt.Fprintf(w, "identity changed: rule %q, call %q: %s\n", c.Rule, c.Call, c.Why)
	}
	if r.OK {
		fmt.Fprintf(w, "%s: %s, %s passed: ok\n", r.Name, output.Count(r.Rules, "rule"),
			output.Count(len(r.Tests), "test"))
	}
	return nil
}
