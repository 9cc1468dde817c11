package jetstream

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// heldPin is the pin of a session, and up to when the server leaves it with us. deliverLoop, keepPin and commits use
// it.
type heldPin struct {
	id      string
	timeout time.Duration // how long the server waits for a sign of life
	until   atomic.Pointer[time.Time]
}

// held reports whether the pin is certainly ours.
func (p *heldPin) held() bool { return time.Now().Before(*p.until.Load()) }

// extend notes that a request written at sent proved the pin.
func (p *heldPin) extend(sent time.Time) {
	until := sent.Add(p.timeout)
	p.until.Store(&until)
}

// lose notes that the pin has passed to another reader.
func (p *heldPin) lose() { p.until.Store(&time.Time{}) }

// pinOf is the pin that the server has given, empty where it has given none.
func pinOf(info *jetstream.ConsumerInfo) string {
	for _, g := range info.PriorityGroups {
		if g.Group == priorityGroup {
			return g.PinnedClientID
		}
	}
	return ""
}

// provePin gives the server a sign of life and asks for the state of the consumer. It fails if the pin is not ours
// any more. The request asks for a message of at most one byte. There is none, so it counts as a sign of life
// whatever is in flight.
//
// The answer alone proves nothing: a server that has given no pin at all answers alike. But no pin is given twice, so
// one that stands after the answer also stood before it.
func (r *reader) provePin(ctx context.Context, pin string) (*pinProof, error) {
	ctx, cancel := context.WithTimeout(ctx, r.cfg.SessionTimeout/3)
	defer cancel()
	p := &pinProof{sent: time.Now()}
	request := pull{batch: 1, maxBytes: 1, noWait: true, pin: pin}
	m, err := r.conn.Conn().RequestWithContext(ctx, r.pullSubject(), request.encode())
	if errors.Is(err, nats.ErrNoResponders) {
		return nil, errConsumerGone
	}
	if err != nil {
		return nil, fmt.Errorf("renew the right to read: %w", err)
	}
	if _, err := parseStatus(m.Header); err != nil {
		return nil, err
	}
	consumer, err := r.conn.JetStream().Consumer(ctx, r.partition.stream, r.partition.durable)
	if err != nil {
		return nil, fmt.Errorf("look at the consumer: %w", err)
	}
	info := consumer.CachedInfo()
	if err := checkConsumer(info.Config, r.consumerConfig()); err != nil {
		return nil, err
	}
	if pinOf(info) != pin {
		return nil, errPinLost
	}
	p.ackFloor = info.AckFloor.Stream
	p.lag = info.NumPending + uint64(info.NumAckPending)
	return p, nil
}

// pinProof is the state of the consumer, which the server told in answer to a request.
type pinProof struct {
	sent     time.Time // when the request was written
	ackFloor uint64
	lag      uint64 // messages that are not acked, delivered or not
}

// releasePin gives the pin back, so that a replica on standby need not wait until it lapses.
func (r *reader) releasePin() {
	ctx, cancel := context.WithTimeout(context.Background(), r.cfg.tuning.answer)
	defer cancel()
	stream, err := r.conn.JetStream().Stream(ctx, r.partition.stream)
	if err == nil {
		err = stream.UnpinConsumer(ctx, r.partition.durable, priorityGroup)
	}
	if err == nil {
		r.pin = ""
	}
}
