package consumer

import (
	"context"
	"fmt"
	"time"
)

// Bounds say between which times of the broker messages are wanted. From is included and To is not. Without From it is
// from the first message that the broker has, and without To up to the last one that stands when the question is asked.
type Bounds struct{ From, To time.Time }

// An Extent is a part of a partition that is read once, beside those who read the source: the offsets from From up to
// and without End. Whoever knows where a message stands may make one. An empty one is read as well, and brings nothing.
type Extent struct {
	Topic     string
	Partition int32
	From, End int64
}

// Count is the number of offsets of the extent. Of those some may have no message: of a stream that is read in part, or
// of a log with markers of transactions, or of which older messages were removed.
func (e Extent) Count() int64 { return max(0, e.End-e.From) }

// GoneError says that the broker has discarded the messages from From up to and without To before an extent was read so
// far. The rest can be read on from To.
type GoneError struct {
	Extent
	To int64
}

func (e *GoneError) Error() string {
	return fmt.Sprintf("%s/%d: the broker has discarded offsets %d to %d", e.Topic, e.Partition, e.From, e.To-1)
}

// Notes are where it is noted how far extents are read, apart from how far the source is, so that reading can go on
// after it was stopped or killed.
type Notes interface {
	// Load tells the next offset of each partition of which something is noted.
	Load(context.Context) ([]OffsetChange, error)
	// Store notes the next offset of partitions.
	Store(context.Context, []OffsetChange) error
	// Remove removes all that was noted.
	Remove(context.Context) error
}
