package source

import (
	"testing"
	"time"

	"github.com/ciobridge/ciobridge/consumer"
)

// Where reading begins is written in any form in which events may write a time.
func TestStartAt(t *testing.T) {
	at := time.Date(2026, 10, 5, 8, 30, 0, 0, time.UTC)
	for text, want := range map[string]consumer.StartAt{
		"earliest": {}, "LATEST": {Latest: true},
		"2026-10-05T08:30:00Z": {At: at}, "2026-10-05 10:30+02": {At: at}, "2026-10-05T10:30:00+0200": {At: at},
		"Mon, 05 Oct 2026 08:30:00 GMT": {At: at}, "1791189000": {At: at},
		"2026-10-05T10:30:00+02:00[Europe/Oslo]": {At: at},
		"2026-10-05T08:30:00.25Z":                {At: at.Add(time.Second / 4)},
		"2026-10-05":                             {At: at.Truncate(24 * time.Hour)},
	} {
		got, err := consumer.ParseStartAt(StartAt(text))
		if err != nil || got.Latest != want.Latest || !got.At.Equal(want.At) {
			t.Errorf("%s is %+v, %v; want %+v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "sometimes", "2026-10-05 08:30", "0001-01-01T00:00:00Z", "0", "1960-01-01"} {
		if got, err := consumer.ParseStartAt(StartAt(text)); err == nil {
			t.Errorf("%q is %+v", text, got)
		}
	}
}
