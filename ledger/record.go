package ledger

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/ciobridge/ciobridge/event"
)

// State is what a record says of a call.
type State uint8

const (
	// Unknown means that there is no record: nobody has tried to send the call.
	Unknown State = iota
	// Intent means that somebody was about to send it. Where no outcome follows, nobody knows whether it was sent.
	Intent
	// NotSent means that it had no effect: it was refused, or never handed over, or somebody has decided so.
	NotSent
	// Uncertain means that the attempt is over and nobody knows whether it had an effect.
	Uncertain
	// Sent means that it was accepted, or that somebody has decided so. It is final.
	Sent
)

var stateNames = [...]string{Unknown: "unknown", Intent: "intent", NotSent: "not_sent", Uncertain: "uncertain",
	Sent: "sent"}

// String is the state's name, as it is stored.
func (s State) String() string { return stateNames[s] }

// Owner tells one process that sends from any other, also from itself after a restart.
type Owner uint64

// Operator is the owner of what a person has decided.
const Operator Owner = 0

// Record is what is known of a call. The zero Record is that of a call of which nothing is known.
//
// The records of a call follow each other by their versions: of several that follow the same one, the first that is
// stored counts, and no other. One with the state Sent counts always, and nothing follows it.
type Record struct {
	State   State
	Version uint32 // counts the records of the call, from 1
	Owner   Owner
	At      time.Time // when it was written, by the clock of the writer, to the millisecond

	// Revision is the store's own mark of the record, for Put.
	Revision uint64
}

// Follow makes the record that comes after another one.
func (r Record) Follow(state State, owner Owner, at time.Time) Record {
	return Record{State: state, Version: r.Version + 1, Owner: owner, At: at.Truncate(time.Millisecond)}
}

// Is reports whether two records are the same one.
func (r Record) Is(other Record) bool {
	return r.State == other.State && r.Version == other.Version && r.Owner == other.Owner
}

// counts reports whether next takes the place of r, where both stand in a log in this order.
func (r Record) counts(next Record) bool {
	return r.State != Sent && (next.State == Sent || next.Version > r.Version)
}

// line is a record as it is stored.
type line struct {
	ID      string `json:"id,omitempty"` // where the store has no key
	Version uint32 `json:"version"`
	State   string `json:"state"`
	Owner   string `json:"owner"` // 16 digits of base 16, or operator
	At      int64  `json:"at"`    // unix milliseconds
}

const operator = "operator"

// Encode writes a record as one line of JSON. The id is left out where it is zero. There is nothing personal in it.
func (r Record) Encode(id event.ID) []byte {
	l := line{Version: r.Version, State: r.State.String(), Owner: operator, At: r.At.UnixMilli()}
	if r.Owner != Operator {
		l.Owner = fmt.Sprintf("%016x", uint64(r.Owner))
	}
	if !id.IsZero() {
		l.ID = id.String()
	}
	text, _ := json.Marshal(l) // of numbers and texts, which cannot fail
	return text
}

// ErrRecord means that what stands in the ledger was not written by one.
var ErrRecord = errors.New("not a record of a send ledger")

// Decode reads what Encode wrote.
func Decode(text []byte) (event.ID, Record, error) {
	var l line
	strict := json.NewDecoder(bytes.NewReader(text))
	strict.DisallowUnknownFields()
	if strict.Decode(&l) != nil || l.Version == 0 || strict.More() {
		return event.ID{}, Record{}, ErrRecord
	}
	r := Record{Version: l.Version, At: time.UnixMilli(l.At)}
	for s := Intent; s <= Sent; s++ {
		if s.String() == l.State {
			r.State = s
		}
	}
	if l.Owner != operator {
		owner, err := strconv.ParseUint(l.Owner, 16, 64)
		if err != nil || owner == uint64(Operator) {
			return event.ID{}, Record{}, ErrRecord
		}
		r.Owner = Owner(owner)
	}
	var id event.ID
	if l.ID != "" {
		var err error
		if id, err = event.ParseID(l.ID); err != nil {
			return event.ID{}, Record{}, fmt.Errorf("%w: %w", ErrRecord, err)
		}
	}
	if r.State == Unknown {
		return event.ID{}, Record{}, ErrRecord
	}
	return id, r, nil
}
