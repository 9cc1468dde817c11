package nats

import (
	"context"
	"errors"
	"fmt"

	natsjetstream "github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/broker"
	"github.com/ciobridge/ciobridge/consumer"
	"github.com/ciobridge/ciobridge/consumer/jetstream"
	"github.com/ciobridge/ciobridge/consumer/jetstream/extents"
	"github.com/ciobridge/ciobridge/deadletter"
	deadletterjetstream "github.com/ciobridge/ciobridge/deadletter/jetstream"
	"github.com/ciobridge/ciobridge/erasure"
	erasurejetstream "github.com/ciobridge/ciobridge/erasure/jetstream"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/exit"
	"github.com/ciobridge/ciobridge/internal/memory"
	"github.com/ciobridge/ciobridge/ledger"
	ledgerjetstream "github.com/ciobridge/ciobridge/ledger/jetstream"
	"github.com/ciobridge/ciobridge/source"
	"github.com/ciobridge/ciobridge/webhook"
	webhookjetstream "github.com/ciobridge/ciobridge/webhook/jetstream"
)

// Broker is the connection to a server, and what is read of it. It owns the server where that is embedded.
type Broker struct {
	conn   *broker.NATS
	server *broker.Embedded // nil if the server is somebody else's
	config jetstream.Config
	single bool // the server is embedded, in this process or another, and is no cluster
}

// Connection is the connection.
func (b *Broker) Connection() *broker.NATS { return b.conn }

// Server is the embedded server; nil if there is none.
func (b *Broker) Server() *broker.Embedded { return b.server }

// reader is the consumer of the streams.
type reader struct{ *jetstream.Source }

// Check implements source.Reader: streams are looked at while they are read.
func (reader) Check(context.Context) error { return nil }

// Missing implements source.Reader.
func (reader) Missing(error) bool { return false }

// Reader implements source.Broker. What it fetches ahead is bounded by fetch_bytes alone, beside the limiter. The
// connection's metrics are registered too.
func (b *Broker) Reader(_ *memory.Limiter, log *zap.Logger, reg prometheus.Registerer) (source.Reader, error) {
	reg.MustRegister(b.conn)
	j, err := jetstream.New(b.conn, b.config, log, reg)
	if err != nil {
		return nil, err
	}
	return reader{j}, nil
}

// Offsets implements source.Broker.
func (b *Broker) Offsets(ctx context.Context) ([]consumer.OffsetInfo, error) {
	return jetstream.Offsets(ctx, b.conn, b.config)
}

// SetOffsets implements source.Broker.
func (b *Broker) SetOffsets(ctx context.Context, changes []consumer.OffsetChange) error {
	err := jetstream.SetOffsets(ctx, b.conn, b.config, changes)
	if errors.Is(err, jetstream.ErrStreamRead) {
		return &source.InUseError{Err: err}
	}
	return err
}

// Ahead implements source.Broker.
func (b *Broker) Ahead(ctx context.Context) ([]consumer.Extent, error) {
	startAt, err := consumer.ParseStartAt(b.config.StartAt)
	if err != nil {
		return nil, fmt.Errorf("start_at: %w", err)
	}
	begin, err := b.Extents(ctx, consumer.Bounds{From: startAt.At})
	if err != nil {
		return nil, err
	}
	offsets, err := b.Offsets(ctx)
	if err != nil {
		return nil, err
	}
	for i, o := range offsets { // both have the order of the configuration
		switch {
		case o.Committed >= 0:
			begin[i].From = min(max(o.Committed, o.Start), begin[i].End)
		case startAt.Latest:
			begin[i].From = begin[i].End
		}
	}
	return begin, nil
}

// Extents implements source.Broker.
func (b *Broker) Extents(ctx context.Context, between consumer.Bounds) ([]consumer.Extent, error) {
	return extents.Find(ctx, b.conn.JetStream(), b.config, between)
}

// ReadExtent implements source.Broker.
func (b *Broker) ReadExtent(ctx context.Context, e consumer.Extent, f func(*event.Message) error) error {
	return extents.Read(ctx, b.conn.JetStream(), b.config, e, f)
}

// Letters implements source.Broker.
func (b *Broker) Letters(d deadletter.Config, hash string) source.Letters {
	return deadletterjetstream.New(b.conn.JetStream(), d, hash)
}

// CheckApart implements source.Broker: it asks the server which stream keeps a subject. What no stream keeps is not
// read.
func (b *Broker) CheckApart(ctx context.Context, what, subject string) error {
	if subject == "" {
		return nil
	}
	stream, err := b.conn.JetStream().StreamNameBySubject(ctx, subject)
	if errors.Is(err, natsjetstream.ErrStreamNotFound) {
		return nil
	}
	if err != nil {
		return exit.With(exit.Broker, fmt.Errorf("find the stream of %s: %w", what, err))
	}
	for _, r := range b.config.Streams {
		all := len(r.Partitions)+len(r.Subjects) == 0
		if r.Name == stream && (all || collides(subject, append(r.Partitions, r.Subjects)...)) {
			return exit.With(exit.Input, fmt.Errorf("%s: %q is kept by stream %s, which the source reads too, and "+
				"whatever is published there would come back as an event; name a subject of another stream", what,
				subject, stream))
		}
	}
	return nil
}

// Webhooks implements source.Broker.
func (b *Broker) Webhooks(w webhook.Config) webhook.Bus {
	return webhookjetstream.New(b.conn.JetStream(), w.Subject)
}

// Fences implements source.Broker.
func (b *Broker) Fences(e erasure.Config) erasure.Log {
	return erasurejetstream.New(b.conn.JetStream(), e.Bucket, e.Replicas)
}

// Tell implements source.Broker. The id is the Nats-Msg-Id, by which the server drops a repeat.
func (b *Broker) Tell(ctx context.Context, to, _, id string, value []byte) error {
	if _, err := b.conn.JetStream().Publish(ctx, to, value, natsjetstream.WithMsgID(id)); err != nil {
		return fmt.Errorf("publish to the subject %s: %w", to, err)
	}
	return nil
}

// Ledger implements source.Broker.
func (b *Broker) Ledger(l ledger.Config) ledger.Store {
	return ledgerjetstream.New(b.conn.JetStream(), l)
}

// Publisher implements source.Broker.
func (b *Broker) Publisher() source.Publisher {
	return &publisher{b.conn.JetStream(), b.config.Streams}
}

// Close implements source.Broker.
func (b *Broker) Close() {
	b.conn.Close()
	if b.server != nil {
		b.server.Close()
	}
}
