package replay

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/event"
)

// Options say what to replay.
type Options struct {
	Filter deadletter.Filter

	// Skip names the actions that are not sent: letters that need one of them stay open, such as one that deletes a
	// person. Nil sends all of them, so a caller that does not ask names the destructive ones here.
	Skip []string

	// As replays the letters whose rule or call is gone as those of another; the others stay open. Nil replays each
	// letter by its own names.
	As *Target

	// WholeEvent sends all calls that today's rules make of the letters' events, with their identities of today: those
	// that were delivered under another name, or by another id, count again.
	WholeEvent bool

	// Repaired takes the place of the value of the only letter that the filter chooses, which keeps its identity. Nil
	// replays what stands in the log.
	Repaired []byte

	// Undecided reports whether a letter waits for a person to decide whether its call was sent. Such a letter stays
	// open. It is asked for letters whose reason is send_uncertain; nil takes them as any others.
	Undecided func(context.Context, *deadletter.Letter) (bool, error)

	// Content gives a message of a dry run what its value holds, as the source of a replay has it given. Nil gives it
	// nothing.
	Content func(context.Context, *event.Message) error

	// Confirm is called once, when the letters have been counted and nothing has been sent. An error ends the replay.
	// Nil goes on.
	Confirm func(Progress) error

	// Drain bounds the wait for what is in flight when the replay is stopped, and that for the last resolutions; 15 s
	// unless set.
	Drain time.Duration
}

func (o Options) withDefaults() Options {
	if o.Drain == 0 {
		o.Drain = 15 * time.Second
	}
	return o
}

// Replay sends open letters again through the ordinary pipeline. It is the pipeline's source, and gives the pipeline
// its mapper and its dead letters.
//
// Its life is one call of Consume. Under a lock that keeps a second replay away it selects the letters that are open by
// now, hands over one message for each of their events, and waits until all are acked. When a message is acked, what
// was delivered is resolved; what failed again is counted, and was written again if it failed in another way than
// before. Consume returns when all resolutions are written, or when it is stopped.
//
// It may be killed at any time: the next replay takes what is not resolved.
type Replay struct {
	store Store
	rules Rules
	opts  Options
	log   *zap.Logger

	mu       sync.Mutex
	inFlight int                     // events
	pending  []deadletter.Resolution // not written yet
	progress Progress
	unknown  map[UnknownRule]int // with no number of letters
	groups   map[Group]int       // the same
	held     []string            // workspaces, by name
	wake     chan struct{}

	failing bool // the last write of resolutions failed; used by Consume alone
}

// New makes a replay of the store's letters. It fails when the filter is not valid. A Replay is used once.
func New(store Store, rules Rules, opts Options, log *zap.Logger) (*Replay, error) {
	if err := opts.Filter.Validate(); err != nil {
		return nil, err
	}
	return &Replay{
		store: store, rules: rules, opts: opts.withDefaults(), log: log,
		unknown: map[UnknownRule]int{}, groups: map[Group]int{}, wake: make(chan struct{}, 1),
	}, nil
}

// Hold has letters stay open that need a call to one of these workspaces. It comes before Mapper.
func (r *Replay) Hold(workspaces []string) { r.held = workspaces }

// Mapper is the mapper of the replay's messages.
func (r *Replay) Mapper() *Mapper { return &Mapper{rules: r.rules, opts: r.opts, held: r.held} }

// DeadLetters is where what fails again is stored.
func (r *Replay) DeadLetters() *DeadLetters { return &DeadLetters{r.store} }

// errStopped ends the feeding when a replay is stopped.
var errStopped = errors.New("the replay is being stopped")

// ErrLockLost means that the lock of the replay was lost, so that another may have begun.
var ErrLockLost = errors.New("the replay was stopped because its lock was lost")

// Consume hands over one message for each event that has chosen letters, and returns when all are acked and their
// resolutions are written. It keeps the contract of the pipeline's source. It returns ErrReplayRunning if there is
// another replay, ErrLockLost if the lock was lost on the way, and nil if ctx ended.
func (r *Replay) Consume(ctx context.Context, handle event.Handler) error {
	lock, err := r.store.Lock(ctx, deadletter.LogWaiting(r.log))
	if err != nil {
		return fmt.Errorf("replay: %w", err)
	}
	defer lock.Release()
	events, err := r.selectEvents(ctx)
	if err != nil {
		return fmt.Errorf("replay: %w", err)
	}
	if r.opts.Confirm != nil {
		if err := r.opts.Confirm(r.Progress()); err != nil {
			return err
		}
	}
	progress := r.Progress()
	r.log.Info("replay begins", zap.Int("open", progress.Open), zap.Int("chosen", progress.Chosen))
	err = r.run(ctx, lock, events, handle)
	progress = r.Progress()
	r.log.Info("replay ended", zap.Int("delivered", progress.Delivered), zap.Int("failed_again", progress.FailedAgain),
		zap.Int("left_open", progress.LeftOpen),
		zap.Int("gone", progress.Gone), zap.Int("unresolved", progress.Unresolved))
	return err
}
