package deadletter

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ciobridge/ciobridge/event"
)

// ErrForeign means that a record of the dead-letter log is neither a letter nor a resolution of this bridge.
var ErrForeign = errors.New("neither a letter nor a resolution")

// Decode reads a record of the log. A letter's event is computed from the record itself: one that says it is of another
// event is ErrForeign. Of a letter that was truncated that cannot be computed, and it is never sent. Decode gives
// letters, one for each failure, or a resolution, or an error, which is ErrForeign for a record without the bridge's
// headers and otherwise names the header that cannot be read. The letters share the record's memory.
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

// headerReader reads headers one by one and keeps the first mistake.
type headerReader struct {
	record *Record
	err    error
}

func (h *headerReader) text(key string) string {
	v, ok := h.record.header(key)
	if !ok {
		h.fail(key, errors.New("missing"))
	}
	return string(v)
}

func (h *headerReader) fail(key string, err error) {
	if err != nil && h.err == nil {
		h.err = fmt.Errorf("header %s: %w", key, err)
	}
}

func (h *headerReader) number(key string) int {
	n, err := strconv.Atoi(h.text(key))
	if err != nil || n < 0 {
		h.fail(key, errors.New("not a number from 0 on"))
		return 0
	}
	return n
}

// MaxAttempts bounds the attempts that are counted. Nobody makes so many, and a sum near the largest integer would
// wrap.
const MaxAttempts = 1_000_000

// parseAttempts reads a number of attempts. One that is too large, or that an older version has let wrap, counts as the
// most.
func parseAttempts(s string) (int, error) {
	n, err := strconv.Atoi(s)
	if errors.Is(err, strconv.ErrRange) {
		return MaxAttempts, nil
	}
	if n < 0 || n > MaxAttempts {
		n = MaxAttempts
	}
	return n, err
}

func (h *headerReader) attempts() int {
	n, err := parseAttempts(h.text(headerAttempts))
	if err != nil {
		h.fail(headerAttempts, errors.New("not a number"))
	}
	return n
}

func (h *headerReader) id(key string) event.ID {
	id, err := event.ParseID(h.text(key))
	h.fail(key, err)
	return id
}

func (h *headerReader) time(key string) time.Time {
	t, err := parseInstant(h.text(key))
	h.fail(key, err)
	return t
}

// parseInstant reads a time of RFC 3339 that can be written again in UTC.
func parseInstant(s string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339Nano, s)
	if t = t.UTC(); err != nil || t.Year() < 0 || t.Year() > 9999 {
		return time.Time{}, errors.New("not a time of RFC 3339")
	}
	return t, nil
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
	l.EventID = h.id(headerEventID)
	l.ConfigHash = h.text(headerConfigHash)
	origin, at, err := parseOrigin(h.text(headerOrigin))
	h.fail(headerOrigin, err)
	l.Message = event.Message{Origin: origin, Key: r.Key, Value: r.Value, Headers: withoutOwn(r.Headers, 0), Time: at}
	if v, ok := r.header(headerTruncated); ok {
		l.Truncated, err = parseTruncation(string(v))
		h.fail(headerTruncated, err)
	}
	if h.err == nil && l.Truncated == nil && EventID(&l.Message) != l.EventID {
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

func decodeResolution(r *Record) (*Resolution, error) {
	h := headerReader{record: r}
	res := &Resolution{
		Kind: ResolutionKind(h.text(headerResolution)),
		Note: h.text(headerNote),
		At:   h.time(headerResolvedAt),
		Key:  r.Key,
	}
	if !slices.Contains([]ResolutionKind{Delivered, Replaced, Discarded, FailedAgain}, res.Kind) {
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
