package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/ciobridge/ciobridge/internal/exit"
	"github.com/ciobridge/ciobridge/internal/output"
	"github.com/ciobridge/ciobridge/mapping"
)

// checkReport is what check found.
type checkReport struct {
	OK       bool             `json:"ok"`
	Name     string           `json:"-"`
	Files    int              `json:"rule_files"`
	Rules    int              `json:"rules"`
	Hash     string           `json:"config_hash,omitempty"`
	Mistakes []string         `json:"mistakes,omitempty"`
	Warnings []string         `json:"warnings,omitempty"`
	Tests    []testReport     `json:"tests,omitempty"`
	Changes  []identityChange `json:"identity_changes,omitempty"`
}

type testReport struct {
	Name   string   `json:"name"`
	Place  string   `json:"place"`
	Passed bool     `json:"passed"`
	Diffs  []string `json:"diffs,omitempty"`
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

// verdict is the error with which check ends.
func (r *checkReport) verdict() error {
	if n := len(r.Mistakes); n > 0 {
		return exit.With(exit.Input, fmt.Errorf("%s: %s", r.Name, output.Count(n, "mistake")))
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
	for _, t := range r.Tests {
		if t.Passed {
			continue
		}
		fmt.Fprintf(w, "FAIL %s: %s\n", t.Place, t.Name)
		for _, d := range t.Diffs {
			fmt.Fprintf(w, "     %s\n", d)
		}
	}
	for _, c := range r.Changes {
		if c.Rule == "" {
			fmt.Fprintf(w, "identity changed: %s\n", c.Why)
			continue
		}
		fmt.Fprintf(w, "identity changed: rule %q, call %q: %s\n", c.Rule, c.Call, c.Why)
	}
	if r.OK {
		fmt.Fprintf(w, "%s: %s, %s passed: ok\n", r.Name, output.Count(r.Rules, "rule"), output.Count(len(r.Tests), "test"))
	}
	return nil
}
