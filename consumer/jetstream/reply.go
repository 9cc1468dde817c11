package jetstream

import (
	"bytes"
	"fmt"
	"strconv"

	"github.com/ciobridge/ciobridge/event"
)

// pinHeader is a header that the server puts on every message. It is the pin of the reader that the message is meant
// for.
const pinHeader = "Nats-Pin-Id"

// delivery is what the reply subject of a delivered message tells. Acks are sent to such a subject too.
type delivery struct {
	streamSeq   uint64 // the message's sequence in the stream
	consumerSeq uint64 // the number of the delivery: from 1 after each reset of the consumer, without gaps
	time        int64  // when the message was stored, in nanoseconds of unix time
}

// parseDelivery reads $JS.ACK.<stream>.<consumer>.<delivered>.<stream seq>.<consumer seq>.<time>.<pending>, or the
// newer form, which has a domain and an account before the stream, and perhaps a token at the end. From is where the
// delivered field begins, and to is where the pending field ends.
func parseDelivery(reply []byte) (d delivery, from, to int, ok bool) {
	from = numbersStart(reply)
	if from == 0 {
		return delivery{}, 0, 0, false
	}
	d, n, ok := parseNumbers(reply[from:])
	return d, from, from + n, ok
}

// numbersStart is where the delivered field begins. It is 0 if this is no reply subject of a delivery.
func numbersStart(reply []byte) int {
	if !bytes.HasPrefix(reply, []byte("$JS.ACK.")) {
		return 0
	}
	names := 2 // the stream and the consumer
	if dots := bytes.Count(reply, []byte(".")); dots >= 10 {
		names = 4
	} else if dots != 8 {
		return 0
	}
	at := len("$JS.ACK.")
	for range names {
		at += bytes.IndexByte(reply[at:], '.') + 1
	}
	return at
}

// parseNumbers reads <delivered>.<stream seq>.<consumer seq>.<time>.<pending> at the front of b. N is how long that is.
func parseNumbers(b []byte) (d delivery, n int, ok bool) {
	var fields [5]uint64
	for i := range fields {
		end := bytes.IndexByte(b[n:], '.')
		if end < 0 {
			if i < len(fields)-1 {
				return delivery{}, 0, false
			}
			end = len(b) - n
		}
		if fields[i], ok = parseNumber(b[n : n+end]); !ok {
			return delivery{}, 0, false
		}
		n += end + 1
	}
	return delivery{streamSeq: fields[1], consumerSeq: fields[2], time: int64(fields[3])}, n - 1, true
}

func parseNumber(s []byte) (n uint64, ok bool) {
	if len(s) == 0 || len(s) > 19 { // 19 digits fit
		return 0, false
	}
	for _, c := range s {
		c -= '0'
		if c > 9 {
			return 0, false
		}
		n = n*10 + uint64(c)
	}
	return n, true
}

// ackSubject makes the subject that acks everything up to a sequence. Reply is the reply subject of any message since
// the consumer was last reset.
func ackSubject(reply string, streamSeq, consumerSeq uint64) string {
	_, from, to, _ := parseDelivery([]byte(reply))
	b := make([]byte, 0, len(reply)+40)
	b = append(b, reply[:from]...)
	b = append(b, "1."...)
	b = strconv.AppendUint(b, streamSeq, 10)
	b = append(b, '.')
	b = strconv.AppendUint(b, consumerSeq, 10)
	b = append(b, ".0.0"...)
	return string(append(b, reply[to:]...))
}

// decoder reads the reply subjects and headers of a session's messages. Most of them begin alike, or are alike, so
// that little is parsed. Only deliverLoop uses it.
type decoder struct {
	pin        string
	bareHeader []byte // the header of a message that has none of its own
	front      []byte // what the reply subjects have before their numbers
	names      nameCache
}

func newDecoder(pin string) decoder {
	bareHeader := fmt.Appendf(nil, "NATS/1.0\r\n%s: %s\r\n\r\n", pinHeader, pin)
	return decoder{pin: pin, bareHeader: bareHeader, names: nameCache{}}
}

// delivery reads a reply subject. It reports whether the front of it is a new one, as that of the first is.
func (c *decoder) delivery(reply []byte) (d delivery, newFront, ok bool) {
	if len(c.front) > 0 && bytes.HasPrefix(reply, c.front) {
		d, _, ok = parseNumbers(reply[len(c.front):])
		return d, false, ok
	}
	d, from, _, ok := parseDelivery(reply)
	if ok {
		c.front = bytes.Clone(reply[:from])
	}
	return d, ok, ok
}

// headers reads the headers of a message, in the order in which they came. It leaves out the pin, and reports whether
// the pin is ours.
func (c *decoder) headers(header []byte) (headers []event.Header, ours bool) {
	if bytes.Equal(header, c.bareHeader) {
		return nil, true
	}
	_, rest, _ := bytes.Cut(header, []byte("\n")) // the version of the protocol
	for len(rest) > 0 {
		var line []byte
		line, rest, _ = bytes.Cut(rest, []byte("\n"))
		key, value, ok := bytes.Cut(bytes.TrimSuffix(line, []byte("\r")), []byte(":"))
		value = bytes.TrimLeft(value, " \t")
		switch {
		case !ok || len(key) == 0:
		case string(key) == pinHeader:
			ours = string(value) == c.pin
		default:
			headers = append(headers, event.Header{Key: c.names.intern(key), Value: value})
		}
	}
	return headers, ours
}

// nameCache keeps one string for each name that comes again and again, up to maxNames of them.
type nameCache map[string]string

const maxNames = 1000

func (n nameCache) intern(b []byte) string {
	if name, ok := n[string(b)]; ok {
		return name
	}
	name := string(b)
	if len(n) < maxNames {
		n[name] = name
	}
	return name
}
