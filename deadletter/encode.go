package deadletter

import (
	"cmp"
	"strconv"
	"time"

	"github.com/ciobridge/ciobridge/event"
)

// letterHeaders is the number of headers that Encode adds to every record.
const letterHeaders = 19

// Encode turns a failed message into the record that is stored. The record shares the message's memory. The hash is
// that of the configuration, and counts where the failure does not know by which rules the message was mapped.
func Encode(l *event.FailedMessage, now time.Time, configHash string) Record {
	m, f := &l.Message, storable(l.Failures[0], now)
	id := EventID(m)
	erased := isErased(l.Failures)
	if erased {
		m = withoutContent(m)
	}
	field, detail := f.Field, f.Detail
	message := detail
	if field != "" {
		message = field + ": " + detail
	}
	headers := withoutOwn(m.Headers, letterHeaders+4)
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
		{headerEventID, id.String()},
		{headerFirst, f.First.Format(time.RFC3339Nano)},
		{headerConfigHash, cmp.Or(f.Rules, configHash)},
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
	if f.Item > 0 {
		headers = append(headers, event.Header{Key: headerItem, Value: strconv.AppendInt(nil, int64(f.Item), 10)})
	}
	if o := l.Original; !o.IsZero() {
		headers = append(headers,
			event.Header{Key: headerRepairs, Value: []byte(o.Letter.String() + " " + o.Event.String())})
	}
	if f.Persons != "" {
		headers = append(headers, event.Header{Key: headerPersons, Value: []byte(f.Persons)})
	}
	if erased {
		gone := Truncation{Bytes: len(l.Message.Value)}
		headers = append(headers, event.Header{Key: headerTruncated, Value: []byte(gone.String())})
	}
	if len(l.Failures) > 1 {
		headers = append(headers, event.Header{Key: headerFailures, Value: encodeFailures(l.Failures[1:], now)})
	}
	return Record{Time: now, Key: m.Key, Value: m.Value, Headers: headers}
}

// isErased reports whether nothing of a message failed but that its persons were erased. What is written of it is where
// it stood, and nothing that it held.
func isErased(failures []event.Failure) bool {
	for i := range failures {
		if failures[i].Reason != event.ReasonErased {
			return false
		}
	}
	return true
}

// withoutContent is a message without key, value, headers and subject, which may name a person as they do.
func withoutContent(m *event.Message) *event.Message {
	origin := m.Origin
	origin.Subject = ""
	return &event.Message{Origin: origin, Time: m.Time, Value: []byte{}}
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
