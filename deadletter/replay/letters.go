package replay

import (
	"context"

	"github.com/ciobridge/ciobridge/event"
)

// DeadLetters stores what fails again in a replay.
type DeadLetters struct{ store Store }

// Put stores failed messages of a replay, with the attempts of the letters that they come from added to their own. A
// call that failed before it was sent counts as one attempt, so that every replay shows. A failure that says the same
// as its letter is not stored again: its attempt is only counted, because otherwise every replay would copy what nobody
// repairs.
func (d *DeadLetters) Put(ctx context.Context, failed ...event.FailedMessage) error {
	stored := make([]event.FailedMessage, 0, len(failed))
	for _, f := range failed {
		if e := eventOf(&f.Message); e != nil {
			f.Failures, f.Original = e.newFailures(f.Failures), e.original()
		}
		if len(f.Failures) > 0 {
			stored = append(stored, f)
		}
	}
	if err := d.store.Put(ctx, stored...); err != nil {
		return err
	}
	for i := range stored {
		if e := eventOf(&stored[i].Message); e != nil {
			e.noteWritten(stored[i].Failures)
		}
	}
	return nil
}
