package nats

import (
	"path/filepath"

	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/internal/mistake"
	"github.com/ciobridge/ciobridge/report"
	reportjetstream "github.com/ciobridge/ciobridge/report/jetstream"
)

// ReportState implements source.Section: it is in a bucket named like the subject of the dead letters.
func (s *Section) ReportState(r report.StateConfig, d deadletter.Config) report.StateConfig {
	return s.beside(r, d, "_reports")
}

// ReportState implements source.Section: it is in a file in the server's folder, which one process at a time serves.
func (e *Embedded) ReportState(r report.StateConfig, _ deadletter.Config) report.StateConfig {
	if !r.Placed() {
		r.File = filepath.Join(e.Dir, "reports.jsonl")
	}
	return r
}

// CheckReportState implements source.Section.
func (r *Reading) CheckReportState(c report.StateConfig) error {
	return checkPlace(c)
}

// CheckReport implements source.Section. Which stream keeps a subject, only the server knows; what is read of one is
// known here where subjects are named.
func (r *Reading) CheckReport(to report.To) error {
	switch {
	case to.Topic != "":
		return mistake.Of("topic: is for a Kafka source; give subject or file")
	case to.Subject != "" && r.Reads(to.Subject+".>"):
		return reportRead()
	}
	return nil
}

// CheckReport implements source.Section.
func (e *Embedded) CheckReport(to report.To) error {
	if err := e.Reading.CheckReport(to); err != nil || to.Subject == "" || !e.Reads(to.Subject+".>") {
		return err
	}
	return reportRead()
}

func reportRead() error {
	return mistake.Of("subject: is read by the source too, and every row would come back as an event, whose calls " +
		"change the next rows: give one that the source does not read")
}

// ReportState implements source.Broker.
func (b *Broker) ReportState(r report.StateConfig) report.Store {
	return reportjetstream.NewStore(b.conn, r)
}

// ReportTarget implements source.Broker.
func (b *Broker) ReportTarget(to report.To) (report.Target, error) {
	return reportjetstream.NewTarget(b.conn, to.Subject)
}
