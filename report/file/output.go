package file

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/ciobridge/ciobridge/internal/cloudevent"
)

// Output writes events to standard output, or wherever else nothing can be read back from.
type Output struct {
	to   io.Writer
	form form
}

// NewOutput writes to a writer, in one of the formats of NewTarget.
func NewOutput(to io.Writer, format string) *Output { return &Output{to, formOf(format)} }

// Place implements report.Target.
func (o *Output) Place() string { return "standard output" }

// Close implements report.Target.
func (o *Output) Close() {}

// Check implements report.Target.
func (o *Output) Check(context.Context) error { return nil }

// Position implements report.Target. There is none.
func (o *Output) Position(context.Context) (string, error) { return "", nil }

// Published implements report.Target. Nothing is known of what was written.
func (o *Output) Published(context.Context, string, func(id, hash string)) error { return nil }

// Publish implements report.Target.
func (o *Output) Publish(ctx context.Context, events []cloudevent.Event) error {
	text, err := encodeAll(o.form, events)
	if err = errors.Join(ctx.Err(), err); err != nil {
		return err
	}
	if _, err := o.to.Write(text); err != nil {
		return fmt.Errorf("write to standard output: %w", err)
	}
	return nil
}
