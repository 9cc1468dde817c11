package lines

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/consumer"
	"github.com/ciobridge/ciobridge/consumer/bounded"
	"github.com/ciobridge/ciobridge/deadletter"
	letterfile "github.com/ciobridge/ciobridge/deadletter/file"
	"github.com/ciobridge/ciobridge/erasure"
	fencefile "github.com/ciobridge/ciobridge/erasure/file"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/exit"
	"github.com/ciobridge/ciobridge/internal/memory"
	"github.com/ciobridge/ciobridge/ledger"
	ledgerfile "github.com/ciobridge/ciobridge/ledger/file"
	"github.com/ciobridge/ciobridge/report"
	reportfile "github.com/ciobridge/ciobridge/report/file"
	"github.com/ciobridge/ciobridge/source"
	"github.com/ciobridge/ciobridge/webhook"
)

// Broker stands for the broker that there is not: it reads the file, and everything is kept in files.
type Broker struct{ file file }

// errNoBroker says that something needs a broker.
var errNoBroker = errors.New("source.lines has no broker")

// reader is the source of the pipeline.
type reader struct {
	*bounded.Source
	file
}

// Consume implements source.Reader. Its error says what to do.
func (r *reader) Consume(ctx context.Context, handle event.Handler) error {
	err := r.Source.Consume(ctx, handle)
	if err == nil {
		return nil
	}
	again := "run it again"
	if r.path == stdin {
		again += " with the same input"
	}
	return fmt.Errorf("%w; every line before %d is finished; %s: what was sent has the same identities then, so that "+
		"events count once", err, r.Finished(0), again)
}

// Partitions implements source.Reader.
func (r *reader) Partitions() []consumer.PartitionState {
	state := consumer.PartitionState{Topic: r.name}
	r.Describe(0, &state)
	return []consumer.PartitionState{state}
}

// Troubles implements source.Reader: what is the matter ends the source.
func (*reader) Troubles() []string { return nil }

// OnReplicas implements source.Reader: there is one.
func (*reader) OnReplicas(func(int)) {}

// Check implements source.Reader.
func (*reader) Check(context.Context) error { return nil }

// Missing implements source.Reader.
func (*reader) Missing(error) bool { return false }

// Reader implements source.Broker.
func (b *Broker) Reader(*memory.Limiter, *zap.Logger, prometheus.Registerer) (source.Reader, error) {
	all := bounded.Part{From: 1, Read: func(ctx context.Context, each func(*event.Message) error) error {
		return b.file.read(ctx, 1, math.MaxInt64, each)
	}}
	return &reader{bounded.New([]bounded.Part{all}, bounded.Config{}), b.file}, nil
}

// Offsets implements source.Broker.
func (*Broker) Offsets(context.Context) ([]consumer.OffsetInfo, error) {
	return nil, fmt.Errorf("%w, and nothing is stored of how far it is read", errNoBroker)
}

// SetOffsets implements source.Broker.
func (b *Broker) SetOffsets(ctx context.Context, _ []consumer.OffsetChange) error {
	_, err := b.Offsets(ctx)
	return err
}

// Ahead implements source.Broker.
func (b *Broker) Ahead(ctx context.Context) ([]consumer.Extent, error) {
	_, err := b.Offsets(ctx)
	return nil, err
}

// Extents implements source.Broker: all lines, since they have no time. What comes over standard input is read once.
func (b *Broker) Extents(ctx context.Context, between consumer.Bounds) ([]consumer.Extent, error) {
	switch {
	case b.file.path == stdin:
		return nil, exit.With(exit.Input, errors.New("standard input can be read once only: name a file"))
	case between != consumer.Bounds{}:
		return nil, exit.With(exit.Input, errors.New("lines of a file have no time by which they can be found: "+
			"leave the time out; ciobridge diff takes the file itself with --file"))
	}
	n, err := b.file.count(ctx)
	if err != nil {
		return nil, exit.With(exit.Input, err)
	}
	return []consumer.Extent{{Topic: b.file.name, From: 1, End: n + 1}}, nil
}

// ReadExtent implements source.Broker.
func (b *Broker) ReadExtent(ctx context.Context, e consumer.Extent, f func(*event.Message) error) error {
	return b.file.read(ctx, e.From, e.End, f)
}

// Notes implements source.Broker. Whoever reads a file reads all of it.
func (*Broker) Notes(string) consumer.Notes { return nil }

// Examine implements source.Broker: that the file can be read.
func (b *Broker) Examine(ctx context.Context, e *source.Examination) error {
	if b.file.path == stdin {
		e.OK("lines", "are read from standard input, which doctor leaves alone")
		return nil
	}
	n, err := b.file.count(ctx)
	if err != nil {
		e.Code = exit.Input
		e.Fail("lines", err.Error(), "correct source.lines.path")
		return nil
	}
	e.OK("lines", "%d in %s", n, b.file.name)
	return nil
}

// Letters implements source.Broker.
func (*Broker) Letters(d deadletter.Config, hash string) source.Letters {
	return letterfile.New(d, hash)
}

// CheckApart implements source.Broker: nothing can be published.
func (*Broker) CheckApart(_ context.Context, what, name string) error {
	if name == "" {
		return nil
	}
	return exit.With(exit.Input, fmt.Errorf("%s: %w", what, errNoBroker))
}

// Fences implements source.Broker.
func (*Broker) Fences(e erasure.Config) erasure.Log { return fencefile.New(e.File) }

// Tell implements source.Broker.
func (*Broker) Tell(context.Context, string, string, string, []byte) error { return errNoBroker }

// Webhooks implements source.Broker. A configuration with webhooks is refused.
func (*Broker) Webhooks(webhook.Config) webhook.Bus { return nil }

// ReportState implements source.Broker.
func (*Broker) ReportState(r report.StateConfig) report.Store { return reportfile.NewStore(r.File) }

// ReportTarget implements source.Broker.
func (*Broker) ReportTarget(to report.To) (report.Target, error) {
	return reportfile.NewTarget(to.File, to.Format), nil
}

// Ledger implements source.Broker.
func (*Broker) Ledger(l ledger.Config) ledger.Store { return ledgerfile.New(l) }

// Publisher implements source.Broker. Section.Destination has refused before.
func (*Broker) Publisher() source.Publisher { return nil }

// Close implements source.Broker.
func (*Broker) Close() {}
