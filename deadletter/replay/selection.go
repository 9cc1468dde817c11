package replay

import (
	"context"
	"errors"
	"fmt"

	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/event"
)

// ErrNotOne means that a repaired value is given, and that the filter chooses no letter or several.
var ErrNotOne = errors.New("a repair is for one open letter")

// selectEvents scans the log and groups the chosen letters by event, in the order of the first of each.
func (r *Replay) selectEvents(ctx context.Context) ([][]deadletter.Selected, error) {
	selection, err := deadletter.Select(ctx, r.store, &r.opts.Filter)
	if err != nil {
		return nil, err
	}
	index := make(map[event.ID]int, len(selection.Letters))
	var events [][]deadletter.Selected
	for _, s := range selection.Letters {
		i, ok := index[s.EventID()]
		if !ok {
			i = len(events)
			index[s.EventID()] = i
			events = append(events, nil)
		}
		events[i] = append(events[i], s)
	}
	if r.opts.Repaired != nil && len(selection.Letters) != 1 {
		return nil, fmt.Errorf("%w: %d are open", ErrNotOne, len(selection.Letters))
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.progress.Unreadable = selection.Unreadable
	r.progress.Chosen, r.progress.Open = len(selection.Letters), selection.Open
	return events, nil
}

// load reads the letters of one event. Those that are gone, truncated, undecided or no events
// are counted and left out.
func (r *Replay) load(ctx context.Context, letters []deadletter.Selected) ([]*deadletter.Letter, error) {
	var whole []*deadletter.Letter
	reader := deadletter.NewLetterReader(r.store)
	for i := range letters {
		l, err := reader.Read(ctx, &letters[i])
		switch {
		case errors.Is(err, deadletter.ErrGone):
			r.count(func(progress *Progress) { progress.Gone++ })
		case err != nil:
			return nil, err
		case l.Failure.Stage == event.StageReport:
			r.leave(l, func(progress *Progress) { progress.Rows++ })
		case l.Sealed != "":
			r.log.Warn("left open: the letter is sealed under a key that dead_letters.keys_file does not have",
				zap.Stringer("letter", l.ID()), zap.String("key", l.Sealed))
			r.leave(l, func(progress *Progress) { progress.Sealed++ })
		case l.Truncated != nil:
			r.log.Warn("letter was cut when it was stored and is not replayed", zap.Stringer("letter", l.ID()),
				zap.Stringer("origin", l.Message.Origin), zap.Int("bytes", l.Truncated.Bytes))
			r.leave(l, func(progress *Progress) { progress.Truncated++ })
		default:
			undecided, err := r.undecided(ctx, l)
			switch {
			case err != nil:
				return nil, err
			case undecided:
				r.leave(l, func(progress *Progress) { progress.Undecided++ })
			default:
				whole = append(whole, l)
			}
		}
	}
	return whole, nil
}

// undecided reports whether a letter waits for a person to decide whether its call was sent.
func (r *Replay) undecided(ctx context.Context, l *deadletter.Letter) (bool, error) {
	if l.Failure.Reason != event.ReasonSendUncertain || r.opts.Undecided == nil {
		return false, nil
	}
	undecided, err := r.opts.Undecided(ctx, l)
	if err != nil {
		return false, fmt.Errorf("ask whether letter %s was sent: %w", l.ID(), err)
	}
	return undecided, nil
}
