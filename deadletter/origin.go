package deadletter

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/ciobridge/ciobridge/event"
)

// formatOrigin writes where and when the original record stood, with everything that an identity is made of:
//
//	topic/partition@offset time subject
//
// Topic and subject are percent-encoded as in a path. Time is the record's own, as Unix seconds and nine digits of
// nanoseconds after them ("1795226316.123000000"), or "-" where the broker gave none. The subject and the space before
// it are left out for Kafka.
func formatOrigin(o event.Origin, at time.Time) string {
	s := event.Origin{Topic: url.PathEscape(o.Topic), Partition: o.Partition, Offset: o.Offset}.String() + " "
	if at.IsZero() {
		s += "-"
	} else {
		s += fmt.Sprintf("%d.%09d", at.Unix(), at.Nanosecond())
	}
	if o.Subject != "" {
		s += " " + url.PathEscape(o.Subject)
	}
	return s
}

var errOrigin = errors.New("origin is not of the form topic/partition@offset time subject")

// parseOrigin reads what formatOrigin wrote. The time is in UTC.
func parseOrigin(s string) (event.Origin, time.Time, error) {
	parts := strings.Split(s, " ")
	if len(parts) != 2 && len(parts) != 3 {
		return event.Origin{}, time.Time{}, errOrigin
	}
	o, ok := parsePlace(parts[0])
	at, okTime := parseTime(parts[1])
	if len(parts) == 3 && ok {
		var err error
		o.Subject, err = url.PathUnescape(parts[2])
		ok = err == nil && o.Subject != ""
	}
	if !ok || !okTime {
		return event.Origin{}, time.Time{}, errOrigin
	}
	return o, at, nil
}

func parsePlace(s string) (event.Origin, bool) {
	at := strings.LastIndexByte(s, '@')
	if at < 0 {
		return event.Origin{}, false
	}
	slash := strings.LastIndexByte(s[:at], '/')
	if slash < 0 {
		return event.Origin{}, false
	}
	topic, err := url.PathUnescape(s[:slash])
	partition, errPartition := strconv.ParseInt(s[slash+1:at], 10, 32)
	offset, errOffset := strconv.ParseInt(s[at+1:], 10, 64)
	if err != nil || errPartition != nil || errOffset != nil {
		return event.Origin{}, false
	}
	return event.Origin{Topic: topic, Partition: int32(partition), Offset: offset}, true
}

func parseTime(s string) (time.Time, bool) {
	if s == "-" {
		return time.Time{}, true
	}
	whole, fraction, ok := strings.Cut(s, ".")
	if !ok || len(fraction) != 9 {
		return time.Time{}, false
	}
	seconds, err := strconv.ParseInt(whole, 10, 64)
	nanos, errNanos := strconv.ParseUint(fraction, 10, 32)
	if err != nil || errNanos != nil {
		return time.Time{}, false
	}
	return time.Unix(seconds, int64(nanos)).UTC(), true
}
