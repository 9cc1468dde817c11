package deadletter

import (
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/ciobridge/ciobridge/event"
)

// maxDetail and maxField bound the two headers that can be long. Both are for people; nothing is matched by them.
const (
	maxDetail = 1024
	maxField  = 256
)

// letterHeaders is the number of headers that encode adds.
const letterHeaders = 19

// Encode turns a failed message into the record that is stored. The record shares the message's memory.
func Encode(l *event.FailedMessage, now time.Time, configHash string) Record {
	m, f := &l.Message, storable(l.Failures[0], now)
	field, detail := f.Field, f.Detail
	message := detail
	if field != "" {
		message = field + ": " + detail
	}
	headers := withoutOwn(m.Headers, letterHeaders+2)
	for _, h := range [letterHeaders][2]string{
		{headerLetter, f.ID.String()},
		{headerReason, string(f.Reason)},
		{headerField, field},
		{headerDetail, detail},
		{headerStage, string(f.Stage)},
		{headerRule, f.Rule},
		{headerCall, f.Call},
		{headerAttempts, strconv.Itoa(f.Attempts)},
		{headerStatus, strconv.Itoa(f.Status)},
		{headerEventID, EventID(m).String()},
		{headerFirst, f.First.Format(time.RFC3339Nano)},
		{headerConfigHash, configHash},
		{headerOrigin, formatOrigin(m.Origin, m.Time)},
		{connectTopic, m.Origin.Topic},
		{connectPartition, strconv.Itoa(int(m.Origin.Partition))},
		{connectOffset, strconv.FormatInt(m.Origin.Offset, 10)},
		{connectStage, connectStageOf(f.Stage)},
		{connectClass, "ciobridge." + string(f.Reason)},
		{connectMessage, message},
	} {
		headers = append(headers, event.Header{Key: h[0], Value: []byte(h[1])})
	}
	if len(l.Failures) > 1 {
		headers = append(headers, event.Header{Key: headerFailures, Value: encodeFailures(l.Failures[1:], now)})
	}
	return Record{Time: now, Key: m.Key, Value: m.Value, Headers: headers}
}

// storable is a failure with its texts made fit for a header and a time.
func storable(f event.Failure, now time.Time) event.Failure {
	f.Field, f.Detail = printable(f.Field, maxField), printable(f.Detail, maxDetail)
	f.Attempts = min(f.Attempts, MaxAttempts)
	if f.First.IsZero() {
		f.First = now
	}
	f.First = f.First.Round(0).UTC() // without the process's own clock, so that equal times are equal
	return f
}

// connectStageOf gives the stage of Kafka Connect (its enum Stage) that comes nearest.
func connectStageOf(s event.Stage) string {
	switch s {
	case event.StageConsumer:
		return "KAFKA_CONSUME"
	case event.StageMapping:
		return "TRANSFORMATION"
	default:
		return "TASK_PUT"
	}
}

// printable makes a text fit for a header of any store: valid UTF-8 of one line and at most limit bytes.
func printable(s string, limit int) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	if len(s) > limit {
		s = s[:limit]
		for !utf8.ValidString(s) {
			s = s[:len(s)-1]
		}
	}
	return strings.TrimSpace(s)
}
