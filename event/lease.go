package event

import (
	"context"
	"errors"
)

// Lease is the right to read some partitions and to send what was read of them, for as long as it lasts. It is the
// context that messages come with.
//
// Its Done closes when the partitions are being given up: what moves may finish, and nothing else begins. From its
// Deadline on no attempt may begin; a source moves the deadline forward with every sign that it still owns the
// partitions, so it may be later each time it is asked for. Err is nil until Done closes.
type Lease interface {
	context.Context

	// AfterFunc has f run in a goroutine of its own when Done closes, or at once where it is closed. The source waits
	// for f, up to its drain limit, before it gives the partitions up. Stop keeps f from being run, and reports
	// whether it could. context.AfterFunc would not do: nobody can wait for the goroutine that it starts.
	AfterFunc(f func()) (stop func() bool)
}

// ErrTopicStopped is the error of a Handler for a message of a topic that has stopped: nothing more of it is taken
// under this lease.
var ErrTopicStopped = errors.New("the topic has stopped")

// Handler takes messages up. A source gives it each message with its lease, and with the function that is to be
// called when the message is finished: from any goroutine, late, or twice. The Message is the source's, and the handler
// copies it before it returns; what it points to stays as it is until the message is acked. After an error the message
// was not taken up.
type Handler = func(lease Lease, m *Message, done func()) error
