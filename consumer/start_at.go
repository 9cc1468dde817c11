package consumer

import (
	"errors"
	"strings"
	"time"
)

// StartAt says where reading begins where nothing is committed.
type StartAt struct {
	Latest bool
	At     time.Time // zero for earliest and latest
}

// ParseStartAt reads earliest, latest, or a time in RFC 3339.
func ParseStartAt(s string) (StartAt, error) {
	switch strings.ToLower(s) {
	case "earliest":
		return StartAt{}, nil
	case "latest":
		return StartAt{Latest: true}, nil
	case "":
		return StartAt{}, errors.New("is missing: give earliest, latest, or a time such as 2026-01-31T00:00:00Z")
	}
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return StartAt{}, errors.New("is not earliest, latest, or a time with its zone such as 2026-01-31T00:00:00Z")
	}
	if at.UnixMilli() < 0 {
		return StartAt{}, errors.New("is before 1970")
	}
	return StartAt{At: at}, nil
}
