package bounded

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/ciobridge/ciobridge/consumer"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/lease"
)

// A Part is what is read in order, up to its end.
type Part struct {
	// From is the offset of the first message, or one before it.
	From int64
	// Read gives each the messages in the order of their offsets, and returns when there is none left, with the first
	// error of each, or when ctx ends. The messages stay as they are until they are acked.
	Read func(ctx context.Context, each func(*event.Message) error) error
}

// Config says how parts are read. Its zero value has defaults.
type Config struct {
	MaxUncommitted int           // messages of one part past the oldest unfinished one; 10,000 unless set
	Drain          time.Duration // for what is in flight when reading is stopped; 15 s unless set
	SideBySide     int           // parts that are read at once; 4 unless set

	// Tick is called every TickEvery while there is something to do, and once at the end. It may be nil.
	Tick      func(context.Context)
	TickEvery time.Duration // 1 s unless set
}

// ErrUnfinished is the error of a source that was stopped before everything was read and finished.
var ErrUnfinished = errors.New("stopped before everything was read and finished")

// Source hands over the messages of parts. It is used once.
type Source struct {
	config   Config
	parts    []Part
	trackers []*consumer.Tracker
	inFlight atomic.Int64
	idle     chan struct{} // full when nothing may be in flight
}

// New makes the source of parts.
func New(parts []Part, c Config) *Source {
	if c.MaxUncommitted == 0 {
		c.MaxUncommitted = 10_000
	}
	if c.Drain == 0 {
		c.Drain = 15 * time.Second
	}
	if c.SideBySide == 0 {
		c.SideBySide = 4
	}
	if c.TickEvery == 0 {
		c.TickEvery = time.Second
	}
	s := &Source{config: c, parts: parts, idle: make(chan struct{}, 1)}
	for _, p := range parts {
		s.trackers = append(s.trackers, consumer.NewTracker(p.From, c.MaxUncommitted))
	}
	return s
}

// Finished is how far a part is finished without a break: the offset of the first message that is not, or the one
// after the last that was read.
func (s *Source) Finished(part int) int64 { return s.trackers[part].Committable() }

// Describe tells how a part is read.
func (s *Source) Describe(part int, state *consumer.PartitionState) {
	state.State = "reading"
	state.Describe(s.trackers[part], time.Now())
}

// Consume hands over all messages and returns nil when they are acked. After an error of a part, or the end of ctx,
// what is in flight has the drain limit to be finished.
func (s *Source) Consume(ctx context.Context, handle event.Handler) error {
	handle = consumer.WaitWhereStopped(handle)
	held := lease.New(func() time.Time { return time.Time{} })
	reading, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- s.read(reading, held, handle) }()

	tick := time.NewTicker(s.config.TickEvery)
	defer tick.Stop()
	var err error
	reads, stopped := true, false
	for !stopped && (reads || s.inFlight.Load() > 0) {
		select {
		case err = <-ended:
			reads, stopped = false, err != nil
		case <-s.idle:
		case <-tick.C:
			s.tick(ctx)
		case <-ctx.Done():
			stopped = true
		}
	}
	held.Revoke(s.config.Drain)
	if reads {
		err = <-ended
	}
	held.End(s.config.Drain)
	s.tick(context.WithoutCancel(ctx))
	if s.inFlight.Load() > 0 && err == nil || ctx.Err() != nil && err != nil {
		return ErrUnfinished
	}
	return err
}

func (s *Source) tick(ctx context.Context) {
	if s.config.Tick != nil {
		s.config.Tick(ctx)
	}
}

// read reads the parts. The first error ends all.
func (s *Source) read(ctx context.Context, held *lease.Lease, handle event.Handler) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(s.config.SideBySide)
	for i := range s.parts {
		group.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			return s.parts[i].Read(ctx, func(m *event.Message) error {
				return s.handOver(ctx, held, s.trackers[i], m, handle)
			})
		})
	}
	return group.Wait()
}

// handOver hands over one message.
func (s *Source) handOver(ctx context.Context, held *lease.Lease, t *consumer.Tracker, m *event.Message,
	handle event.Handler) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	ticket, err := t.Track(ctx, m.Origin.Offset, time.Now())
	if err != nil {
		return err
	}
	s.inFlight.Add(1)
	err = handle(held, m, func() {
		if t.Ack(ticket) {
			s.done()
		}
	})
	if err != nil {
		s.done()
		return fmt.Errorf("hand over %s: %w", m.Origin, err)
	}
	return nil
}

// done notes that a message is not in flight any more.
func (s *Source) done() {
	if s.inFlight.Add(-1) > 0 {
		return
	}
	select {
	case s.idle <- struct{}{}:
	default:
	}
}
