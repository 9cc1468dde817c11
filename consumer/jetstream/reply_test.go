package jetstream

import (
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
)

// Whatever the client library reads from a reply subject, we read too.
func FuzzParseDelivery(f *testing.F) {
	f.Add("$JS.ACK.EVENTS.ciobridge.1.17.12.1700000000000000000.3")
	f.Add("$JS.ACK.hub.abcdef.EVENTS.ciobridge.2.17.12.1700000000000000000.3.x8f")
	f.Add("$JS.ACK.hub.abcdef.EVENTS.ciobridge.2.17.12.1700000000000000000.3")
	f.Add("_INBOX.abc")
	f.Fuzz(func(t *testing.T, reply string) {
		d, _, _, ok := parseDelivery([]byte(reply))
		if !ok {
			return
		}
		m := nats.Msg{Reply: reply, Sub: &nats.Subscription{}}
		meta, err := m.Metadata()
		if err != nil {
			if strings.Count(reply, ".") > 11 {
				return // the library is no stricter
			}
			t.Fatalf("%q: %v", reply, err)
		}
		if meta.Sequence.Stream != d.streamSeq || meta.Sequence.Consumer != d.consumerSeq ||
			meta.Timestamp.UnixNano() != d.time {
			t.Fatalf("%q: %+v, want %+v", reply, d, meta)
		}
		ack := ackSubject(reply, 99, 98)
		again, _, _, ok := parseDelivery([]byte(ack))
		if !ok || again.streamSeq != 99 || again.consumerSeq != 98 ||
			strings.Count(ack, ".") != strings.Count(reply, ".") {
			t.Fatalf("%q becomes %q", reply, ack)
		}
	})
}
