package jetstream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// acquirePin waits until the server gives this reader the pin. The server gives it with a message, so that on a stream without new
// messages all readers stand by. The message itself is dropped: it comes again after the reset. A pin from the turn before is
// tried first.
func (r *reader) acquirePin(ctx context.Context, broken <-chan nats.Status) (pin string, err error) {
	mine, changed := r.group.assigned(r.indexInGroup)
	if !mine {
		return "", r.standBy(ctx, broken, changed)
	}
	if r.pin != "" {
		if _, err := r.renewPin(ctx, r.pin); err == nil {
			return r.pin, nil
		}
		r.pin = ""
	}
	r.setState(stateStandby, nil)
	r.wasReading = false
	inbox, err := r.subscribe(ctx)
	if err != nil {
		return "", err
	}
	defer inbox.close()
	watch := time.NewTicker(r.cfg.SessionTimeout / 3)
	defer watch.Stop()
	asked, heard := false, time.Now()
	for {
		if !asked {
			err := inbox.request(r.pullSubject(), pull{batch: 1, expires: r.cfg.tuning.expires, heartbeat: r.cfg.tuning.heartbeat})
			if err != nil {
				return "", err
			}
			asked = true
		}
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case <-broken:
			return "", errDisconnected
		case <-changed:
			return "", errReassigned
		case <-inbox.arrived:
			heard = time.Now()
			if asked, err = r.readPin(inbox); err != nil || r.pin != "" {
				return r.pin, err
			}
		case <-watch.C:
			if time.Since(heard) > silentTicks*r.cfg.tuning.heartbeat {
				return "", errSilent
			}
			if err := r.resetIfUnread(ctx); err != nil {
				return "", err
			}
		}
	}
}

// standBy waits while the partition is another replica's share. It returns errShared when that has changed.
func (r *reader) standBy(ctx context.Context, broken <-chan nats.Status, changed <-chan struct{}) error {
	r.setState(stateStandby, nil)
	r.wasReading, r.pin = false, ""
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-broken:
		return errDisconnected
	case <-changed:
		return errReassigned
	}
}

// readPin looks for the pin in what has come, and says whether the request still stands.
func (r *reader) readPin(inbox *inbox) (asked bool, err error) {
	frames, end := inbox.receive(nil)
	for i := range frames {
		f := &frames[i]
		header, err := nats.DecodeHeadersMsg(f.header)
		if err != nil {
			return false, fmt.Errorf("read the header of a message: %w", err)
		}
		if len(f.reply) > 0 {
			r.pin = header.Get(pinHeader)
			return false, nil
		}
		st, err := parseStatus(header)
		if err != nil {
			return false, err
		}
		asked = st.code == 100
	}
	return asked, end
}

// resetIfUnread looks whether anybody reads. Where nobody does, and all that the stream has is in flight at a reader that has gone, or taken
// for read although it was not, it has the server deliver that again: without a message to deliver the server pins nobody. Should
// another reader gain the pin at the same moment, it notices and begins its turn anew.
func (r *reader) resetIfUnread(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, r.cfg.tuning.answer)
	defer cancel()
	consumer, err := r.conn.JetStream().Consumer(ctx, r.partition.stream, r.partition.durable)
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		return errConsumerGone
	}
	if err != nil {
		return fmt.Errorf("look at the consumer: %w", err)
	}
	info := consumer.CachedInfo()
	if pinOf(info) != "" || info.NumPending > 0 {
		return nil
	}
	if info.NumAckPending > 0 {
		_, err := r.resetConsumer(ctx, info.AckFloor.Stream)
		return err
	}
	return r.checkUnread(ctx, info.AckFloor.Stream)
}

// pinOf is the pin that stands, empty where none does.
func pinOf(info *jetstream.ConsumerInfo) string {
	for _, g := range info.PriorityGroups {
		if g.Group == priorityGroup {
			return g.PinnedClientID
		}
	}
	return ""
}

// renewPin renews the pin and returns the state of the consumer if it is still ours. The request asks for a message of at most one
// byte, which none is, so that it counts as a sign of life whatever is in hand.
//
// The answer alone proves nothing, because a server that has no pin at all answers alike. Pins are never given twice, so one
// that stands after the answer stood before it.
func (r *reader) renewPin(ctx context.Context, pin string) (*pinProof, error) {
	ctx, cancel := context.WithTimeout(ctx, r.cfg.SessionTimeout/3)
	defer cancel()
	p := &pinProof{sent: time.Now()}
	m, err := r.conn.Conn().RequestWithContext(ctx, r.pullSubject(), pull{batch: 1, maxBytes: 1, noWait: true, pin: pin}.encode())
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
	p.floor = info.AckFloor.Stream
	p.lag = info.NumPending + uint64(info.NumAckPending)
	return p, nil
}

// pinProof is what the server said of the consumer in answer to a request written at sent.
type pinProof struct {
	sent  time.Time
	floor uint64
	lag   uint64
}

// resetConsumer has the server deliver again from its floor on, or from ours where that lies before it, and returns after what.
func (r *reader) resetConsumer(ctx context.Context, acked uint64) (base uint64, err error) {
	ctx, cancel := context.WithTimeout(ctx, r.cfg.SessionTimeout/2)
	defer cancel()
	js := r.conn.JetStream()
	var reset *jetstream.ConsumerResetResponse
	if m := &r.progress; m.known() && m.committable <= int64(acked) {
		reset, err = js.ResetConsumerToSequence(ctx, r.partition.stream, r.partition.durable, uint64(m.committable))
	} else {
		reset, err = js.ResetConsumer(ctx, r.partition.stream, r.partition.durable)
	}
	if err != nil {
		return 0, fmt.Errorf("set the consumer back to its floor: %w", err)
	}
	return reset.ResetSeq - 1, nil
}

// releasePin gives the pin back, so that a standby need not wait for it to lapse.
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
