package report

import (
	"context"
	"errors"
	"time"

	"github.com/ciobridge/ciobridge/internal/cloudevent"
)

// Settle is how long after a failed Publish or Put, or after the death of a process, what it handed over may still be
// stored.
const Settle = 5 * time.Second

// A Target is where the events of reports are published. It is used by one goroutine, beside which another may Check.
type Target interface {
	// Position is the place behind all that is stored, as a text that Published understands.
	Position(ctx context.Context) (string, error)
	// Publish stores events durably, in their order where the target has one. After an error any of them may be
	// stored, or may be until Settle has passed; but one that was alone in its call is never stored after ErrTooLarge.
	Publish(ctx context.Context, events []cloudevent.Event) error
	// Published tells of every event that was stored behind a position: its id, and its Hash as the event has it. The
	// empty position is that before the first event.
	Published(ctx context.Context, since string, each func(id, hash string)) error
	// Check proves that events can be kept there. Its error says what to do.
	Check(ctx context.Context) error
	// Place names the target, such as "topic customerio.reports".
	Place() string
	Close()
}

// A Store keeps what is known of reports: texts by their keys, which may be any text without a line break. It is used
// by one goroutine of the process that leads; others may Load from it, to show what is known.
type Store interface {
	// Load tells all that stands under keys with the prefix.
	Load(ctx context.Context, prefix string, each func(key string, value []byte) error) error
	// Put stores a value durably. An empty value removes the key.
	Put(ctx context.Context, key string, value []byte) error
	// Lead waits until this process is the one that runs the reports of this store. It tells standby once, if it has
	// to wait. The context that it returns ends when that is no longer certain; what is stored or published then may
	// meet that of another. Release gives the right up, and it can be asked for again: a runner leads only while it has
	// reports to run, so that somebody can run one by hand in between.
	Lead(ctx context.Context, standby func()) (led context.Context, release func(), err error)
	// Check makes the place if the configuration says so, and proves that it can be used. Weak lists what an operator
	// should know, one sentence each.
	Check(ctx context.Context) (weak []string, err error)
	// Place names where the state is, such as "topic ciobridge.reports".
	Place() string
	Close()
}

// What a store or a target can answer. They are told apart with errors.Is.
var (
	ErrMissing  = errors.New("the place does not exist")
	ErrUnfit    = errors.New("the place is not fit for reports")
	ErrTooLarge = errors.New("the event is larger than the place takes")
)
