package nats

import (
	"context"
	"errors"
	"fmt"
	"time"

	natsjetstream "github.com/nats-io/nats.go/jetstream"

	"github.com/ciobridge/ciobridge/source"
)

// Examine implements source.Broker.
func (b *Broker) Examine(ctx context.Context, e *source.Examination) error {
	js := b.conn.JetStream()
	account, err := js.AccountInfo(ctx)
	if err != nil {
		return fmt.Errorf("ask JetStream ($JS.API.INFO): %w", err)
	}
	x := &examination{b, e}
	x.account(account)
	for _, s := range b.config.Streams {
		x.stream(ctx, s.Name)
	}
	if e.DeadLetters.Subject != "" {
		x.letters(ctx)
	}
	return nil
}

type examination struct {
	*Broker
	*source.Examination
}

// account looks at what the account still has room for.
func (x *examination) account(a *natsjetstream.AccountInfo) {
	limit := a.Limits.MaxStore
	switch used := a.Store; {
	case limit > 0 && used > uint64(limit)/10*9:
		x.Warn("JetStream", fmt.Sprintf("the account has used %d of %d bytes: when it is full nothing is published, "+
			"and no dead letter stored", used, limit), "raise the account's limit")
	case limit > 0:
		x.OK("JetStream", "the account has used %d of %d bytes", used, limit)
	default:
		x.OK("JetStream", "the account may use it")
	}
}

// stream looks at a stream of events.
func (x *examination) stream(ctx context.Context, name string) {
	what := "stream " + name
	begun := time.Now()
	stream, err := x.conn.JetStream().Stream(ctx, name)
	took := time.Since(begun)
	if errors.Is(err, natsjetstream.ErrStreamNotFound) {
		x.Fail(what, "it does not exist", "make it, or correct its name in the configuration")
		return
	}
	if err != nil {
		x.Fail(what, err.Error(), "let the bridge publish to $JS.API.STREAM.INFO."+name)
		return
	}
	info := stream.CachedInfo()
	x.clock(info.TimeStamp.Sub(begun.Add(took / 2)))
	c, kept := info.Config, "retention of "+what
	switch {
	case c.Retention == natsjetstream.WorkQueuePolicy:
		x.Fail(what, "it has work-queue retention, and cannot be read as a log",
			"make a stream with limits retention that sources it, and read that one")
		return
	case c.MaxAge > 0 && c.MaxAge < x.Outage:
		x.Warn(kept, fmt.Sprintf("events are kept for %s, and an outage may last %s: what is not read by then is lost",
			c.MaxAge, x.Outage), "raise max_age")
	case c.Discard == natsjetstream.DiscardOld && (c.MaxMsgs > 0 || c.MaxBytes > 0):
		x.Warn(kept, "when it is full the oldest events go, read or not",
			"use discard: new, or watch ciobridge_stream_lag")
	case c.MaxAge == 0:
		x.OK(kept, "events are kept for ever")
	default:
		x.OK(kept, "events are kept for %s", c.MaxAge)
	}
	if c.MaxMsgsPerSubject > 0 {
		x.Warn(kept, fmt.Sprintf("max_msgs_per_subject is %d: newer events remove earlier ones that nobody has read",
			c.MaxMsgsPerSubject), "use -1, unless each event tells all that is true of its subject")
	}
	if c.Storage == natsjetstream.MemoryStorage {
		x.Warn(what, "it is kept in memory: a restart of the server loses events", "use file storage")
	}
	switch {
	case c.Replicas < 2 && !x.single:
		x.Warn("replicas of "+what, "1: one lost disk loses events", "use 3 where there is a cluster")
	case !x.single:
		x.OK("replicas of "+what, "%d", c.Replicas)
	}
	x.consumers(ctx, name)
}

// skewLimit is how far clocks may be apart without anybody noticing.
const skewLimit = 5 * time.Second

// clock compares the server's clock with ours. Leases do not depend on it; start_at and the ages of events do.
func (x *examination) clock(skew time.Duration) {
	if skew = skew.Round(time.Millisecond); skew.Abs() > skewLimit {
		x.Warn("clock of the server", fmt.Sprintf("it differs from ours by %s", skew), "look at the time service of "+
			"both")
		return
	}
	x.OK("clock of the server", "within %s of ours", skewLimit)
}

// consumers looks for the durables of the bridge, which takes the right that reading begins with. It makes none.
func (x *examination) consumers(ctx context.Context, stream string) {
	what := "consumer on stream " + stream
	_, err := x.conn.JetStream().Consumer(ctx, stream, x.config.Durable)
	switch {
	case errors.Is(err, natsjetstream.ErrConsumerNotFound):
		x.OK(what, "the bridge makes %s when it starts, or one for each partition", x.config.Durable)
	case err != nil:
		x.Fail(what, err.Error(), fmt.Sprintf("let the bridge publish to $JS.API.CONSUMER.INFO.%s.>", stream))
	default:
		x.OK(what, "%s is there", x.config.Durable)
	}
}

// noStream is a name that no stream has.
const noStream = "ciobridge-doctor"

// letters finds out whether the bridge may publish dead letters: the server refuses a message that is meant for another
// stream, after it has looked at the rights, and keeps nothing of it.
func (x *examination) letters(ctx context.Context) {
	what := "rights on subject " + x.DeadLetters.Subject
	_, err := x.conn.JetStream().Publish(ctx, x.DeadLetters.Subject, nil, natsjetstream.WithExpectStream(noStream),
		natsjetstream.WithRetryAttempts(0))
	var refused *natsjetstream.APIError
	switch {
	case errors.As(err, &refused):
		x.OK(what, "it may publish")
	case errors.Is(err, natsjetstream.ErrNoStreamResponse):
		// told by the check of the dead letters
	case err != nil:
		x.Fail(what, err.Error(), "let the bridge publish to it")
	}
}
