package cli

import (
	"errors"
	"time"

	"github.com/ciobridge/ciobridge/mapping/expr/document"
)

// ParseTime reads a time with its zone, a date in UTC, or how long ago. The empty text is the zero time.
func ParseTime(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if ago, err := time.ParseDuration(text); err == nil && ago >= 0 {
		return now.Add(-ago), nil
	}
	if t, ok := document.ParseTime(text); ok {
		return t, nil
	}
	return time.Time{}, errors.New("want a time with its zone such as 2026-10-05T08:30:00Z, a date such as " +
		"2026-10-05, or how long ago such as 2h")
}
