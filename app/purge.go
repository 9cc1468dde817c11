package app

import (
	"context"
	"fmt"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/erasure"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/mapping/persons"
)

// purgeAfter is how long erasures are gathered before the letters of all of them are purged: that reads the whole log.
const purgeAfter = time.Minute

// purgeLetters removes the letters of erased people until ctx ends: at the start, for an earlier process may have died
// before it could, and after erasures.
func (b *Bridge) purgeLetters(ctx context.Context) {
	if b.fences == nil || !b.config.Erasure.PurgeLetters {
		return
	}
	var purged erasure.Purged // and nobody was told yet
	for {
		timer := time.NewTimer(purgeAfter)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return
		}
		err := b.purgeErased(ctx, &purged)
		if err == nil {
			err = b.tellPurged(ctx, &purged)
		}
		switch {
		case err != nil && ctx.Err() == nil:
			b.log.Warn("letters of erased people cannot be purged, or nobody told of it; it is tried again",
				zap.Error(err))
		case err == nil:
			select {
			case <-b.erased:
			case <-ctx.Done():
				return
			}
		}
	}
}

// purgeErased removes the letters of events that are earlier than the erasure of somebody whom they concern, in a
// workspace to which they would go, and counts them. It holds the lock of a replay, which could be reading them.
func (b *Bridge) purgeErased(ctx context.Context, purged *erasure.Purged) error {
	lock, err := b.letters.Lock(ctx, deadletter.LogWaiting(b.log))
	if err != nil {
		return err
	}
	defer lock.Release()
	n, err := deadletter.Purge(ctx, b.letters, deadletter.Filter{Wants: b.ofErased(ctx)}, true, false)
	if err != nil {
		return err
	}
	if n.Letters > 0 || n.Shared > 0 {
		b.log.Info("letters of erased people were purged", zap.Int("letters", n.Letters),
			zap.Int("resolutions", n.Resolutions), zap.Int("left_shared", n.Shared))
	}
	purged.Letters += n.Letters
	purged.Resolutions += n.Resolutions
	purged.Shared = n.Shared
	return nil
}

// tellPurged tells of letters that were purged, unless there are none, and forgets them then.
func (b *Bridge) tellPurged(ctx context.Context, purged *erasure.Purged) error {
	to := b.config.Erasure.ReportTo()
	if to == "" || purged.Letters == 0 && purged.Shared == 0 {
		return nil
	}
	purged.At = time.Now()
	id := fmt.Sprintf("purged-%d", purged.At.UnixNano())
	text, err := purged.CloudEvent(id)
	if err == nil {
		err = b.broker.Tell(ctx, to, id, id, text)
	}
	if err == nil {
		*purged = erasure.Purged{}
	}
	return err
}

// ofErased gives what reports whether a letter is one of an earlier event of somebody who was erased where it would go.
// A letter of which today's rules do not tell where it would go may go anywhere. The letters of an event stand
// together, and it is looked at once.
func (b *Bridge) ofErased(ctx context.Context) func(*deadletter.Letter) (bool, error) {
	type place struct {
		event event.ID
		item  int
	}
	var last place
	var in map[string]bool
	return func(l *deadletter.Letter) (bool, error) {
		f, m := &l.Failure, l.Message
		if at := (place{l.EventID, f.Item}); in == nil || at != last {
			if err := b.decoder.Decode(ctx, b.rules.Forms(m.Origin.Topic), &m); err != nil {
				return false, err
			}
			last, in = at, b.erasedIn(&m, f.Item)
		}
		to := b.rules.Now().Workspaces(f.Rule, f.Call)
		return len(in) > 0 && (len(to) == 0 || slices.ContainsFunc(to, func(name string) bool { return in[name] })), nil
	}
}

// erasedIn names the workspaces in which an event is an earlier one of somebody who was erased. Where the rules make no
// call of it, its texts decide.
func (b *Bridge) erasedIn(m *event.Message, item int) map[string]bool {
	in := map[string]bool{}
	calls, failures := b.rules.Now().ForReplay().Map(m)
	made := 0
	for i := range calls {
		if item > 0 && int(calls[i].Item) != item {
			continue
		}
		made++
		if b.fenced.Earlier(&calls[i]) {
			in[calls[i].Step.Workspace] = true
		}
	}
	if item > 0 || made > 0 && len(failures) == 0 {
		return in
	}
	guesses := persons.Guesses(*m)
	for i, w := range b.workspaces {
		if b.fenced.EarlierOf(m, guesses, event.Destination(customerio.Batch.In(i))) {
			in[w.Name] = true
		}
	}
	return in
}
