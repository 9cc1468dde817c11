package reports

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/ciobridge/ciobridge/app"
	"github.com/ciobridge/ciobridge/internal/cloudevent"
	"github.com/ciobridge/ciobridge/internal/output"
	"github.com/ciobridge/ciobridge/report"
	"github.com/ciobridge/ciobridge/report/file"
)

// preview prints what a run would publish, as it is read, and what is told of it once the progress is stopped.
func (f *runFlags) preview(cmd *cobra.Command, r *app.Reporter, hand report.Hand, told io.Writer, stop func()) error {
	rows := newRowWriter(cmd, f.out)
	counts, err := r.Preview(cmd.Context(), hand, func(s report.Shown) error {
		switch {
		case s.Malformed != nil:
			fmt.Fprintf(told, "line %d cannot be read, and would be a dead letter: %s\n", s.Malformed.Line,
				s.Malformed.Detail)
			return nil
		case s.Unchanged:
			return nil
		}
		return rows(s)
	})
	stop()
	if err != nil {
		return err
	}
	fmt.Fprintf(told, "%s: %d would be published, %d unchanged, %s\n", output.Count(counts.Rows, "row"),
		counts.Published, counts.Unchanged, output.Count(counts.Malformed+counts.TooLarge, "dead letter"))
	return nil
}

// newRowWriter prints events: for a person, or as a file would have them.
func newRowWriter(cmd *cobra.Command, out format) func(report.Shown) error {
	w := cmd.OutOrStdout()
	if out != asText {
		form := map[format]string{asJSON: "ndjson", asCSV: "csv"}[out]
		to := file.NewOutput(w, form)
		return func(s report.Shown) error { return to.Publish(cmd.Context(), []cloudevent.Event{s.Event}) }
	}
	return func(s report.Shown) error {
		c, ok := s.Event.Data.(report.Content)
		if !ok {
			return fmt.Errorf("the event of %s has no row", s.Event.Subject)
		}
		in := ""
		if s.Workspace != "" {
			in = "  " + output.Printable(s.Workspace)
		}
		_, err := fmt.Fprintf(w, "%s  %s..%s  revision %d%s  %s\n", output.Printable(c.Object),
			c.Window.Start.Format(time.RFC3339), c.Window.End.Format(time.RFC3339), c.Revision, in,
			output.Printable(string(c.Row)))
		return err
	}
}
