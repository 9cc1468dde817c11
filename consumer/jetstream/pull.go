package jetstream

import (
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
)

// The client library's own iterators hide when the pin changes hands and keep messages of the time before in their buffers. So the
// few messages of the pull protocol are written and read here.

// pull is a request for messages (ADR-60 for the group and its pin).
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
	return "$JS.API.CONSUMER.MSG.NEXT." + r.partition.stream + "." + r.partition.durable
}

// status is a message of the server's own, which has no reply subject. Left is how many messages of a request will not come.
type status struct {
	code int
	left int
	full bool // the next message was over the request's bytes
	last uint64
}

func parseStatus(h nats.Header) (status, error) {
	code, _ := strconv.Atoi(h.Get("Status"))
	left, _ := strconv.Atoi(h.Get("Nats-Pending-Messages"))
	st := status{code: code, left: left}
	switch code {
	case 100:
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
