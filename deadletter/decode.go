package deadletter

import (
	"errors"
	"fmt"
	"slices"

	"github.com/ciobridge/ciobridge/event"
)

// ErrForeign means that a record of the dead-letter log is neither a letter nor a resolution of this bridge.
var ErrForeign = errors.New("neither a letter nor a resolution")

// Decode reads a record of the log. It returns letters, one for each failure, or a resolution, or an error. The letters
// share the record's memory.
//
// The error is ErrForeign for a record without the bridge's headers, and otherwise names the header that cannot be
// read. The identity of a letter's event is computed from the record: a record that claims another one is ErrForeign.
// For a truncated letter it cannot be computed; such a letter is never sent.
func Decode(r Record) ([]*Letter, *Resolution, error) {
	if _, ok := r.header(headerResolves); ok {
		res, err := decodeResolution(&r)
		return nil, res, err
	}
	if _, ok := r.header(headerLetter); ok {
		letters, err := decodeLetters(&r)
		return letters, nil, err
	}
	return nil, nil, ErrForeign
}

func decodeLetters(r *Record) ([]*Letter, error) {
	h := headerReader{record: r}
	l := &Letter{Position: r.Position, Written: r.Time}
	l.Failure = event.Failure{
		ID:       h.id(headerLetter),
		Stage:    event.Stage(h.text(headerStage)),
		Reason:   event.Reason(h.text(headerReason)),
		Rule:     h.text(headerRule),
		Call:     h.text(headerCall),
		Field:    h.text(headerField),
		Detail:   h.text(headerDetail),
		Status:   h.number(headerStatus),
		Attempts: h.attempts(),
		First:    h.time(headerFirst),
	}
	if !slices.Contains(event.Reasons(), l.Failure.Reason) {
		h.fail(headerReason, errors.New("not a reason that this version knows"))
	}
	if _, ok := r.header(headerItem); ok {
		l.Failure.Item = h.number(headerItem)
	}
	if v, ok := r.header(headerPersons); ok {
		l.Failure.Persons = string(v)
	}
	if _, ok := r.header(headerRepairs); ok {
		l.Original = h.original()
	}
	l.EventID = h.id(headerEventID)
	l.ConfigHash = h.text(headerConfigHash)
	origin, at, err := parseOrigin(h.text(headerOrigin))
	h.fail(headerOrigin, err)
	l.Message = event.Message{Origin: origin, Key: r.Key, Value: r.Value, Headers: withoutOwn(r.Headers, 0), Time: at}
	if v, ok := r.header(headerTruncated); ok {
		l.Truncated, err = parseTruncation(string(v))
		h.fail(headerTruncated, err)
	}
	l.Sealed = r.SealedUnder()
	if h.err == nil && l.Truncated == nil && l.Sealed == "" && EventID(&l.Message) != l.EventID {
		h.fail(headerEventID, fmt.Errorf("names another event than the record holds: %w", ErrForeign))
	}
	letters := []*Letter{l}
	if v, ok := r.header(headerFailures); ok {
		further, err := decodeFailures(v)
		h.fail(headerFailures, err)
		for i := range further {
			another := *l
			another.Failure = further[i]
			letters = append(letters, &another)
		}
	}
	if h.err != nil {
		return nil, h.err
	}
	return letters, nil
}
