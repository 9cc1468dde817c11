package jetstream

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ciobridge/ciobridge/broker"
	"github.com/ciobridge/ciobridge/internal/cloudevent"
)

const (
	attemptTime = 10 * time.Second // of publishing a group or putting a value, and of looking at a stream
	mostPending = 4000             // events that wait for their acknowledgement
	idleTime    = 10 * time.Second // without a message that has to come
	goneAfter   = time.Minute      // a consumer that nobody asks
)

// Target publishes events under a subject that a stream keeps.
type Target struct {
	conn    *nats.Conn
	js      jetstream.JetStream
	subject string
	idle    time.Duration
}

// NewTarget publishes under subjects that begin with a subject.
func NewTarget(conn *broker.NATS, subject string) (*Target, error) {
	js, err := conn.NewJetStream(jetstream.WithPublishAsyncMaxPending(mostPending))
	if err != nil {
		return nil, err
	}
	return &Target{conn: conn.Conn(), js: js, subject: subject, idle: idleTime}, nil
}

// Place implements report.Target.
func (t *Target) Place() string { return "subject " + t.subject }

// Close implements report.Target.
func (t *Target) Close() { t.js.CleanupPublisher() }

// Publish implements report.Target.
func (t *Target) Publish(ctx context.Context, events []cloudevent.Event) error {
	ctx, cancel := context.WithTimeout(ctx, attemptTime)
	defer cancel()
	err := ctx.Err()
	var large error
	waiting := make([]jetstream.PubAckFuture, 0, len(events))
	for i := 0; i < len(events) && err == nil; i++ {
		var ack jetstream.PubAckFuture
		switch ack, err = t.publish(&events[i]); {
		case broker.IsTooLarge(err):
			large, err = tooLarge(events[i].ID, err), nil // the others are stored
		case err == nil:
			waiting = append(waiting, ack)
		}
	}
	for _, ack := range waiting {
		if failed := await(ctx, ack); broker.IsTooLarge(failed) {
			large = tooLarge(ack.Msg().Header.Get(cloudevent.IDHeader), failed)
		} else {
			err = cmp.Or(err, failed)
		}
	}
	if err != nil {
		t.js.CleanupPublisher() // nobody waits for the others any more
	}
	if err = cmp.Or(err, large); err != nil {
		return fmt.Errorf("publish to the subject %s: %w", t.subject, meaning(err))
	}
	return nil
}

func (t *Target) publish(e *cloudevent.Event) (jetstream.PubAckFuture, error) {
	value, err := e.JSON()
	if err != nil {
		return nil, fmt.Errorf("write an event: %w", err)
	}
	m := nats.NewMsg(t.subject + "." + e.Type[strings.LastIndexByte(e.Type, '.')+1:])
	m.Data = value
	for _, h := range e.Headers() {
		m.Header.Set(h.Key, h.Value)
	}
	return t.js.PublishMsgAsync(m, jetstream.WithMsgID(e.ID), jetstream.WithRetryAttempts(0))
}

// errDuplicate says that the stream has dropped an event. What it dropped it for may have been stored late, by us or by
// a process that ran reports before, or was there before the run and may be gone: only reading back can tell.
var errDuplicate = errors.New("the stream has taken an event of this id within its duplicate window, and drops others")

func await(ctx context.Context, ack jetstream.PubAckFuture) error {
	select {
	case stored := <-ack.Ok():
		if stored.Duplicate {
			return errDuplicate
		}
		return nil
	case err := <-ack.Err():
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// stream finds the stream that keeps the events, and what its leader says of those.
func (t *Target) stream(ctx context.Context) (jetstream.Stream, *jetstream.StreamInfo, error) {
	name, err := t.js.StreamNameBySubject(ctx, t.subject+".x")
	if err != nil {
		return nil, nil, err
	}
	stream, err := t.js.Stream(ctx, name)
	if err != nil {
		return nil, nil, err
	}
	info, err := stream.Info(ctx, jetstream.WithSubjectFilter(t.all()))
	return stream, info, err
}

// all are the subjects of events.
func (t *Target) all() string { return t.subject + ".>" }

// Position implements report.Target. It is the last sequence of the stream, behind the time when that was made.
func (t *Target) Position(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, attemptTime)
	defer cancel()
	_, info, err := t.stream(ctx)
	if err != nil {
		return "", fmt.Errorf("look at the stream of the subject %s: %w", t.subject, meaning(err))
	}
	return fmt.Sprintf("%d:%d", info.Created.UnixNano(), info.State.LastSeq), nil
}

// Published implements report.Target. A stream that has been made again is read from its beginning.
func (t *Target) Published(ctx context.Context, since string, each func(id, hash string)) error {
	var created int64
	var last uint64
	if _, err := fmt.Sscanf(since, "%d:%d", &created, &last); err != nil && since != "" {
		return fmt.Errorf("read the position %q of the subject %s: %w", since, t.subject, err)
	}
	stream, info, err := t.stream(ctx)
	if err == nil && len(info.State.Subjects) > 0 {
		if info.Created.UnixNano() != created {
			last = 0
		}
		err = t.read(ctx, stream, last, info.State.LastSeq, each)
	}
	if err != nil {
		return fmt.Errorf("read the stream of the subject %s: %w", t.subject, meaning(err))
	}
	return nil
}

// read tells of the events behind a sequence up to the end. The stream may keep other subjects too, so it ends with the
// last of ours, and not when none comes for a while: what is left out would be published twice.
func (t *Target) read(
	ctx context.Context, stream jetstream.Stream, seen, end uint64, each func(id, hash string),
) error {
	last, err := stream.GetLastMsgForSubject(ctx, t.all())
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil // it was removed meanwhile
	}
	if err != nil {
		return err
	}
	if end = min(end, last.Sequence); seen >= end {
		return nil
	}
	consumer, err := stream.OrderedConsumer(ctx, jetstream.OrderedConsumerConfig{
		FilterSubjects: []string{t.all()}, DeliverPolicy: jetstream.DeliverByStartSequencePolicy,
		OptStartSeq: seen + 1, HeadersOnly: true, InactiveThreshold: goneAfter,
	})
	if err != nil {
		return err
	}
	defer func() {
		// The server removes it by itself after a while.
		_ = stream.DeleteConsumer(context.WithoutCancel(ctx), consumer.CachedInfo().Name)
	}()
	messages, err := consumer.Messages()
	if err != nil {
		return err
	}
	defer messages.Stop()
	for seen < end {
		m, err := t.next(ctx, messages)
		if err != nil {
			return err
		}
		meta, err := m.Metadata()
		if err != nil {
			return err
		}
		if seen = meta.Sequence.Stream; seen <= end {
			if id := m.Headers().Get(cloudevent.IDHeader); id != "" {
				each(id, m.Headers().Get(cloudevent.HashHeader))
			}
		}
	}
	return nil
}

// errIdle says that not all that is published was read: the server is slow, or a replica lacks it, or it was removed.
var errIdle = errors.New("the server does not give all its messages in time")

func (t *Target) next(ctx context.Context, messages jetstream.MessagesContext) (jetstream.Msg, error) {
	wait, cancel := context.WithTimeout(ctx, t.idle)
	defer cancel()
	m, err := messages.Next(jetstream.NextContext(wait))
	if err != nil && ctx.Err() == nil && wait.Err() != nil {
		return nil, errIdle
	}
	return m, err
}
