package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"

	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/config"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/exit"
	"github.com/ciobridge/ciobridge/report"
	"github.com/ciobridge/ciobridge/report/file"
	"github.com/ciobridge/ciobridge/report/read"
	"github.com/ciobridge/ciobridge/source"
)

// What is proven of reports, beside the flow of events, which does not wait for it.
const (
	provesReportState = "state of reports"
	provesReports     = "reports"
)

// openReportState opens the place of what is known of reports: a file, or something that the broker keeps.
func openReportState(c config.Config, b source.Broker) report.Store {
	if s := c.PlacedReportState(); s.File != "" {
		return file.NewStore(s.File)
	} else {
		return b.ReportState(s)
	}
}

// openReports makes the reports of a configuration, with their readers and targets. Those must be closed.
func openReports(list []report.Config, b source.Broker, api read.API) ([]report.Report, error) {
	var reports []report.Report
	for _, c := range list {
		reader, err := read.New(c, api)
		err = exit.With(exit.Input, err)
		var target report.Target
		if err == nil {
			target, err = openTarget(c.To, b)
		}
		if err != nil {
			closeTargets(reports)
			return nil, fmt.Errorf("report %s: %w", c.Name, err)
		}
		reports = append(reports, report.Report{Config: c, Reader: reader, Target: target})
	}
	return reports, nil
}

func openTarget(to report.To, b source.Broker) (report.Target, error) {
	switch {
	case to.File == "-":
		return file.NewOutput(os.Stdout, to.Format), nil
	case to.File != "":
		return file.NewTarget(to.File, to.Format), nil
	}
	target, err := b.ReportTarget(to)
	return target, exit.With(exit.Broker, err)
}

func closeTargets(reports []report.Report) {
	for _, r := range reports {
		r.Target.Close()
	}
}

// prepareReports makes what runs the reports, where the configuration has some.
func (b *Bridge) prepareReports() error {
	if len(b.config.Reports) == 0 {
		return nil
	}
	var err error
	if b.reported, err = openReports(b.config.Reports, b.broker, b.sender); err != nil {
		return err
	}
	b.reportState = openReportState(b.config, b.broker)
	b.reports, err = report.New(report.Options{Reports: b.reported, Store: b.reportState,
		DeadLetter: keepRows(b.letters), Log: b.log.Named("reports"), Registry: b.registry})
	return exit.With(exit.Input, err)
}

// runReports runs reports by their schedules until ctx ends. Events flow whether that can be done or not.
func (b *Bridge) runReports(ctx context.Context) {
	if b.reports == nil {
		return
	}
	always := func(error) bool { return true }
	var proofs sync.WaitGroup
	proofs.Go(func() { _ = b.attempt(ctx, provesReports, b.checkReports, always, b.reportsFailing(provesReports)) })
	defer proofs.Wait()
	if b.config.PlacedReportState().File != "" && b.config.Source.Section().Kind() != "embedded" {
		b.log.Warn("the state of reports is in a file, which replicas on other machines do not see: they would run "+
			"the same reports", zap.String("place", b.reportState.Place()))
	}
	err := b.attempt(ctx, provesReportState, func(ctx context.Context) error {
		return checkPlace(ctx, b.reportState, "the state of reports is", b.log)
	}, always, b.reportsFailing(provesReportState))
	if err == nil {
		b.reports.Run(ctx)
	}
}

func (b *Bridge) reportsFailing(what string) func(error) {
	return func(err error) {
		b.log.Warn("reports cannot be run or published yet", zap.String("what", what), zap.Error(err))
	}
}

// checkReports proves the places of reports, and the App keys of their workspaces.
func (b *Bridge) checkReports(ctx context.Context) error {
	var errs []error
	asked := map[string]bool{}
	for _, r := range b.reported {
		if err := r.Target.Check(ctx); err != nil {
			errs = append(errs, fmt.Errorf("report %s: %w", r.Config.Name, err))
		}
		for _, name := range r.Config.In() {
			asked[name] = true
		}
	}
	for _, w := range b.workspaces {
		if asked[w.Name] {
			errs = append(errs, named(w.Name, w.Client.VerifyApp(ctx)))
		}
	}
	return errors.Join(errs...)
}

// closeReports closes what prepareReports has opened.
func (b *Bridge) closeReports() {
	closeTargets(b.reported)
	if b.reportState != nil {
		b.reportState.Close()
	}
}

// reportTroubles tells of each report whose last run has failed.
func (b *Bridge) reportTroubles() (list []obstacle) {
	for _, s := range b.reportStatus() {
		if s.Trouble != "" {
			list = append(list, obstacle{"report " + s.Report, named(s.Workspace, errors.New(s.Trouble))})
		}
	}
	return list
}

func (b *Bridge) reportStatus() []report.Status {
	if b.reports == nil {
		return nil
	}
	return b.reports.Status()
}

// reportOrigin begins the names that stand in place of a topic in the letters of reports.
const reportOrigin = "report/"

// keepRows keeps rows of reports that cannot be published as dead letters.
func keepRows(letters source.Letters) report.DeadLetter {
	return func(ctx context.Context, l report.Letter) error {
		m := event.Message{Value: l.Text, Time: l.At,
			Origin: event.Origin{Topic: reportOrigin + l.Report, Offset: int64(l.Line)}}
		if l.Object != "" {
			m.Key = []byte(l.Object)
		}
		for _, h := range []struct{ key, value string }{{"report_type", l.Type}, {"workspace", l.Workspace}} {
			if h.value != "" {
				m.Headers = append(m.Headers, event.Header{Key: h.key, Value: []byte(h.value)})
			}
		}
		f := event.Failure{ID: l.ID, Stage: event.StageReport, Reason: l.Reason, Detail: l.Detail, Attempts: 1}
		if l.Line > 0 {
			f.Field = fmt.Sprintf("line %d", l.Line)
		}
		if err := letters.Put(ctx, event.FailedMessage{Message: m, Failures: []event.Failure{f}}); err != nil {
			return fmt.Errorf("keep a row as a dead letter: %w", err)
		}
		return nil
	}
}
