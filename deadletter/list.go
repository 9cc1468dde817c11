package deadletter

import (
	"context"
	"errors"
	"iter"
)

// List gives the open letters that the filter chooses, in the order of a replay. It scans the log first, and then reads
// the letters one by one, so that its memory does not grow with their size. A letter that retention takes away in
// between is left out. It ends with the first error.
func List(ctx context.Context, log Reader, filter Filter) iter.Seq2[*Letter, error] {
	return func(yield func(*Letter, error) bool) {
		if err := filter.Validate(); err != nil {
			yield(nil, err)
			return
		}
		selection, err := Select(ctx, log, &filter)
		if err != nil {
			yield(nil, err)
			return
		}
		letters := NewLetterReader(log)
		for _, c := range selection.Letters {
			l, err := letters.Read(ctx, &c)
			if errors.Is(err, ErrGone) {
				continue
			}
			if !yield(l, err) || err != nil {
				return
			}
		}
	}
}

// discardBatch is how many letters are discarded by one write.
const discardBatch = 100

// ErrNote means that letters should be discarded without a note that says why.
var ErrNote = errors.New("say in a note why the letters are discarded")

// Discard resolves the open letters that the filter chooses as discarded. The note says why nobody needs them. It
// returns how many were resolved, also together with an error.
func Discard(ctx context.Context, log Resolver, filter Filter, note string) (int, error) {
	if printable(note, maxDetail) == "" {
		return 0, ErrNote
	}
	discarded := 0
	var batch []Resolution
	flush := func() error {
		if len(batch) == 0 {
			return nil
		}
		if err := log.Resolve(ctx, batch...); err != nil {
			return err
		}
		discarded, batch = discarded+len(batch), nil
		return nil
	}
	for l, err := range List(ctx, log, filter) {
		if err != nil {
			return discarded, err
		}
		batch = append(batch, l.Resolve(Discarded, note))
		if len(batch) == discardBatch {
			if err := flush(); err != nil {
				return discarded, err
			}
		}
	}
	return discarded, flush()
}
