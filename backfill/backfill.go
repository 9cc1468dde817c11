package backfill

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/consumer"
	"github.com/ciobridge/ciobridge/consumer/bounded"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/exit"
)

// noteEvery is how often it is noted how far a backfill is. After a kill so much comes again.
const noteEvery = 5 * time.Second

// noteLimit is how long that may take.
const noteLimit = 10 * time.Second

// Log is what the broker has kept.
type Log interface {
	Extents(context.Context, consumer.Bounds) ([]consumer.Extent, error)
	ReadExtent(ctx context.Context, e consumer.Extent, f func(*event.Message) error) error
	// Offsets tells how far the source is read live.
	Offsets(context.Context) ([]consumer.OffsetInfo, error)
}

// Options say what is sent.
type Options struct {
	Between consumer.Bounds // the broker's time of the messages
	Rules   []string        // the names of the rules; all where there is none

	// Skip names the actions of which no call is sent, such as those that delete a person.
	Skip []string
	// IncludeOnce also sends calls that count twice when they are made twice, such as messages to people.
	IncludeOnce bool
	// LiveLag is how many messages those who read the source may be behind before the backfill waits for them; 0 never
	// waits.
	LiveLag int64
	// Anew forgets how far an earlier backfill came.
	Anew bool
}

// Backfill reads extents of the log and maps them. It is used once: for one Consume, or for one DryRun.
type Backfill struct {
	log     Log
	notes   consumer.Notes
	options Options
	logger  *zap.Logger

	asked   []consumer.Extent // all that is between the two times
	left    []consumer.Extent // what is still to be read
	resumed bool
	reading *bounded.Source
	tally   tally
	yielder *yielder // nil where the backfill waits for nobody

	mu     sync.Mutex
	behind int64 // what those who read live are behind while the backfill waits for them
	gone   int64
	warned bool
}

// New finds what is to be read, and how far it was read before.
func New(ctx context.Context, log Log, notes consumer.Notes, o Options, logger *zap.Logger) (*Backfill, error) {
	b := &Backfill{log: log, notes: notes, options: o, logger: logger, tally: newTally()}
	var err error
	if b.asked, err = log.Extents(ctx, o.Between); err != nil {
		return nil, fmt.Errorf("find the messages: %w", err)
	}
	var noted []consumer.OffsetChange
	if !o.Anew {
		if noted, err = notes.Load(ctx); err != nil {
			return nil, fmt.Errorf("look how far an earlier backfill came: %w", err)
		}
	}
	for _, e := range b.asked {
		for _, n := range noted {
			if n.Topic == e.Topic && n.Partition == e.Partition && n.Offset > e.From {
				e.From, b.resumed = min(n.Offset, e.End), true
			}
		}
		b.left = append(b.left, e)
	}
	b.reading = bounded.New(b.parts(), bounded.Config{Tick: b.note, TickEvery: noteEvery})
	return b, nil
}

func (b *Backfill) parts() []bounded.Part {
	parts := make([]bounded.Part, len(b.left))
	for i, e := range b.left {
		parts[i] = bounded.Part{From: e.From, Read: func(ctx context.Context, each func(*event.Message) error) error {
			return b.read(ctx, e, each)
		}}
	}
	return parts
}

// read reads an extent. What the broker has discarded meanwhile is counted.
func (b *Backfill) read(ctx context.Context, e consumer.Extent, each func(*event.Message) error) error {
	for {
		err := b.log.ReadExtent(ctx, e, func(m *event.Message) error {
			if err := b.yielder.wait(ctx); err != nil {
				return err
			}
			return each(m)
		})
		var gone *consumer.GoneError
		if !errors.As(err, &gone) {
			if ctx.Err() != nil {
				return err
			}
			return exit.With(exit.Broker, err)
		}
		b.logger.Warn("messages were discarded before the backfill came to them", zap.String("topic", e.Topic),
			zap.Int32("partition", e.Partition), zap.Int64("from", gone.From), zap.Int64("to", gone.To))
		b.mu.Lock()
		b.gone += gone.To - gone.From
		b.mu.Unlock()
		e.From = gone.To
	}
}

// Consume hands over the messages, and returns nil when all are finished. What was noted is removed then.
func (b *Backfill) Consume(ctx context.Context, handle event.Handler) error {
	live, end := context.WithCancel(ctx)
	var watch sync.WaitGroup
	if b.options.LiveLag > 0 {
		b.yielder = &yielder{backfill: b, every: lookEvery}
		b.yielder.look(ctx)
		watch.Go(func() { b.yielder.run(live) })
	}
	err := b.reading.Consume(ctx, handle)
	end()
	watch.Wait()
	if err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), noteLimit) // it may have ended as it was stopped
	defer cancel()
	if err := b.notes.Remove(limited); err != nil {
		b.logger.Warn("the backfill is finished, and its notes could not be removed: another one with the same flags "+
			"finds nothing to do without --anew", zap.Error(err))
	}
	return nil
}

// note notes how far the backfill is.
func (b *Backfill) note(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, noteLimit)
	defer cancel()
	changes := make([]consumer.OffsetChange, len(b.left))
	for i, e := range b.left {
		changes[i] = consumer.OffsetChange{Topic: e.Topic, Partition: e.Partition,
			Offset: max(e.From, b.reading.Finished(i))}
	}
	err := b.notes.Store(ctx, changes)
	if err != nil && !b.warned && ctx.Err() == nil {
		b.logger.Warn("it cannot be noted how far the backfill is, and a kill would set it back", zap.Error(err))
	}
	b.warned = err != nil
}

// DryRun reads and maps everything and sends nothing. Prepare gives a message its content; it may be nil. It always
// begins at the beginning.
func (b *Backfill) DryRun(ctx context.Context, rules Rules, prepare func(context.Context, *event.Message) error) error {
	m := b.Mapper(rules)
	for _, e := range b.asked {
		err := b.read(ctx, e, func(msg *event.Message) error {
			if prepare != nil {
				if err := prepare(ctx, msg); err != nil {
					return err
				}
			}
			m.Map(msg)
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Progress says how far a backfill is.
type Progress struct {
	Asked   int64 // offsets between the two times
	Before  int64 // of those, how many an earlier run has finished
	Done    int64 // and how many are finished by now
	Gone    int64 // discarded by the broker before they were read
	Behind  int64 // messages that those who read live are behind, while the backfill waits for them
	Resumed bool
	Tally
}

// Progress may be asked for at any time.
func (b *Backfill) Progress() Progress {
	p := Progress{Resumed: b.resumed, Tally: b.tally.copy()}
	for i, e := range b.asked {
		p.Asked += e.Count()
		p.Before += b.left[i].From - e.From
		p.Done += max(b.left[i].From, min(b.reading.Finished(i), e.End)) - e.From
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	p.Gone, p.Behind = b.gone, b.behind
	return p
}
