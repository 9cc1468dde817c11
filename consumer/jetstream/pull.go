package jetstream

import (
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
)

// minFetchBytes is what a partition needs at least to ask for more than single messages.
const minFetchBytes = 64 << 10

// minPrefetch is how many messages are asked for ahead for each partition, however many partitions there are.
const minPrefetch = 400

// pulls are the session's requests for messages. Only deliverLoop uses them.
//
// The client library's own iterators hide when the pin changes hands, and keep messages of the time before in their
// buffers. So the few messages of the pull protocol are written and read here.
type pulls struct {
	inbox       *inbox
	subject     string
	each        pull // what one request asks for
	outstanding int  // messages asked for that have not come
	askOne      bool // the next message is larger than a request may fetch: ask for it alone
}

func newPulls(r *reader, pin string, inbox *inbox) pulls {
	t := &r.cfg.tuning
	return pulls{inbox: inbox, subject: r.pullSubject(), each: pull{
		batch: t.prefetch / 2, maxBytes: int(r.cfg.FetchBytes / 4),
		expires: t.expires, heartbeat: t.heartbeat, pin: pin,
	}}
}

// request asks for messages when few are left to come and the inbox has room. At most half of the bytes are in flight
// then, and the requests that stand may fill the other half.
func (p *pulls) request() error {
	if p.outstanding > p.each.batch/2 || !p.inbox.held.hasRoom() {
		return nil
	}
	next := p.each
	if p.askOne {
		next.batch, next.maxBytes, p.askOne = 1, 0, false
	}
	if err := p.inbox.request(p.subject, next.encode()); err != nil {
		return err
	}
	p.outstanding += next.batch
	return nil
}

// ended notes that a request is over. A message that is too large for it is asked for alone if nothing else is
// outstanding: one message past the first half of the bytes is what the other half is for.
func (p *pulls) ended(st status) {
	p.askOne = st.full && st.left >= p.outstanding && p.inbox.held.hasRoom()
	p.outstanding = max(0, p.outstanding-st.left)
}

// pull is one request for messages. Group and pin are described in ADR-60 of NATS.
type pull struct {
	batch     int
	maxBytes  int // 0 for no limit
	expires   time.Duration
	heartbeat time.Duration
	noWait    bool
	pin       string // empty: as a candidate for the pin
}

func (p pull) encode() []byte {
	b := fmt.Appendf(nil, `{"batch":%d,"group":%q`, p.batch, priorityGroup)
	if p.pin != "" {
		b = fmt.Appendf(b, `,"id":%q`, p.pin)
	}
	if p.maxBytes > 0 {
		b = fmt.Appendf(b, `,"max_bytes":%d`, p.maxBytes)
	}
	if p.expires > 0 {
		b = fmt.Appendf(b, `,"expires":%d`, p.expires)
	}
	if p.heartbeat > 0 {
		b = fmt.Appendf(b, `,"idle_heartbeat":%d`, p.heartbeat)
	}
	if p.noWait {
		b = append(b, `,"no_wait":true`...)
	}
	return append(b, '}')
}

func (r *reader) pullSubject() string {
	return r.conn.API("CONSUMER.MSG.NEXT.") + r.partition.stream + "." + r.partition.durable
}

// statusHeartbeat is the code of a heartbeat. All other codes say that a request is over.
const statusHeartbeat = 100

// status is a message of the server itself. Unlike a delivery it has no reply subject.
type status struct {
	code int
	left int    // how many messages of a request will not come
	full bool   // the next message has more bytes than the request may fetch
	last uint64 // of a heartbeat: the last delivery
}

func parseStatus(h nats.Header) (status, error) {
	code, _ := strconv.Atoi(h.Get("Status"))
	left, _ := strconv.Atoi(h.Get("Nats-Pending-Messages"))
	st := status{code: code, left: left}
	switch code {
	case statusHeartbeat:
		st.last, _ = strconv.ParseUint(h.Get("Nats-Last-Consumer"), 10, 64)
		return st, nil
	case 404, 408:
		return st, nil
	case 409:
		switch description := h.Get("Description"); description {
		case "Message Size Exceeds MaxBytes":
			st.full = true
			return st, nil
		case "Batch Completed":
			return st, nil
		case "Consumer Deleted":
			return st, errConsumerGone
		case "Leadership Change", "Server Shutdown":
			return st, errLeaderMoved
		default:
			return st, fmt.Errorf("%w: %s", errRequestRefused, description)
		}
	case 423:
		return st, errPinLost
	case 503:
		return st, errConsumerGone
	}
	return st, fmt.Errorf("%w: status %d", errRequestRefused, code)
}
