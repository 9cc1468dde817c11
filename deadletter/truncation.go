package deadletter

import (
	"crypto/sha256"
	"fmt"

	"github.com/ciobridge/ciobridge/event"
)

// wholeParts is how many records one may become so that each of them holds the message whole.
const wholeParts = 4

// Fit makes the record of a failed message fit into limit bytes, as size counts them. Too many failures are divided
// among up to four records that hold the message whole. Otherwise the message is truncated. It fails if the headers of
// a single failure do not fit.
func Fit(r Record, limit int, size func(*Record) int) ([]Record, error) {
	if parts := whole(r, limit, wholeParts, size); parts != nil {
		return parts, nil
	}
	c, err := truncate(r, limit, size)
	if err == nil {
		return []Record{c}, nil
	}
	first, rest, ok := halve(r)
	if !ok {
		return nil, err
	}
	var parts []Record
	for _, half := range []Record{first, rest} {
		more, err := Fit(half, limit, size)
		if err != nil {
			return nil, err
		}
		parts = append(parts, more...)
	}
	return parts, nil
}

// whole divides the failures of a record among at most so many that fit, or returns nil.
func whole(r Record, limit, most int, size func(*Record) int) []Record {
	if size(&r) <= limit {
		return []Record{r}
	}
	if most < 2 {
		return nil
	}
	first, rest, ok := halve(r)
	if !ok {
		return nil
	}
	a := whole(first, limit, most/2, size)
	b := whole(rest, limit, most/2, size)
	if a == nil || b == nil {
		return nil
	}
	return append(a, b...)
}

// halve divides the failures of a record between two. It does not where there is only one.
func halve(r Record) (first, rest Record, ok bool) {
	letters, _, err := Decode(r)
	if err != nil || len(letters) < 2 {
		return r, Record{}, false
	}
	failures := make([]event.Failure, len(letters))
	for i, l := range letters {
		failures[i] = l.Failure
	}
	part := func(failures []event.Failure) Record {
		m := event.FailedMessage{Message: letters[0].Message, Failures: failures, Original: letters[0].Original}
		return Encode(&m, r.Time, letters[0].ConfigHash)
	}
	n := len(failures) / 2
	return part(failures[:n]), part(failures[n:]), true
}

// truncate makes a record fit by taking content away, and flags it. The value goes first, then the original headers,
// and at last the end of the key. It fails if the letter's own headers do not fit.
func truncate(r Record, limit int, size func(*Record) int) (Record, error) {
	c := Truncation{Bytes: len(r.Value), SHA256: sha256.Sum256(r.Value)}
	flag := event.Header{Key: headerTruncated, Value: []byte(c.String())}
	r.Headers = append(r.Headers[:len(r.Headers):len(r.Headers)], flag)
	value := r.Value
	r.Value = value[:0:0]
	if size(&r) > limit {
		own := r.Headers[:0:0]
		for _, h := range r.Headers {
			if ownHeaders[h.Key] {
				own = append(own, h)
			}
		}
		r.Headers = own
	}
	if over := size(&r) - limit; over > 0 {
		r.Key = r.Key[:max(0, len(r.Key)-over)]
	}
	room := limit - size(&r)
	if room < 0 {
		return r, fmt.Errorf("the letter's own headers take %d bytes of %d: %w", size(&r), limit, ErrTooLarge)
	}
	if value != nil {
		r.Value = value[:min(room, len(value))]
	}
	return r, nil
}
