package report

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/internal/mistake"
	"github.com/ciobridge/ciobridge/internal/retry"
)

// A Report is one that is run: what it is, what it is read from, and where it is published.
type Report struct {
	Config Config
	Reader Reader
	Target Target
}

// Options are what a Runner works with.
type Options struct {
	Reports    []Report
	Store      Store
	DeadLetter DeadLetter
	Log        *zap.Logger
	Registry   prometheus.Registerer
}

// A Runner runs reports when it is time for them, or when somebody asks.
type Runner struct {
	Options
	entries []*entry
	metrics *metrics
	now     func() time.Time // that of the clock on the wall, which may be set
	group   int              // how many events are published together
	held    int              // how many events are known of those that a target holds

	// Of the goroutine of Run.
	pauses  retry.Streak // of failures of the store
	resting time.Time    // until when the store is left alone after a failure

	mu     sync.Mutex // guards what Status tells; only the goroutine that runs reports writes it
	loaded bool       // what the store holds has been read since the start
}

// An entry is one workspace of a report.
type entry struct {
	*Report
	workspace string
	schedule  Schedule
	failures  *retry.Streak
	resting   time.Time // until when it is left alone after a failure
	failure   error     // of the last run, where it cannot succeed

	// Guarded by the mutex of the Runner.
	record  record
	due     time.Time // the first time of the schedule that is not done with; zero if there is none
	running bool
	counts  Counts // of the attempt that is running
	trouble string
	since   time.Time
}

// New prepares reports to be run. Its error has every mistake in the schedules.
func New(o Options) (*Runner, error) {
	r := &Runner{Options: o, now: time.Now, group: mostEvents, held: mostReadBack, pauses: *pauses.Streak()}
	var errs []error
	for i := range o.Reports {
		report := &o.Reports[i]
		schedule, err := ParseSchedule(report.Config.Schedule)
		if err != nil {
			errs = append(errs, mistake.Under(fmt.Sprintf("reports[%d].schedule", i), err))
			continue
		}
		for _, workspace := range report.Config.In() {
			r.entries = append(r.entries, &entry{
				Report: report, workspace: workspace, schedule: schedule, failures: pauses.Streak(),
			})
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	r.metrics = newMetrics(o.Registry, r.entries)
	return r, nil
}

var pauses = retry.Policy{First: 10 * time.Second, Longest: 10 * time.Minute, Growth: 2}

const (
	lookEvery  = 30 * time.Second // at the clock, which may have been set
	lookAtMost = time.Second / 10 // between two looks
	farAhead   = 24 * time.Hour   // a record of a later time is from a clock that was wrong
)

// Run runs reports until ctx ends, one after the other, each at the times of its schedule. One whose time has passed
// while nobody was there runs once. Of several processes with one store one runs a report.
func (r *Runner) Run(ctx context.Context) {
	for ctx.Err() == nil {
		now := r.now()
		if r.isDue(now) {
			r.lead(ctx)
			now = r.now()
		}
		if r.isDue(now) {
			continue
		}
		// A clock that was set may show that it is time where none has passed.
		if !retry.Sleep(ctx, min(max(r.nextLook().Sub(now.Round(0)), lookAtMost), lookEvery)) {
			return
		}
	}
}

// isDue reports whether there is anything to do that one has to lead for.
func (r *Runner) isDue(now time.Time) bool {
	if now.Before(r.resting) {
		return false
	}
	for _, e := range r.entries {
		if !r.loaded || e.isDue(now) {
			return true
		}
	}
	return false
}

// nextLook is when something may be due, as far as is known.
func (r *Runner) nextLook() time.Time {
	var next time.Time
	for _, e := range r.entries {
		if t := e.next(); next.IsZero() || t.Before(next) {
			next = t
		}
	}
	if next.Before(r.resting) {
		return r.resting
	}
	return next
}

// isDue reports whether a run has to be finished, or to be begun.
func (e *entry) isDue(now time.Time) bool {
	if now.Before(e.resting) || e.record.Open {
		return !now.Before(e.resting)
	}
	if e.record.isAhead(now) { // it is corrected when it is loaded
		return true
	}
	return !e.due.IsZero() && !e.due.After(now)
}

// next is when the entry is looked at again.
func (e *entry) next() time.Time {
	if e.record.Open {
		return e.resting
	}
	if e.due.IsZero() { // not for years
		return e.record.Scheduled.Add(farAhead * 365)
	}
	if e.due.After(e.resting) {
		return e.due
	}
	return e.resting
}

// keep notes a record.
func (e *entry) keep(rec record) { e.record, e.due = rec, e.schedule.Next(rec.Scheduled) }

// lead runs what is due while no other process does.
func (r *Runner) lead(ctx context.Context) {
	led, release, err := r.Store.Lead(ctx, func() {
		r.Log.Info("reports are being run by another process", zap.String("state", r.Store.Place()))
	})
	if err == nil {
		defer release()
		err = r.load(led)
	}
	if err != nil {
		if ctx.Err() != nil || led != nil && led.Err() != nil {
			return
		}
		if r.pauses.Count == 0 {
			r.Log.Warn("reports cannot be run: their state cannot be used", zap.Error(err))
		}
		r.resting = r.now().Add(r.pauses.Failed())
		r.troubled(r.entries, err)
		return
	}
	if r.pauses.Worked() {
		r.Log.Info("reports can be run again")
		r.relieved(r.entries...)
	}
	for _, e := range r.entries {
		if led.Err() == nil && e.isDue(r.now()) {
			r.run(led, e)
		}
	}
	if led.Err() != nil && ctx.Err() == nil {
		r.Log.Warn("the right to run reports was lost", zap.String("state", r.Store.Place()))
		r.resting = r.now().Add(r.pauses.Failed())
	}
}

// load reads all records, and notes reports that are new from now on.
func (r *Runner) load(ctx context.Context) error {
	records, err := loadRecords(ctx, r.Store)
	if err != nil {
		return err
	}
	now := r.now().UTC().Truncate(time.Second)
	for _, e := range r.entries {
		rec, found := records[keyOf(e.Config.Name, e.workspace)]
		if rec.isAhead(now) {
			r.Log.Warn("the state of a report is from the future: its schedule goes on from now", e.fields()...)
			rec.correct(now)
			found = false
		}
		if !found {
			if rec.Scheduled.IsZero() {
				rec.Scheduled = now
			}
			if err := rec.put(ctx, r.Store, e.Config.Name, e.workspace); err != nil {
				return err
			}
		}
		if !rec.Open && (e.record.Open || !rec.At.Equal(e.record.At)) { // another process has ended what failed here
			r.works(e)
		}
		r.mu.Lock()
		e.keep(rec)
		r.metrics.loaded(e)
		r.mu.Unlock()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.loaded = true
	return nil
}
