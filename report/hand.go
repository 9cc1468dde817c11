package report

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ciobridge/ciobridge/internal/cloudevent"
	"github.com/ciobridge/ciobridge/internal/mistake"
)

// A Hand is what somebody asks for who runs a report by hand.
type Hand struct {
	// Workspaces are those of the report that are run; empty means all.
	Workspaces []string
	// Window is the time that is read; without an End, until now. Zero means all that the report tells of; such a run
	// counts as the scheduled ones do, and the next of those goes on from it.
	Window Window
	// Standby is told once if another process runs reports just now, which is waited for. It may be nil.
	Standby func()
	// Progress is told from time to time. It may be nil.
	Progress func(workspace string, c Counts)
}

// close gives the window its end, where it has none.
func (h *Hand) close(now time.Time) error {
	if h.Window == (Window{}) {
		return nil
	}
	if h.Window.End.IsZero() {
		h.Window.End = now
	}
	h.Window = Window{h.Window.Start.UTC().Truncate(time.Second), h.Window.End.UTC().Truncate(time.Second)}
	if !h.Window.Start.Before(h.Window.End) {
		return mistake.Of("the time from %s until %s is none", h.Window.Start.Format(time.RFC3339),
			h.Window.End.Format(time.RFC3339))
	}
	return nil
}

// Once runs a report now and publishes what is new. A run that was cut short before is finished first. It is not tried
// again: after an error, the run is finished by the next that leads.
func (r *Runner) Once(ctx context.Context, name string, hand Hand) ([]Status, error) {
	chosen, err := chosenOf(name, r.Reports, hand.Workspaces)
	if err != nil {
		return nil, err
	}
	if err := hand.close(r.now()); err != nil {
		return nil, err
	}
	led, release, err := r.Store.Lead(ctx, func() {
		if hand.Standby != nil {
			hand.Standby()
		}
	})
	if err != nil {
		return nil, fmt.Errorf("get the right to run reports: %w", err)
	}
	defer release()
	var list []Status
	for _, e := range r.entries {
		if e.Config.Name != name || !slices.Contains(chosen, e.workspace) {
			continue
		}
		if err := r.onceIn(led, e, hand); err != nil {
			return list, fmt.Errorf("report %s%s: %w", name, in(e.workspace), err)
		}
		r.mu.Lock()
		list = append(list, e.status())
		r.mu.Unlock()
	}
	return list, nil
}

// onceIn runs a report in one workspace.
func (r *Runner) onceIn(ctx context.Context, e *entry, hand Hand) error {
	progress := func(c Counts) {
		if hand.Progress != nil {
			hand.Progress(e.workspace, c)
		}
	}
	if err := r.load(ctx); err != nil {
		return err
	}
	if e.record.Open {
		if err := r.attempt(ctx, e, nil, progress); err != nil {
			return fmt.Errorf("finish the run of %s, which was cut short: %w", e.record.At.Format(time.RFC3339), err)
		}
	}
	if err := r.attempt(ctx, e, &hand, progress); err != nil {
		return err
	}
	return e.failure
}

func in(workspace string) string {
	if workspace == "" {
		return ""
	}
	return " in workspace " + workspace
}

// chosenOf are the workspaces of a report that are run.
func chosenOf(name string, reports []Report, chosen []string) ([]string, error) {
	i := slices.IndexFunc(reports, func(r Report) bool { return r.Config.Name == name })
	if i < 0 {
		return nil, mistake.Of("there is no report %q", name)
	}
	all := reports[i].Config.In()
	for _, workspace := range chosen {
		if !slices.Contains(all, workspace) {
			return nil, mistake.Of("report %s is not read from a workspace %q, but from %s", name, workspace,
				strings.Join(all, ", "))
		}
	}
	if len(chosen) == 0 {
		chosen = all
	}
	return chosen, nil
}

// A Shown is a row in a preview: one that would be published, one that is known, or one that cannot be read.
type Shown struct {
	Workspace string
	Event     cloudevent.Event // its Data is a Content
	Unchanged bool             // the event of this revision was published before
	Malformed *Malformed       // there is no event
}

// Preview reads a report and tells what a run of it would publish. Nothing is published and nothing is stored. Without
// a store every row is of the first revision. The report needs no target.
func Preview(ctx context.Context, report Report, store Store, hand Hand, each func(Shown) error) (Counts, error) {
	var all Counts
	chosen, err := chosenOf(report.Config.Name, []Report{report}, hand.Workspaces)
	if err != nil {
		return all, err
	}
	if err := hand.close(time.Now()); err != nil {
		return all, err
	}
	var records map[string]record
	if store != nil {
		if records, err = loadRecords(ctx, store); err != nil {
			return all, err
		}
	}
	for _, workspace := range chosen {
		rec := records[keyOf(report.Config.Name, workspace)]
		rec.begin(time.Now().UTC().Truncate(time.Second), &hand, report.Reader.Restated(), "", "")
		a := &attempt{report: &report, workspace: workspace, run: &rec, store: store, show: func(s Shown) error {
			s.Workspace = workspace
			return each(s)
		}}
		if hand.Progress != nil {
			a.progress = func(c Counts) { hand.Progress(workspace, c) }
		}
		err := a.do(ctx, false)
		all = all.Plus(a.counts)
		if err != nil {
			return all, fmt.Errorf("report %s%s: %w", report.Config.Name, in(workspace), err)
		}
	}
	return all, nil
}
