package explain

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/ciobridge/ciobridge/app/outcomes"
	"github.com/ciobridge/ciobridge/cmd/ciobridge/cli"
	"github.com/ciobridge/ciobridge/config"
	"github.com/ciobridge/ciobridge/consumer"
	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/exit"
	"github.com/ciobridge/ciobridge/internal/output"
	"github.com/ciobridge/ciobridge/mapping/persons"
)

// wish says which events are wanted: one of origin, id and person is set.
type wish struct {
	origin  *event.Origin
	id      event.ID
	person  *persons.Person
	between consumer.Bounds
	limit   int
}

// early is how much the clock of a producer may be ahead of the broker's.
const early = time.Minute

// wanted reads the flags.
func (f *flags) wanted(c config.Config, now time.Time) (w wish, err error) {
	w.limit = f.limit
	ends := c.Source.Section().Ends() // lines of a file have no time by which they can be found
	if w.between.From, err = cli.ParseTime(f.since, now); err != nil {
		return w, fmt.Errorf("--since %q: %w", f.since, err)
	}
	if w.between.To, err = cli.ParseTime(f.until, now); err != nil {
		return w, fmt.Errorf("--until %q: %w", f.until, err)
	}
	switch {
	case f.origin != "":
		o, err := event.ParseOrigin(f.origin)
		if err != nil {
			err = fmt.Errorf("--origin %q: %w", f.origin, err)
		}
		w.origin = &o
		return w, err
	case f.id != "":
		if w.id, err = event.ParseID(f.id); err != nil {
			return w, fmt.Errorf("--id %q: %w", f.id, err)
		}
		if f.since == "" && !ends {
			w.between.From = time.UnixMilli(w.id.Millis()).Add(-early)
		}
		return w, nil
	}
	if f.since == "" && !ends {
		w.between.From = now.Add(-24 * time.Hour)
	}
	if w.person, err = persons.Parse(f.person, c.CustomerIO.Names()...); err != nil {
		return w, fmt.Errorf("--person: %w", err)
	}
	return w, nil
}

// missing says that there is no such event.
func (w *wish) missing() string {
	if w.origin != nil {
		return fmt.Sprintf("there is no record at %s, and no dead letter of one: it was never written, or retention "+
			"has taken it; ciobridge offsets show tells what the source has", w.origin)
	}
	if w.between.From.IsZero() {
		return "no such event was found among the records, nor among the dead letters"
	}
	return fmt.Sprintf("no such event was found among the records since %s, nor among the dead letters; --since "+
		"searches further back", w.between.From.UTC().Format(time.RFC3339))
}

// found is an event that is explained.
type found struct {
	message event.Message
	gone    bool // the broker has it no more; a dead letter has
}

// find gives the events that are wanted, in the order in which they stand.
func (x *explainer) find(ctx context.Context, w wish, told io.Writer) ([]found, error) {
	if w.origin == nil && w.person == nil {
		if l, err := x.letterOf(ctx, w.id); err != nil {
			return nil, err
		} else if l != nil {
			w.origin = &l.Message.Origin
		} else if a, _ := x.bridge.ask(ctx, outcomes.ID, w.id.String()); len(a.Outcomes) > 0 {
			if o, err := event.ParseOrigin(a.Outcomes[0].Origin); err == nil {
				w.origin = &o
			}
		}
	}
	if w.origin != nil {
		return x.at(ctx, *w.origin)
	}
	return x.search(ctx, w, told)
}

// letterOf is a letter with an identity, of a call or of an event; nil if there is none.
func (x *explainer) letterOf(ctx context.Context, id event.ID) (*deadletter.Letter, error) {
	list, err := deadletter.Stories(ctx, x.letters, func(l *deadletter.Letter) bool {
		return l.ID() == id || l.EventID == id
	})
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return list[0].Letters[0], nil
}

// at reads the record at a place, or takes it from its dead letter.
func (x *explainer) at(ctx context.Context, o event.Origin) (list []found, err error) {
	one := consumer.Extent{Topic: o.Topic, Partition: o.Partition, From: o.Offset, End: o.Offset + 1}
	err = x.source.ReadExtent(ctx, one, func(m *event.Message) error {
		if m.Origin.Offset == o.Offset {
			list = append(list, found{message: *m})
		}
		return nil
	})
	var gone *consumer.GoneError
	if len(list) > 0 || err != nil && !errors.As(err, &gone) {
		return list, exit.Or(exit.Broker, err)
	}
	letters, err := x.lettersAt(ctx, o)
	if err != nil || len(letters) == 0 {
		return nil, err
	}
	return []found{{message: letters[0].Letters[0].Message, gone: true}}, nil
}

// lettersAt are the stories of the letters of a record.
func (x *explainer) lettersAt(ctx context.Context, o event.Origin) ([]deadletter.History, error) {
	return deadletter.Stories(ctx, x.letters, func(l *deadletter.Letter) bool {
		at := l.Message.Origin
		return at.Topic == o.Topic && at.Partition == o.Partition && at.Offset == o.Offset
	})
}

// errEnough ends a search.
var errEnough = errors.New("found")

// search looks at the records between two times: for the one with an identity, or for the latest of a person.
func (x *explainer) search(ctx context.Context, w wish, told io.Writer) (list []found, err error) {
	extents, err := x.source.Select(ctx, w.between)
	if err != nil {
		return nil, err
	}
	total, done := int64(0), int64(0)
	for _, e := range extents {
		total += e.Count()
	}
	shown := x.showSearch(told, total)
	defer shown.Stop()
	for i, e := range extents {
		err := x.source.Read(ctx, extents[i:i+1], func(m *event.Message) error {
			x.searched.Store(done + m.Origin.Offset - e.From)
			if !x.isWanted(&w, m) {
				return nil
			}
			list = append(list, found{message: *m})
			if w.person == nil {
				return errEnough
			}
			list = list[max(0, len(list)-w.limit):]
			return nil
		})
		switch {
		case errors.Is(err, errEnough):
			return list, nil
		case err != nil:
			return nil, err
		}
		done += e.Count()
	}
	return list, nil
}

func (x *explainer) showSearch(told io.Writer, total int64) *cli.Progress {
	return cli.ShowProgress(told, func(took time.Duration) cli.State {
		n := x.searched.Load()
		return cli.State{Done: int(n), Total: int(total), Text: fmt.Sprintf("%d of %s searched, %s", n,
			output.Count(int(total), "record"), took.Round(time.Second))}
	})
}

// isWanted reports whether a record is the one, or one of the person.
func (x *explainer) isWanted(w *wish, m *event.Message) bool {
	if w.person != nil {
		return w.person.In(x.rules, m, 0)
	}
	if deadletter.EventID(m) == w.id {
		return true
	}
	calls, failures := x.rules.Map(m)
	return slices.ContainsFunc(calls, func(c event.Call) bool { return c.ID == w.id }) ||
		slices.ContainsFunc(failures, func(f event.Failure) bool { return f.ID == w.id })
}
