package difference

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/ciobridge/ciobridge/cmd/ciobridge/cli"
	"github.com/ciobridge/ciobridge/internal/output"
)

// print tells what differs: a line for each rule, then totals, then examples.
func (c *comparison) print(w io.Writer, f cli.Format) error {
	if f == cli.JSON {
		return output.JSON(w, c)
	}
	fmt.Fprintf(w, "%s, rules %s and %s\n", output.Count(c.Records, "record"), c.Old.Hash, c.New.Hash)
	if len(c.Rules) > 0 {
		rows := [][]string{{"rule", "added", "removed", "changed", "other identity", "dead letters"}}
		for _, r := range c.Rules {
			name := r.Rule
			if name == "" {
				name = "(before any rule)"
			}
			rows = append(rows, []string{name, strconv.Itoa(r.Added), strconv.Itoa(r.Removed), strconv.Itoa(r.Changed),
				strconv.Itoa(r.Identity), fmt.Sprintf("%d to %d", r.FailedBefore, r.FailedAfter)})
		}
		if err := output.Table(w, rows); err != nil {
			return err
		}
	} else {
		fmt.Fprintln(w, "no call differs")
	}
	fmt.Fprintf(w, "calls %d to %d, dead letters %d to %d, requests at least %d to %d\n", c.Old.Calls, c.New.Calls,
		c.Old.Letters, c.New.Letters, c.Old.Requests, c.New.Requests)
	fmt.Fprintf(w, "people whom only the new rules name: %d\n", c.NewPeople)
	fmt.Fprintf(w, "calls that would count twice: %d\n", c.Twice)
	for _, e := range c.Examples {
		what := e.Kind
		switch {
		case e.Kind == identity:
			what = "other identity"
		case len(e.Fields) > 0:
			what += " " + strings.Join(e.Fields, ", ")
		}
		fmt.Fprintf(w, "%s: rule %q, call %q, %s\n", output.Printable(e.Record), e.Rule, e.Call, output.Printable(what))
		if e.Before != nil {
			fmt.Fprintf(w, "  - %s\n", output.Printable(string(e.Before)))
		}
		if e.After != nil {
			fmt.Fprintf(w, "  + %s\n", output.Printable(string(e.After)))
		}
	}
	return nil
}
