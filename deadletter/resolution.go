package deadletter

import (
	"slices"
	"strings"
	"time"

	"github.com/ciobridge/ciobridge/event"
)

// Outcome says how a letter was settled.
type Outcome string

// The outcomes of a letter.
const (
	Delivered Outcome = "delivered" // a replay has delivered its calls
	Replaced  Outcome = "replaced"  // a replay has delivered some of its calls and written narrower letters for the others
	Discarded Outcome = "discarded" // an operator wants nothing more of it
)

// Resolution settles letters. It stands in the same log as they do, with the same key, and so behind them.
type Resolution struct {
	Letters []event.ID // letters of one event, which share key and origin
	Outcome Outcome
	Note    string    // in the operator's words for a discarded letter; at most 1 KiB of one line is kept
	At      time.Time // zero means now

	Key    []byte       // the letters' key
	Origin event.Origin // the letters' origin
}

// Resolve returns the resolution of letters of one event.
func (l *Letter) Resolve(outcome Outcome, note string) Resolution {
	return Resolution{
		Letters: []event.ID{l.ID()}, Outcome: outcome, Note: note, Key: l.Message.Key, Origin: l.Message.Origin,
	}
}

// encodeResolution turns a resolution into the record that is stored. Its value is empty and not null, so that no tool takes it
// for a deletion.
func encodeResolution(r *Resolution, now time.Time) Record {
	ids := make([]string, len(r.Letters))
	for i, id := range r.Letters {
		ids[i] = id.String()
	}
	at := r.At
	if at.IsZero() {
		at = now
	}
	return Record{Time: now, Key: r.Key, Value: []byte{}, Headers: []event.Header{
		{Key: headerResolves, Value: []byte(strings.Join(ids, " "))},
		{Key: headerResolution, Value: []byte(r.Outcome)},
		{Key: headerNote, Value: []byte(printable(r.Note, maxDetail))},
		{Key: headerResolvedAt, Value: []byte(at.UTC().Format(time.RFC3339Nano))},
		{Key: headerOrigin, Value: []byte(formatOrigin(r.Origin, time.Time{}))},
	}}
}

// names reports whether the resolution settles the letter.
func (r *Resolution) names(id event.ID) bool { return slices.Contains(r.Letters, id) }
