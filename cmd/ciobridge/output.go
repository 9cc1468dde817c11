package main

import (
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/app"
	"github.com/ciobridge/ciobridge/cmd/ciobridge/cli"
	"github.com/ciobridge/ciobridge/config"
	"github.com/ciobridge/ciobridge/internal/exit"
	"github.com/ciobridge/ciobridge/internal/mistake"
	"github.com/ciobridge/ciobridge/internal/output"
	"github.com/ciobridge/ciobridge/mapping/explain"
)

// What a command says, and where: results go to standard output, in words or as JSON; everything else, such as
// errors, warnings and progress, goes to standard error. Lists are one JSON object a line, so that they can be read
// as they come.

// format is how results are printed.
type format = cli.Format

const (
	asText = cli.Text
	asJSON = cli.JSON
)

func outputFlag(cmd *cobra.Command, f *format) { cli.OutputFlag(cmd, f) }

// written is standard output, and the first error with which it was written to: a command whose result is lost has
// failed, also where it does not look.
type written struct {
	io.Writer
	err atomic.Pointer[error]
}

func (w *written) Write(p []byte) (int, error) {
	n, err := w.Writer.Write(p)
	if err != nil {
		w.err.CompareAndSwap(nil, &err)
	}
	return n, err
}

func (w *written) failed() error {
	if err := w.err.Load(); err != nil {
		return *err
	}
	return nil
}

// A loggedError ends a command that logs, and is told as a line of its log.
type loggedError struct{ err error }

func (e *loggedError) Error() string { return e.err.Error() }

// Unwrap returns the error itself.
func (e *loggedError) Unwrap() error { return e.err }

// logged has an error told as the log of its command is written, unless a flag says how to print errors. Where the
// configuration could not be read nobody knows, and it is told in plain words.
func logged(cmd *cobra.Command, c config.Log, err error) error {
	if err == nil || c.Format != "json" || cmd.Flags().Changed("output") {
		return err
	}
	return &loggedError{err}
}

// logError writes the error as the last line of a log.
func logError(w io.Writer, err error) {
	log, failed := app.NewLogger(config.Log{Level: "error", Format: "json"}, w)
	if failed != nil {
		fmt.Fprintf(w, "ciobridge: %v\n", err)
		return
	}
	// zap would spell out what is wrapped
	fields := []zap.Field{zap.Error(errors.New(err.Error())), zap.Int("code", exit.Code(err))}
	if list := mistakes(err); len(list) > 1 {
		fields = append(fields, zap.Strings("details", list))
	}
	log.Error("ended with an error", fields...)
}

// printError tells the error that ended a command, in the form in which the command was asked to print.
func printError(w io.Writer, cmd *cobra.Command, err error) {
	if l := (*loggedError)(nil); errors.As(err, &l) {
		logError(w, l.err)
		return
	}
	flag := cmd.Flags().Lookup("output")
	if flag == nil || flag.Value.String() != string(asJSON) {
		fmt.Fprintf(w, "ciobridge: %v\n", err)
		return
	}
	told := struct {
		Error   bool     `json:"error"`
		Code    int      `json:"code"`
		Message string   `json:"message"`
		Details []string `json:"details,omitempty"`
	}{Error: true, Code: exit.Code(err), Message: err.Error()}
	if list := mistakes(err); len(list) > 1 {
		told.Details = list
	}
	if err := output.JSON(w, told); err != nil {
		fmt.Fprintf(w, "ciobridge: %v\n", err)
	}
}

// mistakes lists the texts of the errors that were joined into one, each text once.
func mistakes(err error) (texts []string) {
	for _, m := range mistake.All(err) {
		texts = append(texts, m.Error())
	}
	return texts
}

// String is the line in which map tells of a call.
func (c mappedCall) String() string {
	in := ""
	if c.Workspace != "" {
		in = fmt.Sprintf("workspace %q, ", c.Workspace)
	}
	text := fmt.Sprintf("%s  %s%srule %q, call %q, id %s", c.Action, ofEvent(int(c.Item)), in, c.Rule, c.Call, c.ID)
	if c.Unsent {
		text += "; not sent, since the rule says send: false"
	}
	return text
}

// headings are what a reason is called in a list for people.
var headings = map[explain.Why]string{
	explain.NoRule: "no rule", explain.Condition: "condition", explain.NoItem: "no item", explain.NoEvent: "no event",
	explain.NotListed: "not listed", explain.ValueLeftOut: "left out", explain.ValueCut: "truncated",
}

func (r mappedReason) String() string {
	return headings[explain.Why(r.Why)] + "  " + ofEvent(r.Item) + inRule(r.Rule, r.Call, r.Field, r.Detail)
}
