package report

import (
	"context"

	"github.com/ciobridge/ciobridge/internal/cloudevent"
	"github.com/ciobridge/ciobridge/internal/retry"
)

// An attempt reads the rows of a run once, from the first to the last, and publishes what is new of them.
type attempt struct {
	report    *Report
	workspace string
	run       *record
	store     Store
	letters   DeadLetter
	progress  func(Counts) // told from time to time; may be nil
	waits     func(error)  // told when the target takes nothing, and with nil when it does again

	known  *known    // nil where rows are told once
	behind *readBack // nil where there is nothing to read back
	counts Counts
	group  group
	held   int // how many events are known at once of those that the target holds
	// show is told of each row instead of the target, and nothing is stored.
	show func(Shown) error
}

// do makes the attempt. cut says that an earlier one has ended before its end.
func (a *attempt) do(ctx context.Context, cut bool) error {
	var err error
	if a.report.Reader.Restated() {
		if a.known, err = loadKnown(ctx, a.store, prefixOf(a.report.Config.Name, a.workspace)); err != nil {
			return err
		}
	}
	parts, expected := uint64(1), 0
	target := a.report.Target
	back := a.show == nil && (cut || a.run.ReadBack)
	if back {
		if parts, expected, err = partsOf(ctx, target, a.run.Position, a.held); err != nil {
			return err
		}
	}
	for part := range parts {
		if back {
			if a.behind, err = readPublished(ctx, target, a.run.Position, part, parts, expected); err != nil {
				return err
			}
		}
		failed := a.report.Reader.Read(ctx, a.request(part == 0), func(r Row) error { return a.row(ctx, r) })
		if failed != nil && !retry.IsPermanent(failed) {
			return failed
		}
		if err := a.flush(ctx); err != nil {
			return err
		}
		if failed != nil {
			return failed
		}
	}
	if a.known == nil || a.show != nil {
		return nil
	}
	if !a.run.aside() {
		a.known.forget()
	}
	return a.known.save(ctx)
}

// request is what the reader is asked for. Malformed rows are kept in the first part only.
func (a *attempt) request(first bool) Request {
	return Request{
		Workspace: a.workspace, At: a.run.At, Last: a.run.Last, Window: a.run.Window, Saved: a.run.Saved,
		Malformed: func(ctx context.Context, m Malformed) error {
			if !first {
				return nil
			}
			a.counts.Malformed++
			if a.show != nil {
				return a.show(Shown{Malformed: &m})
			}
			return a.letters(ctx, a.malformed(m))
		},
		Save: func(ctx context.Context, text string) error {
			if a.show != nil || a.run.Saved == text {
				return nil
			}
			a.run.Saved = text
			return a.run.put(ctx, a.store, a.report.Config.Name, a.workspace)
		},
	}
}

// row takes one row: it decides whether it is new, and of which revision.
func (a *attempt) row(ctx context.Context, r Row) error {
	id := rowIDOf(a.report.Config.Name, a.workspace, r.Object, r.Window)
	if !a.behind.has(id) {
		return nil
	}
	a.counts.Rows++
	h := hashOf(r.Data)
	last, same := 0, false
	if a.known != nil {
		var was hash
		last, was = a.known.find(r)
		same = last > 0 && was == h
	}
	stored, was := a.behind.find(id)
	unnoted := stored > last
	if unnoted {
		last, same = stored, was == h.short()
	}
	switch {
	case !same:
		return a.add(ctx, r, newEvent(a.report.Config, a.workspace, id, r, h, last+1), h)
	case stored == last && !a.run.ReadBack: // this run has published it
		a.counts.Published++
	default:
		a.counts.Unchanged++
	}
	if unnoted && a.known != nil {
		a.known.note(r, last, h)
	}
	if a.show != nil {
		return a.show(Shown{Event: newEvent(a.report.Config, a.workspace, id, r, h, last), Unchanged: true})
	}
	a.tell()
	return nil
}

// add puts a new revision into the group, and publishes the group if it is full.
func (a *attempt) add(ctx context.Context, r Row, e cloudevent.Event, h hash) error {
	size := len(r.Data) + len(r.Object) + eventOverhead
	if !a.group.takes(size) {
		if err := a.flush(ctx); err != nil {
			return err
		}
	}
	if a.known != nil { // also for a row that is told twice; it is stored when the group is published
		a.known.note(r, e.Revision, h)
	}
	if a.show != nil {
		a.counts.Published++
		return a.show(Shown{Event: e})
	}
	a.group.add(e, size)
	a.tell()
	return nil
}

const tellEvery = 100 // rows

func (a *attempt) tell() {
	if a.progress != nil && a.counts.Rows%tellEvery == 0 {
		a.progress(a.counts)
	}
}

// waitUntilSettled waits until all has arrived that an attempt before, or another process, has handed over.
func waitUntilSettled(ctx context.Context) error {
	if !retry.Sleep(ctx, Settle) {
		return ctx.Err()
	}
	return nil
}
