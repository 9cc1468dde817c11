package deadletter

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/ciobridge/ciobridge/event"
)

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

// MaxAttempts bounds the attempts that are counted, so that a sum of two numbers of attempts never overflows.
const MaxAttempts = 1_000_000

// parseAttempts reads a number of attempts. One that is out of bounds, as older versions could write, counts as
// MaxAttempts.
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

// original reads what a repaired copy stands for.
func (h *headerReader) original() (o event.Original) {
	letter, of, _ := strings.Cut(h.text(headerRepairs), " ")
	var err error
	o.Letter, err = event.ParseID(letter)
	h.fail(headerRepairs, err)
	o.Event, err = event.ParseID(of)
	h.fail(headerRepairs, err)
	return o
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
