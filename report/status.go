package report

import (
	"context"
	"time"

	"go.uber.org/zap"
)

// A Status tells how it stands with one workspace of a report.
type Status struct {
	Report    string    `json:"report"`
	Type      string    `json:"type"`
	Workspace string    `json:"workspace"` // empty for the first
	To        string    `json:"to"`
	Schedule  string    `json:"schedule"`
	Next      time.Time `json:"next,omitzero"` // in the past where a run is late
	// The last run. There is none where At is zero.
	At      time.Time `json:"at,omitzero"` // for which it was scheduled, or when it was asked for
	ByHand  bool      `json:"by_hand,omitempty"`
	Begun   time.Time `json:"begun,omitzero"`
	Ended   time.Time `json:"ended,omitzero"` // zero while it is open
	Running bool      `json:"running"`        // in this process
	Counts  Counts    `json:"counts"`         // of the last attempt at it
	// Trouble is why it has failed, and Since is when it first did.
	Trouble string    `json:"trouble,omitempty"`
	Since   time.Time `json:"since,omitzero"`
}

// Status tells how it stands with every report, in their order, as far as this process knows.
func (r *Runner) Status() []Status {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := make([]Status, len(r.entries))
	for i, e := range r.entries {
		list[i] = e.status()
	}
	return list
}

// StoredStatus tells what the store knows of reports; without one none has run. Whoever asks need not lead.
func StoredStatus(ctx context.Context, store Store, reports []Report) ([]Status, error) {
	var records map[string]record
	if store != nil {
		var err error
		if records, err = loadRecords(ctx, store); err != nil {
			return nil, err
		}
	}
	var list []Status
	for i := range reports {
		c := &reports[i].Config
		schedule, err := ParseSchedule(c.Schedule)
		if err != nil {
			return nil, err
		}
		for _, workspace := range c.In() {
			rec, found := records[keyOf(c.Name, workspace)]
			if !found {
				rec.Scheduled = time.Now()
			}
			e := entry{Report: &reports[i], workspace: workspace, schedule: schedule}
			e.keep(rec)
			list = append(list, e.status())
		}
	}
	return list, nil
}

func (e *entry) status() Status {
	rec := &e.record
	s := Status{
		Report: e.Config.Name, Type: e.Config.Type, Workspace: e.workspace, Schedule: e.schedule.String(),
		To: e.Config.To.Place(),
		At: rec.At, ByHand: rec.ByHand, Begun: rec.Begun, Ended: rec.Ended, Running: e.running, Counts: rec.Counts,
		Trouble: rec.Trouble, Since: rec.Ended, Next: e.due,
	}
	if e.Target != nil {
		s.To = e.Target.Place()
	}
	if e.trouble != "" {
		s.Trouble, s.Since = e.trouble, e.since
	}
	if s.Trouble == "" {
		s.Since = time.Time{}
	}
	if e.running {
		s.Counts = e.counts
	}
	if rec.Open && !rec.ByHand {
		s.Next = rec.At
	}
	return s
}

func (r *Runner) troubled(entries []*entry, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range entries {
		if e.trouble == "" {
			e.since = r.now()
		}
		e.trouble = err.Error()
	}
}

// waiting tells that a run waits for its target, or goes on.
func (r *Runner) waiting(e *entry, err error) {
	if err != nil {
		r.Log.Warn("a report waits for where its rows go", append(e.fields(), zap.String("to", e.Target.Place()),
			zap.Error(err))...)
		r.troubled([]*entry{e}, err)
		return
	}
	r.Log.Info("the rows of a report are taken again", e.fields()...)
	r.mu.Lock()
	defer r.mu.Unlock()
	e.trouble, e.since = "", time.Time{}
}

// relieved forgets the trouble of each entry whose run does not fail.
func (r *Runner) relieved(entries ...*entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range entries {
		if e.failures.Count == 0 {
			e.trouble, e.since = "", time.Time{}
		}
	}
}

func (r *Runner) began(e *entry, rec record) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e.keep(rec)
	e.running, e.counts = true, Counts{}
}

// counted shows how far an attempt has come.
func (r *Runner) counted(e *entry, c Counts) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.metrics.count(e, e.counts, c)
	e.counts = c
}

// ended notes what became of an attempt.
func (r *Runner) ended(e *entry, rec record, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e.running = false
	rec.Counts = e.counts
	if err != nil {
		rec.Open = true // whatever of its end was stored
		rec.Ended = time.Time{}
	}
	e.keep(rec)
	r.metrics.ended(e, rec, err)
	if err != nil {
		return
	}
	e.trouble, e.since = "", time.Time{}
	if rec.Trouble != "" {
		return
	}
	c := rec.Counts
	r.Log.Info("a report was run", append(e.fields(), zap.Time("at", rec.At), zap.Duration("took",
		rec.Ended.Sub(rec.Begun)), zap.Int("rows", c.Rows), zap.Int("published", c.Published), zap.Int("unchanged",
		c.Unchanged), zap.Int("malformed", c.Malformed), zap.Int("too_large", c.TooLarge))...)
}
