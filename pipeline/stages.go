package pipeline

import (
	"context"
	"iter"
	"time"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/memory"
)

// Source hands over messages that a broker keeps until they are settled.
type Source interface {
	// Consume hands over messages until ctx ends, waits for those in flight up to its drain limit, commits and
	// returns.
	//
	// The lease given to handle is the consumer-group generation, or the right to read the stream.
	//
	// Handle may be called from several goroutines, in order within a partition. It blocks while the bridge cannot
	// take more; that is the backpressure. When it returns an error the message was not taken; where that is
	// event.ErrTopicStopped, the source goes on, and hands over nothing more of the topic until the lease ends. Done
	// may be called from any goroutine, late, or twice; a message whose done is never called comes again.
	//
	// Where ctx has ended and Consume has returned nil, it may be called again.
	Consume(ctx context.Context, handle event.Handler) error
}

// Mapper turns a message into calls. One failing rule does not hold the calls of the others, so a message may give
// both.
//
// The calls belong to the pipeline, which gives them back through Stages.Recycle.
type Mapper interface {
	Map(m *event.Message) ([]event.Call, []event.Failure)
}

// Sender makes one attempt at delivering calls that fit one request, and returns one outcome per call, in the same
// order. They are the sender's, to be read only.
//
// When ctx ends, an attempt that is backing off or halted is released with open outcomes at once; one that only
// waits for its turn at the allowed rate goes on, unless ctx's Deadline comes first; an exchange that has begun
// runs to its own time-out, but no part of a request is handed to the network once the Deadline has passed. Send
// starts nothing that outlives it.
type Sender interface {
	Send(ctx context.Context, calls []event.Call) []event.Outcome
}

// DeadLetters stores letters. Put returns nil only when all are stored; after an error any of them may have been.
type DeadLetters interface {
	Put(ctx context.Context, letters ...event.FailedMessage) error
}

// Recorder keeps for a while what became of messages and calls. Record copies what it keeps, does not wait, and may be
// called from several goroutines.
type Recorder interface{ Record(b Became) }

// Became is what became of a message or of a call.
type Became struct {
	Message *event.Message
	Call    *event.Call // nil where none was made: the message was skipped, or failed before

	// Of these at most one is given: the outcome that settles the call, or the failure that is now stored. Without
	// either the message was skipped.
	Outcome *event.Outcome
	Failure *event.Failure

	Attempts int // that reached the wire, where there is an outcome
	At       time.Time
}

// Stages are the parts that a pipeline joins.
type Stages struct {
	Source Source
	Mapper Mapper
	Sender Sender
	// Destinations are those that the sender reaches, by number. Where there is none, all calls go to one, as
	// Config.Batch has it.
	Destinations []Destination
	DeadLetters  DeadLetters
	// Rules tells what the authors of rules say of them. Where it is nil they say nothing.
	Rules func(rule string) event.RulePolicy
	// Memory is what the messages in flight reserve bytes with. Where it is nil, New makes one of Config.Memory.
	Memory *memory.Limiter
	// Recorder is told of each call that is settled, of each failure that is stored, and of each message that was
	// skipped. It is nil where nobody wants to know.
	Recorder Recorder
	// Recycle gives calls back to the mapper, each message's as it gave them, once they are settled and nobody
	// looks at them any more. Those that are dropped unsettled are not given back. It is nil where the mapper does
	// not want them.
	Recycle func(settled iter.Seq[[]event.Call])
}
