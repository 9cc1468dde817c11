package deadletter

import (
	"strconv"
	"time"

	"github.com/ciobridge/ciobridge/event"
)

// Record is one record of a dead-letter log, in the form that is common to all stores.
type Record struct {
	Position Position  // where it stands; meaningless before it is written
	Time     time.Time // when it was written
	Key      []byte    // nil where there is none, which is not the same as empty
	Value    []byte    // nil for a tombstone, which is not the same as empty
	Headers  []event.Header
}

// Position is the place of a record in a dead-letter log.
type Position struct {
	Partition int32 // 0 where the store has no partitions
	Offset    int64 // the Kafka offset, the JetStream stream sequence, or the byte in the file at which the line begins
	Shift     int64 // by how much a purge has moved it behind the offset at which it was written; 0 where none has
}

// Written is the offset at which the record was first written. By it the records of a partition follow each other.
func (p Position) Written() int64 { return p.Offset - p.Shift }

// String renders the position as partition@offset.
func (p Position) String() string {
	return strconv.Itoa(int(p.Partition)) + "@" + strconv.FormatInt(p.Offset, 10)
}

// header returns the last value of a header, because what the bridge writes stands behind what it found.
func (r *Record) header(key string) ([]byte, bool) {
	for i := len(r.Headers) - 1; i >= 0; i-- {
		if r.Headers[i].Key == key {
			return r.Headers[i].Value, true
		}
	}
	return nil, false
}

// SealedUnder is the id of the key under which the record is sealed; empty where it is not, or was opened.
func (r Record) SealedUnder() string {
	id, _ := r.header(HeaderSealed)
	return string(id)
}

// Identity are the identities of a record's first letter and of its event, which what is sealed belongs to. A record
// that is no letter has none.
func (r *Record) Identity() []byte {
	letter, ok := r.header(headerLetter)
	if !ok {
		return nil
	}
	of, _ := r.header(headerEventID)
	return append(append([]byte{}, letter...), of...)
}

// recordOverhead is more than a record of Kafka and the batch around it take beside their content.
const recordOverhead = 128

// headerOverhead is more than the lengths of one header take.
const headerOverhead = 10

// Size is an upper bound of the bytes that the record takes as a Kafka batch of its own.
func (r *Record) Size() int {
	n := recordOverhead + len(r.Key) + len(r.Value)
	for i := range r.Headers {
		n += headerOverhead + len(r.Headers[i].Key) + len(r.Headers[i].Value)
	}
	return n
}
