package consumer

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ciobridge/ciobridge/event"
	"github.com/nats-io/nats.go"
)

// pinHeader is put on every message by the server to name the reader that it was meant for.
const pinHeader = "Nats-Pin-Id"

// delivery is what the reply subject of a delivered message tells: where the message stands in the stream and in the order of
// deliveries. Acknowledgements are addressed to that subject too.
type delivery struct {
	seq     uint64 // in the stream
	ordinal uint64 // of this delivery since the consumer was last reset, from 1, without holes
	time    int64  // when the stream took the message, unix nanoseconds
}

// parseDelivery reads $JS.ACK.<stream>.<consumer>.<delivered>.<seq>.<ordinal>.<time>.<pending>, or the newer form with a domain and
// an account before the stream and perhaps a token at the end. From is where the delivered field begins and to is where the
// pending field ends.
func parseDelivery(reply string) (d delivery, from, to int, ok bool) {
	var dots [12]int
	n := 0
	for i := 0; i < len(reply) && n < len(dots); i++ {
		if reply[i] == '.' {
			dots[n] = i
			n++
		}
	}
	first := 3 // the dot before the delivered field
	switch {
	case n == 8:
	case n >= 10:
		first = 5
	default:
		return delivery{}, 0, 0, false
	}
	to = len(reply)
	if n > first+5 {
		to = dots[first+5]
	}
	seq, ok1 := parseNumber(reply[dots[first+1]+1 : dots[first+2]])
	ordinal, ok2 := parseNumber(reply[dots[first+2]+1 : dots[first+3]])
	at, ok3 := parseNumber(reply[dots[first+3]+1 : dots[first+4]])
	return delivery{seq: seq, ordinal: ordinal, time: int64(at)}, dots[first] + 1, to, ok1 && ok2 && ok3 && strings.HasPrefix(reply, "$JS.ACK.")
}

func parseNumber(s string) (n uint64, ok bool) {
	if s == "" || len(s) > 19 { // 19 digits fit
		return 0, false
	}
	for i := 0; i < len(s); i++ {
		c := s[i] - '0'
		if c > 9 {
			return 0, false
		}
		n = n*10 + uint64(c)
	}
	return n, true
}

// ackSubject makes the subject that acknowledges everything up to a sequence. Reply is that of any message since the consumer was
// last reset.
func ackSubject(reply string, seq, ordinal uint64) string {
	_, from, to, _ := parseDelivery(reply)
	b := make([]byte, 0, len(reply)+40)
	b = append(b, reply[:from]...)
	b = append(b, "1."...)
	b = strconv.AppendUint(b, seq, 10)
	b = append(b, '.')
	b = strconv.AppendUint(b, ordinal, 10)
	b = append(b, ".0.0"...)
	return string(append(b, reply[to:]...))
}

// message makes the event's message. Its bytes are the NATS message's own.
func message(stream string, m *nats.Msg, d delivery) event.Message {
	return event.Message{
		Origin:  event.Origin{Topic: stream, Subject: m.Subject, Offset: int64(d.seq)},
		Value:   m.Data,
		Headers: headers(m.Header),
		Time:    time.Unix(0, d.time),
	}
}

// headers puts the headers in the order of their names, because the client does not keep the order in which they were sent.
func headers(h nats.Header) []event.Header {
	if len(h) == 0 || len(h) == 1 && h[pinHeader] != nil {
		return nil
	}
	keys := make([]string, 0, len(h))
	n := 0
	for key, values := range h {
		if key != pinHeader {
			keys = append(keys, key)
			n += len(values)
		}
	}
	slices.Sort(keys)
	out := make([]event.Header, 0, n)
	for _, key := range keys {
		for _, value := range h[key] {
			out = append(out, event.Header{Key: key, Value: []byte(value)})
		}
	}
	return out
}
