package kafka

import (
	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/internal/mistake"
	"github.com/ciobridge/ciobridge/report"
	reportkafka "github.com/ciobridge/ciobridge/report/kafka"
)

// ReportState implements source.Section: it is in a topic beside that of the dead letters.
func (s *Section) ReportState(r report.StateConfig, d deadletter.Config) report.StateConfig {
	return s.beside(r, d, ".reports")
}

// CheckReportState implements source.Section.
func (s *Section) CheckReportState(r report.StateConfig) error {
	return s.checkPlace(r)
}

// CheckReport implements source.Section.
func (s *Section) CheckReport(to report.To) error {
	switch {
	case to.Subject != "":
		return mistake.Of("subject: is for a NATS source; give topic or file")
	case s.Reads(to.Topic):
		return mistake.Of("topic: is read by the source too, and every row would come back as an event, whose calls " +
			"change the next rows: give it a name that the source does not read")
	}
	return nil
}

// ReportState implements source.Broker.
func (c *connection) ReportState(r report.StateConfig) report.Store {
	return reportkafka.NewStore(c.conn, r)
}

// ReportTarget implements source.Broker.
func (c *connection) ReportTarget(to report.To) (report.Target, error) {
	return reportkafka.NewTarget(c.conn, to.Topic), nil
}
