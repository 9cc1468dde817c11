package tests

import (
	"fmt"
	"io"
	"strings"

	"github.com/ciobridge/ciobridge/cmd/ciobridge/cli"
	"github.com/ciobridge/ciobridge/internal/output"
	"github.com/ciobridge/ciobridge/mapping/ruletest"
)

// Outcome is what came of one test of rules.
type Outcome struct {
	Name    string   `json:"name"`
	Place   string   `json:"place"`
	Passed  bool     `json:"passed"`
	Diffs   []string `json:"diffs,omitempty"`
	Seconds float64  `json:"seconds,omitempty"` // that it took, of the command test

	result ruletest.Result
}

// NewOutcome tells what came of a test.
func NewOutcome(t ruletest.Result) Outcome {
	return Outcome{Name: t.Name, Place: t.Place.String(), Passed: len(t.Diffs) == 0, Diffs: t.Diffs,
		result: t}
}

// PrintFailed tells of those that failed.
func PrintFailed(w io.Writer, all []Outcome) {
	for _, t := range all {
		if t.Passed {
			continue
		}
		fmt.Fprintf(w, "FAIL %s: %s\n", t.Place, output.Printable(t.Name))
		for _, d := range t.Diffs {
			fmt.Fprintf(w, "     %s\n", output.Printable(d))
		}
	}
}

// AnnotateFailed writes those that failed for GitHub.
func AnnotateFailed(w io.Writer, all []Outcome) {
	for _, t := range all {
		if !t.Passed {
			cli.Annotate(w, cli.ErrorLevel, t.result.Place, "test failed: "+t.Name, strings.Join(t.Diffs, "\n"))
		}
	}
}
