package logical

import "time"

// Unit is what a count of a date, a time of day or a moment counts.
type Unit uint8

// The units. Days and moments count from 1970-01-01, times of day from midnight.
const (
	Days Unit = iota
	MillisOfDay
	MicrosOfDay
	NanosOfDay
	Millis
	Micros
	Nanos
)

// named are the units of the types that Kafka Connect and Debezium name.
var named = map[string]Unit{
	"org.apache.kafka.connect.data.Date":      Days,
	"org.apache.kafka.connect.data.Time":      MillisOfDay,
	"org.apache.kafka.connect.data.Timestamp": Millis,
	"io.debezium.time.Date":                   Days,
	"io.debezium.time.Time":                   MillisOfDay,
	"io.debezium.time.MicroTime":              MicrosOfDay,
	"io.debezium.time.NanoTime":               NanosOfDay,
	"io.debezium.time.Timestamp":              Millis,
	"io.debezium.time.MicroTimestamp":         Micros,
	"io.debezium.time.NanoTimestamp":          Nanos,
}

// UnitOf is the unit of a type that Kafka Connect or Debezium names; ok is false for any other type. Others, such as
// io.debezium.data.Json, Uuid and Enum and io.debezium.time.ZonedTimestamp, are texts already, or have no better form,
// such as geometries.
func UnitOf(name string) (u Unit, ok bool) {
	u, ok = named[name]
	return u, ok
}

const secondsOfDay = 24 * 60 * 60

// The years that a text of RFC 3339 can have.
var (
	year0     = time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	year10000 = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
)

// Append writes a count as the date, the time of day or the moment that it is. It reports false where there is
// none, such as the infinity of PostgreSQL, or a time of day that is a long span of MySQL.
func (u Unit) Append(dst []byte, n int64) ([]byte, bool) {
	switch u {
	case Days:
		if n < year0/secondsOfDay || n >= year10000/secondsOfDay {
			return dst, false
		}
		return time.Unix(n*secondsOfDay, 0).UTC().AppendFormat(dst, time.DateOnly), true
	case MillisOfDay, MicrosOfDay, NanosOfDay:
		seconds, rest := split(n, u.perSecond())
		if seconds < 0 || seconds > secondsOfDay || seconds == secondsOfDay && rest != 0 {
			return dst, false
		}
		if seconds == secondsOfDay { // the end of the day, which the package time would call 00:00
			return append(dst, "24:00:00"...), true
		}
		return time.Unix(seconds, rest).UTC().AppendFormat(dst, "15:04:05.999999999"), true
	}
	seconds, rest := split(n, u.perSecond())
	if seconds < year0 || seconds >= year10000 {
		return dst, false
	}
	return time.Unix(seconds, rest).UTC().AppendFormat(dst, time.RFC3339Nano), true
}

// perSecond is how many units a second has.
func (u Unit) perSecond() int64 {
	switch u {
	case Millis, MillisOfDay:
		return 1000
	case Micros, MicrosOfDay:
		return 1_000_000
	}
	return 1_000_000_000
}

// split gives whole seconds, rounded down, and nanoseconds.
func split(n, perSecond int64) (seconds, nanos int64) {
	seconds, rest := n/perSecond, n%perSecond
	if rest < 0 {
		seconds, rest = seconds-1, rest+perSecond
	}
	return seconds, rest * (1_000_000_000 / perSecond)
}
