package jetstream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// acquirePin waits until this reader has the pin. A pin of the session before is tried first.
func (r *reader) acquirePin(ctx context.Context, broken <-chan nats.Status) (pin string, err error) {
	assigned, changed := r.group.assigned(r.indexInGroup)
	if !assigned {
		return "", r.standBy(ctx, broken, changed)
	}
	if r.pin != "" {
		if _, err := r.provePin(ctx, r.pin); err == nil {
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
	r.pin, err = r.awaitPin(ctx, inbox, broken, changed)
	return r.pin, err
}

// standBy waits while the partition is assigned to another replica. It returns errReassigned when that may have
// changed.
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

// awaitPin asks for a message until one comes, and with it the pin: the server gives a pin only together with a
// message. So all replicas stand by on a stream without new messages. The message is dropped; it comes again after
// the reset.
func (r *reader) awaitPin(
	ctx context.Context, inbox *inbox, broken <-chan nats.Status, changed <-chan struct{},
) (pin string, err error) {
	request := pull{batch: 1, expires: r.cfg.tuning.expires, heartbeat: r.cfg.tuning.heartbeat}
	check := time.NewTicker(r.cfg.SessionTimeout / 3)
	defer check.Stop()
	asked, heard := false, time.Now()
	for {
		if !asked {
			if err := inbox.request(r.pullSubject(), request.encode()); err != nil {
				return "", err
			}
		}
		asked = true
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case <-broken:
			return "", errDisconnected
		case <-changed:
			return "", errReassigned
		case <-inbox.arrived:
			heard = time.Now()
			if pin, asked, err = readPin(inbox); err != nil || pin != "" {
				return pin, err
			}
		case <-check.C:
			if err := r.checkStandby(ctx, heard); err != nil {
				return "", err
			}
		}
	}
}

// readPin looks for a pin in what has arrived, and reports whether the request still stands.
func readPin(inbox *inbox) (pin string, asked bool, err error) {
	frames, end := inbox.receive(nil)
	for i := range frames {
		f := &frames[i]
		header, err := nats.DecodeHeadersMsg(f.header)
		if err != nil {
			return "", false, fmt.Errorf("read the header of a message: %w", err)
		}
		if len(f.reply) > 0 {
			return header.Get(pinHeader), false, nil
		}
		st, err := parseStatus(header)
		if err != nil {
			return "", false, err
		}
		asked = st.code == statusHeartbeat
	}
	return "", asked, end
}

// checkStandby fails if nothing was heard of the server for long, and looks whether anybody reads.
func (r *reader) checkStandby(ctx context.Context, heard time.Time) error {
	if time.Since(heard) > silentTicks*r.cfg.tuning.heartbeat {
		return errSilent
	}
	return r.resetIfUnread(ctx)
}

// resetIfUnread looks whether anybody reads. The server pins nobody while it has nothing to deliver. It may have
// nothing because all messages are in flight at a reader that is gone, or because it takes messages for read that
// were not. Then it is made to deliver them again. Should another reader get the pin at the same moment, that one
// sees the reset and begins anew.
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

// checkUnread is called where no pin is given and the server has nothing to deliver. It looks whether the server
// takes messages for read that were not. Then it counts those that are gone, and has the others delivered again.
func (r *reader) checkUnread(ctx context.Context, ackFloor uint64) error {
	if ackFloor == r.checkedFloor {
		return nil
	}
	info, err := r.streamInfo(ctx)
	if err != nil {
		return err
	}
	if err := r.loadCheckpoint(ctx, info); err != nil {
		return err
	}
	if r.progress.known() {
		if err := r.checkPosition(ctx, info, ackFloor); err != nil {
			return err
		}
		if int64(ackFloor) >= r.progress.committable {
			if _, err := r.resetConsumer(ctx, ackFloor); err != nil {
				return err
			}
		}
	}
	r.checkedFloor = ackFloor
	return nil
}
