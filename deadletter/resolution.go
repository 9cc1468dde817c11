package deadletter

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ciobridge/ciobridge/event"
)

// ResolutionKind says what a resolution notes about its letters.
type ResolutionKind string

// The kinds of resolution.
const (
	Delivered ResolutionKind = "delivered" // a replay has delivered its calls
	Replaced  ResolutionKind = "replaced"  // a replay delivered some of its calls, and wrote letters of others
	Discarded ResolutionKind = "discarded" // an operator wants nothing more of it
	Erased    ResolutionKind = "erased"    // a replay did not send it, because its person was erased

	// FailedAgain leaves a letter open: a replay has failed in the same way as before, which is counted and not copied.
	FailedAgain ResolutionKind = "failed_again"
)

// Resolution says what became of letters of one event. It is a record of the same log, with the same key as the
// letters, so that it stands behind them in the same partition. It resolves those that stand before it: a letter that
// is written again after it is open again.
type Resolution struct {
	Letters  []event.ID // letters of one event, which share key and origin
	EventID  event.ID   // of that event; zero in a resolution by a bridge that did not write it down
	Kind     ResolutionKind
	Attempts []int     // by letter, all there were so far; only where it failed again
	Note     string    // in the operator's words for a discarded letter; at most 1 KiB of one line is kept
	At       time.Time // zero means now

	Key    []byte       // the letters' key
	Origin event.Origin // the letters' origin
}

// Resolve returns a resolution of the letter alone.
func (l *Letter) Resolve(kind ResolutionKind, note string) Resolution {
	return Resolution{
		Letters: []event.ID{l.ID()}, EventID: l.EventID, Kind: kind, Note: note,
		Key: l.Message.Key, Origin: l.Message.Origin,
	}
}

// EncodeResolution turns a resolution into the record that is stored. Its value is empty and not null, so that no tool
// takes it for a deletion.
func EncodeResolution(r *Resolution, now time.Time) Record {
	ids := make([]string, len(r.Letters))
	for i, id := range r.Letters {
		ids[i] = id.String()
	}
	at := r.At
	if at.IsZero() {
		at = now
	}
	headers := []event.Header{
		{Key: headerResolves, Value: []byte(strings.Join(ids, " "))},
		{Key: headerEventID, Value: []byte(r.EventID.String())},
		{Key: headerResolution, Value: []byte(r.Kind)},
		{Key: headerNote, Value: []byte(printable(r.Note, maxDetail))},
		{Key: headerResolvedAt, Value: []byte(at.UTC().Format(time.RFC3339Nano))},
		{Key: headerOrigin, Value: []byte(formatOrigin(r.Origin, time.Time{}))},
	}
	if r.Kind == FailedAgain {
		attempts := make([]string, len(r.Attempts))
		for i, n := range r.Attempts {
			attempts[i] = strconv.Itoa(n)
		}
		headers = append(headers, event.Header{Key: headerAttempts, Value: []byte(strings.Join(attempts, " "))})
	}
	return Record{Time: now, Key: r.Key, Value: []byte{}, Headers: headers}
}

// decodeResolution reads what EncodeResolution wrote.
func decodeResolution(r *Record) (*Resolution, error) {
	h := headerReader{record: r}
	res := &Resolution{
		Kind: ResolutionKind(h.text(headerResolution)),
		Note: h.text(headerNote),
		At:   h.time(headerResolvedAt),
		Key:  r.Key,
	}
	if !slices.Contains([]ResolutionKind{Delivered, Replaced, Discarded, Erased, FailedAgain}, res.Kind) {
		h.fail(headerResolution, errors.New("not an outcome that this version knows"))
	}
	for s := range strings.FieldsSeq(h.text(headerResolves)) {
		id, err := event.ParseID(s)
		h.fail(headerResolves, err)
		res.Letters = append(res.Letters, id)
	}
	if len(res.Letters) == 0 {
		h.fail(headerResolves, errors.New("names no letter"))
	}
	origin, _, err := parseOrigin(h.text(headerOrigin))
	h.fail(headerOrigin, err)
	res.Origin = origin
	if _, ok := r.header(headerEventID); ok {
		res.EventID = h.id(headerEventID)
	}
	if res.Kind == FailedAgain {
		for s := range strings.FieldsSeq(h.text(headerAttempts)) {
			n, err := parseAttempts(s)
			h.fail(headerAttempts, err)
			res.Attempts = append(res.Attempts, n)
		}
		if len(res.Attempts) != len(res.Letters) || res.EventID.IsZero() {
			h.fail(headerAttempts, errors.New("not one number for each letter of an event"))
		}
	}
	if h.err != nil {
		return nil, h.err
	}
	return res, nil
}

// about reports whether the resolution speaks of the letter.
func (r *Resolution) about(l *Letter) bool {
	return slices.Contains(r.Letters, l.ID()) && (r.EventID.IsZero() || r.EventID == l.EventID)
}

// AttemptsOf is the number of attempts that the resolution notes of a letter, and 0 if it notes none.
func (r *Resolution) AttemptsOf(id event.ID) int {
	if i := slices.Index(r.Letters, id); i >= 0 && i < len(r.Attempts) {
		return r.Attempts[i]
	}
	return 0
}
