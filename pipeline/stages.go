// Package pipeline carries messages from a source through the mapper to the sender, and settles them.
//
// It owns the flow: a lane for each person, batching, suspects, the memory budget, and when a message is done. It
// knows neither a broker nor Customer.io: those are behind four interfaces of one method each.
package pipeline

import (
	"context"

	"github.com/ciobridge/ciobridge/event"
)

// Source hands over messages that a broker keeps until they are settled.
type Source interface {
	// Consume hands over messages until ctx ends, waits for those in hand up to its drain limit, commits and returns.
	//
	// The lease given to handle is the consumer-group generation, or the right to read the stream.
	//
	// Handle may be called from several goroutines, in order within a partition. It blocks while the bridge cannot
	// take more; that is the backpressure. When it returns an error the message was not taken. Done may be called
	// from any goroutine, late, or twice; a message whose done is never called comes again.
	Consume(ctx context.Context, handle event.Handler) error
}

// Mapper turns a message into calls. One failing rule does not hold the calls of the others, so a message may give
// both.
//
// The calls belong to the pipeline, which gives them back through Stages.Recycle.
type Mapper interface {
	Map(m event.Message) ([]event.Call, []event.Failure)
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
