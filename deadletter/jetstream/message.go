package jetstream

import (
	"encoding/base64"
	"errors"
	"net/textproto"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/event"
)

// toMessage writes a record as a message.
func toMessage(r *deadletter.Record, subject string) *nats.Msg {
	m := &nats.Msg{Subject: subject, Header: nats.Header{}, Data: r.Value}
	// Those of one name stay together, so that they keep their order.
	var odd map[string]bool
	for _, h := range r.Headers {
		if !natsHolds(h) {
			if odd == nil {
				odd = map[string]bool{}
			}
			odd[h.Key] = true
		}
	}
	var packed []event.Header
	for _, h := range r.Headers {
		if odd[h.Key] {
			packed = append(packed, h)
		} else {
			m.Header[h.Key] = append(m.Header[h.Key], string(h.Value))
		}
	}
	if packed != nil {
		text := deadletter.AppendHeadersJSON(nil, packed)
		m.Header[deadletter.HeaderOriginals] = []string{base64.StdEncoding.EncodeToString(text)}
	}
	if r.Value == nil {
		m.Header[deadletter.HeaderTombstone] = []string{"true"}
	}
	if r.Key != nil {
		m.Header[deadletter.HeaderKey] = []string{base64.StdEncoding.EncodeToString(r.Key)}
	}
	return m
}

// natsHolds reports whether NATS carries a header unchanged and without acting on it. Headers that begin with Nats- are
// orders to the server: they would purge, expire or reject the letter.
func natsHolds(h event.Header) bool {
	value := string(h.Value)
	if h.Value == nil || strings.ContainsAny(value, "\r\n") || textproto.TrimString(value) != value {
		return false
	}
	if isServerHeader(h.Key) || h.Key == "Status" || h.Key == "Description" || h.Key == "" {
		return false
	}
	for i := range len(h.Key) {
		if c := h.Key[i]; c <= ' ' || c > '~' || strings.IndexByte(`"()/,:;<=>?@[\]{}`, c) >= 0 {
			return false
		}
	}
	return true
}

func isServerHeader(key string) bool { return len(key) >= 5 && strings.EqualFold(key[:5], "nats-") }

// publishRoom is more than the headers that send adds take.
const publishRoom = 512

// messageSize is an upper bound of what the server counts against its limits.
func messageSize(r *deadletter.Record) int { return toMessage(r, "").Size() + publishRoom }

// maxHeaderBytes is what JetStream takes of the headers of one message.
const maxHeaderBytes = 1<<16 - 1

// sizeWithin is messageSize, but a message whose headers are over their own limit counts as larger than limit.
func sizeWithin(limit int) func(*deadletter.Record) int {
	return func(r *deadletter.Record) int {
		size := messageSize(r)
		if over := size - len(r.Value) - maxHeaderBytes; over > 0 {
			return max(size, limit+over)
		}
		return size
	}
}

var errMessage = errors.New("a header of the message is damaged")

// fromMessage reads what toMessage wrote.
func fromMessage(header nats.Header, data []byte, sequence uint64, at time.Time) (deadletter.Record, error) {
	r := deadletter.Record{Position: deadletter.Position{Offset: int64(sequence)}, Time: at, Value: data}
	if r.Value == nil {
		r.Value = []byte{}
	}
	names := make([]string, 0, len(header))
	for name := range header {
		if !isServerHeader(name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		for _, value := range header[name] {
			switch name {
			case deadletter.HeaderTombstone:
				r.Value = nil
			case deadletter.HeaderKey:
				key, err := base64.StdEncoding.DecodeString(value)
				if err != nil {
					return r, errMessage
				}
				r.Key = key
			case deadletter.HeaderOriginals:
				raw, err := base64.StdEncoding.DecodeString(value)
				packed, errHeaders := deadletter.ParseHeadersJSON(raw)
				if err != nil || errHeaders != nil {
					return r, errMessage
				}
				r.Headers = append(r.Headers, packed...)
			default:
				r.Headers = append(r.Headers, event.Header{Key: name, Value: []byte(value)})
			}
		}
	}
	return r, nil
}
