package source

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/consumer"
	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/deadletter/replay"
	"github.com/ciobridge/ciobridge/erasure"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/memory"
	"github.com/ciobridge/ciobridge/ledger"
	"github.com/ciobridge/ciobridge/mapping"
	"github.com/ciobridge/ciobridge/mapping/expr/document"
	"github.com/ciobridge/ciobridge/pipeline"
	"github.com/ciobridge/ciobridge/report"
	"github.com/ciobridge/ciobridge/webhook"
)

// A Section is one section under source of a configuration. It connects to nothing before it is asked to.
type Section interface {
	// Kind is the name of the section.
	Kind() string
	// Names are the topics or streams that are read, and Topics how the events of each arrive.
	Names() []string
	Topics() []mapping.Topic
	// Validate reports every mistake, each with its path under the section.
	Validate() error
	// Reads reports whether the source reads a topic or subject, by its name or by a pattern. Where only the server
	// knows that, it is Broker.CheckApart's to tell.
	Reads(name string) bool
	// CheckLetters reports dead letters that this kind of broker cannot keep, or that the source would read as events.
	CheckLetters(deadletter.Config) error
	// CheckFences reports a place of erasure fences, or of their reports, that this kind of broker does not have, or
	// that the source would read as events.
	CheckFences(erasure.Config) error
	// Ledger is the configuration of the send ledger with its place, which is beside the dead letters where none is
	// given. CheckLedger reports, by its keys, a place that this kind of broker does not have, or that is used already.
	Ledger(ledger.Config, deadletter.Config) ledger.Config
	CheckLedger(ledger.Config, deadletter.Config) error
	// CheckWebhooks reports a place for the events of webhooks that this kind of broker does not have, or that the
	// source would read as events.
	CheckWebhooks(webhook.Config) error
	// ReportState is the configuration of the state of reports with its place, which is beside the dead letters where
	// none is given. CheckReportState and CheckReport report, by their keys, a place for it or for the rows of a report
	// that this kind of broker does not have, or that the source would read as events.
	ReportState(report.StateConfig, deadletter.Config) report.StateConfig
	CheckReportState(report.StateConfig) error
	CheckReport(report.To) error
	// Ends reports whether the source ends by itself, as a file does. There is no broker behind one that does: what
	// the bridge keeps is in files, and nothing can be published.
	Ends() bool
	// Destination is where an event is published: something that the source reads.
	Destination(Target) (event.Origin, error)

	// Connect opens the connection that the source and the dead letters use. Its error has the exit code.
	Connect(context.Context, *zap.Logger) (Broker, error)
	// Reach does so for a single task, beside a bridge that may run.
	Reach(context.Context, *zap.Logger) (Broker, error)
	// Passing reports whether an error of Connect may pass by itself.
	Passing(error) bool
	// ChecksFirst reports whether Reader.Check has to succeed before anything is read. If not, what is read is looked
	// at while it is read.
	ChecksFirst() bool
}

// A Broker is the connection to the broker of a configuration. It must be closed.
type Broker interface {
	// Reader makes the source of the pipeline. It may reserve what it fetches ahead with the limiter, which is the
	// pipeline's too. Its metrics are registered.
	Reader(*memory.Limiter, *zap.Logger, prometheus.Registerer) (Reader, error)
	// Offsets tells how far the source has been read, and SetOffsets sets it while nobody reads: where somebody does,
	// its error is an InUseError.
	Offsets(context.Context) ([]consumer.OffsetInfo, error)
	SetOffsets(context.Context, []consumer.OffsetChange) error
	// Ahead is what a bridge would read next, up to the end of what there is, in every partition that is read.
	Ahead(context.Context) ([]consumer.Extent, error)
	// Extents finds where the messages between two times of the broker stand, in every partition that is read.
	// ReadExtent gives f the messages of one, in order, and returns at its end. They are f's to keep. Both stand beside
	// whoever reads the source: they join no group, and store and ack nothing. The error of ReadExtent is the first of
	// f, or a *consumer.GoneError where the broker has discarded what was not read.
	Extents(context.Context, consumer.Bounds) ([]consumer.Extent, error)
	ReadExtent(ctx context.Context, e consumer.Extent, f func(*event.Message) error) error
	// Notes are where a task of that name notes how far it has read extents. The name is of letters, digits and dashes.
	Notes(name string) consumer.Notes

	// Letters opens the dead letters that this broker keeps. Hash is that of the rules.
	Letters(c deadletter.Config, hash string) Letters
	// CheckApart makes sure that the source does not read a topic or subject to which something is published, as far
	// as only the broker knows that: it would come back as an event. What names the setting. Its error has the exit
	// code.
	CheckApart(ctx context.Context, what, name string) error

	// Fences opens the erasure fences that this broker keeps.
	Fences(erasure.Config) erasure.Log
	// Tell publishes something to a topic or subject that the source does not read, and returns when it is stored. The
	// key says what it belongs to. The id is the same where it is told again, and only then.
	Tell(ctx context.Context, to, key, id string, value []byte) error
	// Webhooks opens the place where this broker stores the events of webhooks.
	Webhooks(webhook.Config) webhook.Bus
	// ReportState opens the place where this broker keeps what is known of reports, and ReportTarget one where it
	// stores their rows.
	ReportState(report.StateConfig) report.Store
	ReportTarget(report.To) (report.Target, error)
	// Ledger opens the send ledger that this broker keeps.
	Ledger(ledger.Config) ledger.Store

	// Examine notes how the rights, the topics or streams and their settings stand to what the bridge needs. It changes
	// nothing, and disturbs nobody who reads. The error says why nothing can be asked.
	Examine(context.Context, *Examination) error

	Publisher() Publisher
	Close()
}

// A Reader reads the messages, and tells what keeps them from coming.
type Reader interface {
	pipeline.Source
	// Troubles says what keeps messages from coming, or some of them. It is empty while the source reads, or stands
	// by to read.
	Troubles() []string
	// Partitions says how this replica reads its partitions.
	Partitions() []consumer.PartitionState
	// OnReplicas has f told among how many replicas the source is divided. It must be called before Consume.
	OnReplicas(f func(n int))
	// Check makes sure that what is to be read exists. Missing reports whether its error says that it does not.
	Check(context.Context) error
	Missing(error) bool
}

// Letters is where a bridge keeps its dead letters.
type Letters interface {
	replay.Store
	// Remove removes records for good, or fails with deadletter.ErrKeeps where the place cannot do that.
	Remove(ctx context.Context, records ...deadletter.Seen) error
	// Ready is nil while the last attempt to store succeeded, or none was made, and otherwise says since when and why
	// letters cannot be stored. It names no address.
	Ready() error
	// Check proves that letters can be kept there. It makes the place if the configuration says so. Weak lists what
	// an operator should know, one sentence each, such as a retention that is shorter than a weekend; an error says
	// why nothing can be kept.
	Check(ctx context.Context) (weak []string, err error)
}

// InUseError is the error of setting offsets while a bridge reads.
type InUseError struct{ Err error }

func (e *InUseError) Error() string { return e.Err.Error() }

// Unwrap returns the error of the source.
func (e *InUseError) Unwrap() error { return e.Err }

// StartAt is where reading begins, as consumers take it: a time is read as those of events are, and any other text is
// left to them.
func StartAt(text string) string {
	if at, ok := document.ParseTime(text); ok {
		return at.Format(time.RFC3339Nano)
	}
	return text
}
