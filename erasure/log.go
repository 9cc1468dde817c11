package erasure

import (
	"context"
	"errors"
)

// A Log keeps fences. Of the records of one key the last that was written counts, and the others may be forgotten.
type Log interface {
	// Check proves that fences can be kept there, and makes the place where the configuration says so.
	Check(ctx context.Context) error
	// Read gives each record that was written since it was last called, and the first time all there are, in the order
	// in which they were written. After an error it gives some of them again.
	Read(ctx context.Context, each func(Record)) error
	// Write returns when the records are stored so that no crash of a server or of the process loses them. They are
	// stored in their order.
	Write(ctx context.Context, records ...Record) error
}

// ErrOtherKey means that the fences were written under another key than the one that is configured: none of them would
// hold anything.
var ErrOtherKey = errors.New("the fences were written under another key: give the key back with which they were " +
	"made, or a new place for them")

// ErrUnfit means that the place is there and cannot keep fences, such as a topic that forgets.
var ErrUnfit = errors.New("the place cannot keep erasure fences")

// Passing reports whether an error of Fences.Open may pass by itself.
func Passing(err error) bool {
	return !errors.Is(err, ErrOtherKey) && !errors.Is(err, ErrUnfit)
}
