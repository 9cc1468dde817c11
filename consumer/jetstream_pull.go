package consumer

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
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

func (r *streamReader) pullSubject() string {
	return "$JS.API.CONSUMER.MSG.NEXT." + r.stream + "." + r.cfg.Durable
}

// The ways in which a turn of reading ends. They are not failures: the next turn goes on at the floor.
var (
	errPinLost        = errors.New("another reader has the stream")
	errDisconnected   = errors.New("the connection broke")
	errUnproven       = errors.New("the server did not confirm the right to read in time")
	errSilent         = errors.New("the server went silent")
	errConsumerGone   = errors.New("the consumer is gone")
	errMoved          = errors.New("the consumer moved to another server")
	errOutOfTurn      = errors.New("a delivery did not follow the one before")
	errFloorWentBack  = errors.New("the acknowledgement floor went back")
	errRequestRefused = errors.New("the server refuses requests for messages")
)

// status is a message of the server's own, which has no reply subject. Left is how many messages of a request will not come.
type status struct {
	code int
	left int
	full bool // the next message was over the request's bytes
	last uint64
}

func parseStatus(m *nats.Msg) (status, error) {
	code, _ := strconv.Atoi(m.Header.Get("Status"))
	left, _ := strconv.Atoi(m.Header.Get("Nats-Pending-Messages"))
	st := status{code: code, left: left}
	switch code {
	case 100:
		st.last, _ = strconv.ParseUint(m.Header.Get("Nats-Last-Consumer"), 10, 64)
		return st, nil
	case 404, 408:
		return st, nil
	case 409:
		switch description := m.Header.Get("Description"); description {
		case "Message Size Exceeds MaxBytes":
			st.full = true
			return st, nil
		case "Batch Completed":
			return st, nil
		case "Consumer Deleted":
			return st, errConsumerGone
		case "Leadership Change", "Server Shutdown":
			return st, errMoved
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

// gain waits until the server gives this reader the pin. The server gives it with a message, so that on a stream without new
// messages all readers stand by. The message itself is dropped: it comes again after the reset. A pin from the turn before is
// tried first; continued says that it was still ours, so that nobody else has read meanwhile.
func (r *streamReader) gain(ctx context.Context, broken <-chan nats.Status) (pin string, continued bool, err error) {
	if r.pin != "" {
		if _, err := r.prove(ctx, r.pin); err == nil {
			return r.pin, true, nil
		}
		r.pin = ""
	}
	r.become(stateStandby, nil)
	r.mine = false
	inbox, err := r.subscribe(16)
	if err != nil {
		return "", false, err
	}
	defer inbox.close()
	watch := time.NewTicker(r.cfg.tuning.pin / 3)
	defer watch.Stop()
	asked, heard := false, time.Now()
	for {
		if !asked {
			err := inbox.request(r.pullSubject(), pull{batch: 1, expires: r.cfg.tuning.expires, heartbeat: r.cfg.tuning.heartbeat})
			if err != nil {
				return "", false, err
			}
			asked = true
		}
		select {
		case <-ctx.Done():
			return "", false, ctx.Err()
		case <-broken:
			return "", false, errDisconnected
		case m := <-inbox.msgs:
			heard = time.Now()
			if m.Reply != "" {
				r.pin = m.Header.Get(pinHeader)
				return r.pin, false, nil
			}
			st, err := parseStatus(m)
			if err != nil {
				return "", false, err
			}
			asked = st.code == 100
		case <-watch.C:
			if time.Since(heard) > silentTicks*r.cfg.tuning.heartbeat {
				return "", false, errSilent
			}
			if err := r.watch(ctx); err != nil {
				return "", false, err
			}
		}
	}
}

// watch keeps up with what the active reader has acknowledged. Where there is none, and all that the stream has is in flight at one
// that has gone, it has the server deliver that again: without a message to deliver the server pins nobody. Should another reader
// gain the pin at the same moment, it notices and begins its turn anew.
func (r *streamReader) watch(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, r.cfg.tuning.answer)
	defer cancel()
	consumer, err := r.conn.JetStream().Consumer(ctx, r.stream, r.cfg.Durable)
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		return errConsumerGone
	}
	if err != nil {
		return fmt.Errorf("look at the consumer: %w", err)
	}
	info := consumer.CachedInfo()
	r.floor = max(r.floor, info.AckFloor.Stream)
	if pinned(info) == "" && info.NumAckPending > 0 && info.NumPending == 0 {
		_, err := r.reset(ctx)
		return err
	}
	return nil
}

// pinned is the pin that stands, empty where none does.
func pinned(info *jetstream.ConsumerInfo) string {
	for _, g := range info.PriorityGroups {
		if g.Group == priorityGroup {
			return g.PinnedClientID
		}
	}
	return ""
}

// prove renews the pin and returns the state of the consumer if it is still ours. The request asks for a message of at most one
// byte, which none is, so that it counts as a sign of life whatever is in hand.
//
// The answer alone proves nothing, because a server that has no pin at all answers alike. Pins are never given twice, so one
// that stands after the answer stood before it.
func (r *streamReader) prove(ctx context.Context, pin string) (*proof, error) {
	ctx, cancel := context.WithTimeout(ctx, r.cfg.tuning.pin/3)
	defer cancel()
	p := &proof{sent: time.Now()}
	m, err := r.conn.Conn().RequestWithContext(ctx, r.pullSubject(), pull{batch: 1, maxBytes: 1, noWait: true, pin: pin}.encode())
	if errors.Is(err, nats.ErrNoResponders) {
		return nil, errConsumerGone
	}
	if err != nil {
		return nil, fmt.Errorf("renew the right to read: %w", err)
	}
	if _, err := parseStatus(m); err != nil {
		return nil, err
	}
	consumer, err := r.conn.JetStream().Consumer(ctx, r.stream, r.cfg.Durable)
	if err != nil {
		return nil, fmt.Errorf("look at the consumer: %w", err)
	}
	info := consumer.CachedInfo()
	if pinned(info) != pin {
		return nil, errPinLost
	}
	p.floor = info.AckFloor.Stream
	p.lag = info.NumPending + uint64(info.NumAckPending)
	return p, nil
}

// proof is what the server said of the consumer in answer to a request written at sent.
type proof struct {
	sent  time.Time
	floor uint64
	lag   uint64
}

// inbox receives the answers to requests for messages, in the order in which the server sent them.
type inbox struct {
	conn *nats.Conn
	sub  *nats.Subscription
	msgs chan *nats.Msg
}

func (r *streamReader) subscribe(size int) (*inbox, error) {
	b := &inbox{conn: r.conn.Conn(), msgs: make(chan *nats.Msg, size)}
	sub, err := b.conn.ChanSubscribe(b.conn.NewInbox(), b.msgs)
	if err != nil {
		return nil, fmt.Errorf("subscribe: %w", err)
	}
	b.sub = sub
	return b, nil
}

func (b *inbox) request(subject string, p pull) error {
	if err := b.conn.PublishRequest(subject, b.sub.Subject, p.encode()); err != nil {
		return fmt.Errorf("ask for messages: %w", err)
	}
	return nil
}

func (b *inbox) close() { _ = b.sub.Unsubscribe() } // fails only where the subscription is gone already
