package tests

import (
	"fmt"
	"io"
	"strings"

	"github.com/ciobridge/ciobridge/internal/jsontext"
	"github.com/ciobridge/ciobridge/internal/output"
)

const asTAP = "tap"

// tapEscapes are for a description, in which # begins a directive.
var tapEscapes = strings.NewReplacer(`\`, `\\`, "#", `\#`)

// writeTAP writes version 14 of the Test Anything Protocol. What differs stands in a block of YAML, whose texts are
// written as JSON.
func writeTAP(w io.Writer, r *report) error {
	var b strings.Builder
	fmt.Fprintf(&b, "TAP version 14\n1..%d\n", len(r.Tests))
	for i, t := range r.Tests {
		word := "ok"
		if !t.Passed {
			word = "not ok"
		}
		fmt.Fprintf(&b, "%s %d - %s\n", word, i+1, tapEscapes.Replace(output.Printable(t.Name)))
		if t.Passed {
			continue
		}
		fmt.Fprintf(&b, "  ---\n  at: %s\n  diffs:\n", jsontext.Of(t.Place))
		for _, d := range t.Diffs {
			fmt.Fprintf(&b, "    - %s\n", jsontext.Of(d))
		}
		b.WriteString("  ...\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}
