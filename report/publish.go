package report

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ciobridge/ciobridge/internal/cloudevent"
	"github.com/ciobridge/ciobridge/internal/retry"
)

const (
	mostEvents    = 500       // of a group
	mostBytes     = 500 << 10 // of a group
	aloneFrom     = 200 << 10 // bytes from which on an event is a group of its own, since it may be too large
	eventOverhead = 700       // bytes that an event has beside its row, or fewer
)

// awayLimit is how long a run waits for a target that takes nothing. After that what it reads may be too old, and the
// run begins anew.
const awayLimit = 10 * time.Minute

// A group is the events that are published together.
type group struct {
	events []cloudevent.Event
	bytes  int
	full   bool
	most   int // events
}

// takes reports whether one more event belongs to the group.
func (g *group) takes(size int) bool {
	return len(g.events) == 0 || !g.full && size < aloneFrom && g.bytes+size <= mostBytes
}

func (g *group) add(e cloudevent.Event, size int) {
	g.events = append(g.events, e)
	g.bytes += size
	g.full = size >= aloneFrom || len(g.events) >= g.most
}

// flush publishes the group, and stores what was noted up to now.
func (a *attempt) flush(ctx context.Context) error {
	if a.show == nil {
		if err := a.publish(ctx, a.group.events); err != nil {
			return err
		}
		clear(a.group.events)
		a.group = group{events: a.group.events[:0], most: a.group.most}
		if a.known != nil {
			if err := a.known.save(ctx); err != nil {
				return err
			}
		}
	}
	if a.progress != nil {
		a.progress(a.counts)
	}
	return nil
}

// publish publishes events, each once. While the target is away it waits. After a failure any of them may be stored, so
// that it looks before it publishes again.
func (a *attempt) publish(ctx context.Context, events []cloudevent.Event) error {
	if len(events) == 0 {
		return nil
	}
	rest, err := a.offer(ctx, events, false)
	streak, began := retry.Policy{First: Settle, Longest: time.Minute, Exact: true}.Streak(), time.Now()
	waiting := false
	for err != nil {
		if ctx.Err() != nil || time.Since(began) > awayLimit {
			return fmt.Errorf("publish: %w", err)
		}
		tooLarge := errors.Is(err, ErrTooLarge)
		if !tooLarge && !waiting {
			waiting = true
			a.waits(err)
		}
		if !retry.Sleep(ctx, streak.Failed()) {
			return fmt.Errorf("publish: %w", err)
		}
		unstored, missing := a.unstored(ctx, rest)
		if missing != nil {
			err = missing
			continue
		}
		rest, err = a.offer(ctx, unstored, tooLarge)
	}
	if waiting {
		a.waits(nil)
	}
	return nil
}

// offer publishes events together, or each alone, and makes letters of those that alone are too large. It returns those
// of which it is not known whether they are stored.
func (a *attempt) offer(ctx context.Context, events []cloudevent.Event, alone bool) ([]cloudevent.Event, error) {
	for len(events) > 0 {
		n := len(events)
		if alone {
			n = 1
		}
		switch err := a.report.Target.Publish(ctx, events[:n]); {
		case err == nil:
			a.counts.Published += n
		case n == 1 && errors.Is(err, ErrTooLarge):
			if err := a.refuse(ctx, &events[0]); err != nil {
				return events, err
			}
		default:
			return events, err
		}
		events = events[n:]
	}
	return nil, nil
}

// unstored are those of the events that the target does not hold.
func (a *attempt) unstored(ctx context.Context, events []cloudevent.Event) ([]cloudevent.Event, error) {
	stored := make(map[string]bool, len(events))
	for i := range events {
		stored[events[i].ID] = false
	}
	err := a.report.Target.Published(ctx, a.run.Position, func(id, _ string) {
		if _, ours := stored[id]; ours {
			stored[id] = true
		}
	})
	if err != nil {
		return nil, err
	}
	var list []cloudevent.Event
	for i := range events {
		if stored[events[i].ID] {
			a.counts.Published++
		} else {
			list = append(list, events[i])
		}
	}
	return list, nil
}

// refuse makes a letter of a row that the target does not take.
func (a *attempt) refuse(ctx context.Context, e *cloudevent.Event) error {
	told, _ := e.Data.(Content)
	a.counts.TooLarge++
	if err := a.letters(ctx, a.tooLarge(told)); err != nil {
		return fmt.Errorf("keep a row that is too large as a dead letter: %w", err)
	}
	if a.known != nil {
		a.known.withdraw(Row{Object: told.Object, Window: told.Window}, e.Revision)
	}
	return nil
}
