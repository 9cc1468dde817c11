package nats

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"slices"

	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/broker"
	"github.com/ciobridge/ciobridge/consumer/jetstream"
	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/erasure"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/exit"
	"github.com/ciobridge/ciobridge/ledger"
	"github.com/ciobridge/ciobridge/source"
	"github.com/ciobridge/ciobridge/webhook"
)

// Embedded reads streams of a NATS server inside the process.
type Embedded struct {
	Dir     string `yaml:"dir"`
	Listen  string `yaml:"listen"`
	Reading `yaml:",inline"`
}

// UnmarshalYAML reads the section over the defaults.
func (e *Embedded) UnmarshalYAML(decode func(any) error) error {
	type section Embedded
	read := section{Reading: defaultReading()}
	err := decode(&read)
	*e = Embedded(read)
	return err
}

// Server is the configuration of the server, which keeps what the source reads.
func (e *Embedded) Server() broker.EmbeddedConfig {
	c := broker.EmbeddedConfig{Dir: e.Dir, Listen: e.Listen}
	for _, s := range e.Streams {
		c.Streams = append(c.Streams, broker.EmbeddedStream{Name: s.Name, Subjects: s.Subjects})
	}
	return c.WithDefaults()
}

// Consumer is the configuration of the consumer. All that the streams keep is read.
func (e *Embedded) Consumer() jetstream.Config {
	c := e.Config
	c.StartAt = source.StartAt(c.StartAt)
	for _, s := range e.Server().Streams {
		c.Streams = append(c.Streams, jetstream.StreamConfig{Name: s.Name})
	}
	for i := range e.Streams {
		c.Streams[i].Partitions = e.Streams[i].partitions()
	}
	return c
}

// Kind implements source.Section.
func (*Embedded) Kind() string { return "embedded" }

// Names implements source.Section.
func (e *Embedded) Names() []string { return names(e.Consumer()) }

// Reads implements source.Section: all that the server keeps is read.
func (e *Embedded) Reads(subject string) bool {
	return subject != "" && slices.ContainsFunc(e.Server().Streams, func(s broker.EmbeddedStream) bool {
		return collides(subject, s.Subjects)
	})
}

// CheckFences implements source.Section.
func (e *Embedded) CheckFences(c erasure.Config) error {
	if err := e.Reading.CheckFences(c); err != nil || !e.Reads(c.ReportSubject) {
		return err
	}
	return reportsRead()
}

// CheckWebhooks implements source.Section.
func (e *Embedded) CheckWebhooks(w webhook.Config) error {
	if err := e.Reading.CheckWebhooks(w); err != nil || w.Subject == "" || !e.Reads(w.Subject+".>") {
		return err
	}
	return webhooksRead()
}

// Validate implements source.Section.
func (e *Embedded) Validate() error {
	return errors.Join(e.Server().Validate(), e.Consumer().Validate())
}

// Ledger implements source.Section: it is in a file in the server's folder, which one process at a time serves.
func (e *Embedded) Ledger(l ledger.Config, _ deadletter.Config) ledger.Config {
	if !l.Placed() {
		l.File = filepath.Join(e.Dir, "ledger.jsonl")
	}
	return l
}

// Destination implements source.Section.
func (e *Embedded) Destination(to source.Target) (event.Origin, error) {
	var kept []string
	for _, stream := range e.Server().Streams {
		kept = append(kept, stream.Subjects...)
	}
	return destination(to, kept)
}

// Connect implements source.Section: it starts the server.
func (e *Embedded) Connect(ctx context.Context, log *zap.Logger) (source.Broker, error) {
	server, err := broker.StartEmbedded(e.Server(), log.Named("nats"))
	if err != nil {
		return nil, source.Unconnected(err)
	}
	conn, err := server.NATS(ctx)
	if err != nil {
		server.Close()
		return nil, source.Unconnected(err)
	}
	return &Broker{conn: conn, server: server, config: e.Consumer(), single: true}, nil
}

// Reach implements source.Section: where a bridge runs, its server is used. A server that has the address and does not
// serve the directory is somebody else's.
func (e *Embedded) Reach(ctx context.Context, log *zap.Logger) (source.Broker, error) {
	listen := e.Server().Listen
	if !broker.Served(e.Dir) || !listening(ctx, listen) {
		return e.Connect(ctx, log)
	}
	conn, err := broker.NewNATS(ctx, broker.NATSConfig{URLs: []string{"nats://" + listen}}, log.Named("nats"))
	if err != nil {
		return nil, exit.With(exit.Broker, err)
	}
	return &Broker{conn: conn, config: e.Consumer(), single: true}, nil
}

// Passing implements source.Section.
func (*Embedded) Passing(error) bool { return false }

func listening(ctx context.Context, addr string) bool {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return false
	}
	conn.Close()
	return true
}
