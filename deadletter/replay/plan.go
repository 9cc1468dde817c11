package replay

import (
	"context"
	"fmt"

	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/event"
)

// Plan is what a replay would make of one event.
type Plan struct {
	Letters  []*deadletter.Letter
	Calls    []event.Call    // that it would send
	Failures []event.Failure // that it would write again
}

// DryRun maps the chosen letters and gives each event's plan to each. It sends nothing and takes no lock. In the
// progress, Delivered counts the letters whose calls would be sent.
func (r *Replay) DryRun(ctx context.Context, each func(Plan) error) (Progress, error) {
	events, err := r.selectEvents(ctx)
	if err != nil {
		return r.Progress(), fmt.Errorf("try replay: %w", err)
	}
	mapper := r.Mapper()
	for _, selection := range events {
		whole, err := r.load(ctx, selection)
		if err != nil {
			return r.Progress(), fmt.Errorf("try replay: %w", err)
		}
		if len(whole) == 0 {
			continue
		}
		m := r.message(whole)
		if r.opts.Content != nil {
			if err := r.opts.Content(ctx, &m); err != nil {
				return r.Progress(), fmt.Errorf("try replay: %w", err)
			}
		}
		e := eventOf(&m)
		calls, failures := mapper.Map(&m)
		e.noteWritten(failures)
		r.mu.Lock()
		r.resolutionsOf(e)
		r.mu.Unlock()
		if err := each(Plan{Letters: whole, Calls: calls, Failures: failures}); err != nil {
			return r.Progress(), err
		}
	}
	return r.Progress(), nil
}
