package mapping

import (
	"bytes"
	"time"

	"github.com/ciobridge/ciobridge/mapping/expr"
)

// moment is an event's time. Known is false where neither the event nor the broker gave one.
type moment struct {
	ms    int64 // unix milliseconds
	known bool
}

// unix is the moment in whole seconds, as Customer.io takes it.
func (m moment) unix() int64 { return m.ms / 1000 }

// Times outside these years are mistakes: an unset field, or another unit.
var (
	earliest = time.Date(1970, 1, 2, 0, 0, 0, 0, time.UTC).Unix()
	latest   = time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
)

// momentOf reads a time that an expression gave: an RFC 3339 string or unix seconds. It says what is wrong with any other.
func (s *scratch) momentOf(v expr.Value) (moment, string) {
	switch v.Kind {
	case expr.String:
		text := v.Raw[1 : len(v.Raw)-1]
		if bytes.IndexByte(text, '\\') >= 0 {
			s.text = v.AppendString(s.text[:0])
			text = s.text
		}
		var t time.Time
		if t.UnmarshalText(text) != nil {
			return moment{}, "is a string that is not an RFC 3339 time"
		}
		if problem := checkUnix(t.Unix()); problem != "" {
			return moment{}, problem
		}
		return moment{t.UnixMilli(), true}, ""
	case expr.Number:
		n, ok := v.Int64()
		if !ok {
			return moment{}, "is a number with a fraction; want unix seconds"
		}
		if problem := checkUnix(n); problem != "" {
			return moment{}, problem
		}
		return moment{n * 1000, true}, ""
	}
	return moment{}, "is " + article(v.Kind) + "; want an RFC 3339 string or unix seconds"
}

// checkUnix says what is wrong with a time in unix seconds, or "".
func checkUnix(n int64) string {
	switch {
	case n >= 100_000_000_000:
		return "looks like milliseconds: use unix_ms"
	case n < earliest || n >= latest:
		return "is not a plausible time: it lies before 1970-01-02 or after 2199"
	}
	return ""
}

func article(k expr.Kind) string {
	switch k {
	case expr.Absent, expr.Null:
		return k.String()
	case expr.Array, expr.Object:
		return "an " + k.String()
	}
	return "a " + k.String()
}
