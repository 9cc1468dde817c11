package lettertest

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/canarytest"
)

// MinMaxBytes is the lowest max_bytes that the configuration allows.
const MinMaxBytes = 16_384

// ID is the identity numbered n.
func ID(n int) event.ID {
	return event.ID{0, 1, 2, 3, 4, 5, byte(n >> 16), byte(n >> 8), byte(n)}
}

// Time is when the first call failed.
var Time = time.Date(2026, 3, 4, 5, 6, 7, 891011121, time.UTC)

// Failed is the failed message of the n-th event, whose call failed in delivery.
func Failed(n int) event.FailedMessage {
	return event.FailedMessage{
		Message: event.Message{
			Origin: event.Origin{Topic: "shop.orders", Partition: int32(n % 3), Offset: int64(n)},
			Key:    fmt.Appendf(nil, "canary-%d", n%7),
			Value:  fmt.Appendf(nil, `{"n":%d,"who":"canary-person"}`, n),
			Headers: []event.Header{{Key: "trace", Value: []byte("canary-1")}, {Key: "trace",
				Value: []byte("canary-2")}},
			Time: Time.Add(time.Duration(n) * time.Second),
		},
		Failures: []event.Failure{{
			ID: ID(n), Stage: event.StageDelivery, Reason: event.ReasonRefused,
			Rule: "order", Call: "track:order_completed",
			Field: "data.total", Detail: "not a number", Status: 207, Attempts: 1, First: Time,
		}},
	}
}

// FailedBetween are the failed messages of the events from the first number to the one before the second.
func FailedBetween(from, to int) []event.FailedMessage {
	var failed []event.FailedMessage
	for n := from; n < to; n++ {
		failed = append(failed, Failed(n))
	}
	return failed
}

// WithFailures gives a failed message so many failures of one kind. The identity of the n-th is that of the first and
// n thousand.
func WithFailures(m event.FailedMessage, failures int) event.FailedMessage {
	first := m.Failures[0]
	number := int(first.ID[7])<<8 | int(first.ID[8])
	for n := 1; n < failures; n++ {
		f := first
		f.ID = ID(number + 1000*n)
		m.Failures = append(m.Failures, f)
	}
	return m
}

// Writer stores failed messages.
type Writer interface {
	Put(ctx context.Context, failed ...event.FailedMessage) error
}

// MustPut stores failed messages.
func MustPut(t *testing.T, w Writer, failed ...event.FailedMessage) {
	t.Helper()
	if err := Put(t, w, failed...); err != nil {
		t.Fatal(err)
	}
}

// Put stores failed messages, or fails with an error that must show nothing of them.
func Put(t *testing.T, w Writer, failed ...event.FailedMessage) error {
	t.Helper()
	err := w.Put(t.Context(), failed...)
	canarytest.Error(t, "put failed messages", err)
	return err
}

// Same compares messages to the byte, null and empty apart. Headers of different names may have changed places.
func Same(a, b event.Message) bool {
	byName := func(h []event.Header) []event.Header {
		h = slices.Clone(h)
		slices.SortStableFunc(h, func(x, y event.Header) int { return bytes.Compare([]byte(x.Key), []byte(y.Key)) })
		return h
	}
	equal := func(x, y []byte) bool { return bytes.Equal(x, y) && (x == nil) == (y == nil) }
	return a.Origin == b.Origin && a.Time.Equal(b.Time) && equal(a.Key, b.Key) && equal(a.Value, b.Value) &&
		slices.EqualFunc(byName(a.Headers), byName(b.Headers), func(x, y event.Header) bool {
			return x.Key == y.Key && equal(x.Value, y.Value)
		})
}
