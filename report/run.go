package report

import (
	"context"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/internal/retry"
)

// run makes one attempt at what is due of an entry: at the run that is open, or at a new one for the last time of the
// schedule that has come. The errors are told by Status and the log.
func (r *Runner) run(ctx context.Context, e *entry) {
	err := r.attempt(ctx, e, nil, nil)
	switch {
	case err == nil:
		r.works(e)
	case ctx.Err() != nil: // the next one to lead goes on
	default:
		if e.failures.Count == 0 {
			r.Log.Warn("a report has failed, and is tried again", append(e.fields(), zap.Error(err))...)
		}
		e.resting = r.now().Add(e.failures.Failed())
		r.troubled([]*entry{e}, err)
	}
}

// works notes that what was due of an entry has ended.
func (r *Runner) works(e *entry) {
	if e.failures.Worked() && e.failure == nil {
		r.Log.Info("a report works again", e.fields()...)
	}
	e.resting = time.Time{}
	r.relieved(e)
}

// attempt is one attempt at the open run of an entry, or at a new one where there is none. Its error is nil where the
// run has ended, be it without success.
func (r *Runner) attempt(ctx context.Context, e *entry, hand *Hand, progress func(Counts)) error {
	cut := e.record.Open
	if cut {
		// What others have handed over may still arrive, and may have ended the run.
		if err := waitUntilSettled(ctx); err != nil {
			return err
		}
		if err := r.load(ctx); err != nil || !e.record.Open {
			return err
		}
	}
	if err := e.Target.Check(ctx); err != nil { // it may have become another one since the start
		return err
	}
	rec := e.record
	if cut = cut && rec.Place == e.Target.Place(); !cut {
		if err := r.begin(ctx, e, &rec, hand); err != nil || !rec.Open {
			return err
		}
	}
	r.began(e, rec)
	a := &attempt{
		waits:  func(err error) { r.waiting(e, err) },
		report: e.Report, workspace: e.workspace, run: &rec, store: r.Store, letters: r.deadLetter, held: r.held,
		group: group{most: r.group},
		progress: func(c Counts) {
			r.counted(e, c)
			if progress != nil {
				progress(c)
			}
		},
	}
	err := a.do(ctx, cut)
	r.counted(e, a.counts)
	if e.failure = nil; retry.IsPermanent(err) {
		if hand == nil { // who asked by hand gets the error
			r.Log.Error("a report is given up until its next time", append(e.fields(), zap.Error(err))...)
		}
		rec.Trouble, e.failure = err.Error(), err
		err = nil
	}
	if err == nil {
		rec.end(a.counts)
		err = rec.put(ctx, r.Store, e.Config.Name, e.workspace)
	}
	r.ended(e, rec, err)
	return err
}

// begin notes that a run begins, or that the one which is open goes on at another target. What was published elsewhere
// is not looked for there. Where the clock was set back just now, no run is due any more, and none begins.
func (r *Runner) begin(ctx context.Context, e *entry, rec *record, hand *Hand) error {
	position, err := e.Target.Position(ctx)
	if err != nil {
		return fmt.Errorf("look where the %s ends: %w", e.Target.Place(), err)
	}
	if rec.Open {
		rec.Place, rec.Position = e.Target.Place(), position
	} else {
		now := r.now()
		at := now.UTC().Truncate(time.Second)
		if hand == nil {
			at = e.schedule.Latest(rec.Scheduled, now)
		} else if !at.After(rec.At) { // two runs are not of one time
			at = rec.At.Add(time.Second)
		}
		if at.IsZero() {
			return nil
		}
		rec.begin(at, hand, e.Reader.Restated(), e.Target.Place(), position)
	}
	return rec.put(ctx, r.Store, e.Config.Name, e.workspace)
}

// deadLetter keeps a letter, where somebody does.
func (r *Runner) deadLetter(ctx context.Context, l Letter) error {
	if r.DeadLetter != nil {
		return r.DeadLetter(ctx, l)
	}
	r.Log.Warn("a row is left out", zap.String("report", l.Report), zap.String("workspace", l.Workspace),
		zap.String("reason", string(l.Reason)), zap.Int("line", l.Line), zap.String("detail", l.Detail))
	return nil
}

func (e *entry) fields() []zap.Field {
	return []zap.Field{zap.String("report", e.Config.Name), zap.String("workspace", e.workspace)}
}
