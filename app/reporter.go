package app

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/config"
	"github.com/ciobridge/ciobridge/customerio/download"
	"github.com/ciobridge/ciobridge/delivery"
	"github.com/ciobridge/ciobridge/internal/exit"
	"github.com/ciobridge/ciobridge/internal/retry"
	"github.com/ciobridge/ciobridge/report"
	"github.com/ciobridge/ciobridge/report/read"
	"github.com/ciobridge/ciobridge/source"
)

// A Reporter is what a command works with that runs a report by hand or asks how reports stand. It must be closed.
type Reporter struct {
	config     config.Config
	log        *zap.Logger
	broker     source.Broker // nil where nothing needs one
	store      report.Store
	report     report.Report // the one that is run
	letters    source.Letters
	workspaces []delivery.Workspace
	sender     *delivery.Sender
}

// ReachReports opens the state of reports for one task.
func ReachReports(ctx context.Context, c config.Config, log *zap.Logger) (*Reporter, error) {
	r := &Reporter{config: c, log: log}
	if c.PlacedReportState().File == "" {
		if err := r.reach(ctx); err != nil {
			return nil, err
		}
	}
	r.store = openReportState(c, r.broker)
	return r, nil
}

// ReachReport opens all that one report needs to be run by hand, or to be read only. Hash is that of the rules.
func ReachReport(ctx context.Context, c config.Config, name, hash string, log *zap.Logger) (*Reporter, error) {
	r, err := ReachReports(ctx, c, log)
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(c.Reports, func(r report.Config) bool { return r.Name == name })
	if err = r.open(ctx, c.Reports[at], hash); err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

func (r *Reporter) reach(ctx context.Context) (err error) {
	if r.broker == nil {
		r.broker, err = Reach(ctx, r.config, r.log)
	}
	return err
}

func (r *Reporter) open(ctx context.Context, c report.Config, hash string) error {
	if c.To.File == "" || r.config.DeadLetters.File == "" {
		if err := r.reach(ctx); err != nil {
			return err
		}
	}
	r.letters = openLetters(r.config, r.broker, hash)
	var err error
	if r.workspaces, err = workspaces(r.config); err != nil {
		return err
	}
	r.sender = delivery.New(r.workspaces, r.log.Named("delivery"), prometheus.NewRegistry())
	reports, err := openReports([]report.Config{c}, r.broker, r.sender)
	if err != nil {
		return err
	}
	r.report = reports[0]
	return nil
}

// Close closes what was opened.
func (r *Reporter) Close() {
	if r.report.Target != nil {
		r.report.Target.Close()
	}
	r.store.Close()
	closeAll(r.workspaces)
	if r.broker != nil {
		r.broker.Close()
	}
}

// Run runs the report now. Its error has the exit code.
func (r *Reporter) Run(ctx context.Context, hand report.Hand) ([]report.Status, error) {
	if err := r.prove(ctx, hand.Workspaces); err != nil {
		return nil, err
	}
	if err := r.provePlaces(ctx); err != nil {
		return nil, err
	}
	runner, err := report.New(report.Options{Reports: []report.Report{r.report}, Store: r.store,
		DeadLetter: keepRows(r.letters), Log: r.log.Named("reports"), Registry: prometheus.NewRegistry()})
	if err != nil {
		return nil, exit.With(exit.Input, err)
	}
	list, err := runner.Once(ctx, r.report.Config.Name, hand)
	return list, reportError(err)
}

// Preview reads the report and tells what Run would publish.
func (r *Reporter) Preview(ctx context.Context, hand report.Hand, each func(report.Shown) error) (report.Counts,
	error) {
	if err := r.prove(ctx, hand.Workspaces); err != nil {
		return report.Counts{}, err
	}
	counts, err := report.Preview(ctx, r.report, r.store, hand, each)
	if errors.Is(err, report.ErrMissing) { // nothing is known yet
		counts, err = report.Preview(ctx, r.report, nil, hand, each)
	}
	return counts, reportError(err)
}

// Status tells how the reports stand, as their state has it.
func (r *Reporter) Status(ctx context.Context) ([]report.Status, error) {
	ctx, cancel := context.WithTimeout(ctx, reachLimit)
	defer cancel()
	reports := make([]report.Report, len(r.config.Reports))
	for i, c := range r.config.Reports {
		reports[i].Config = c
	}
	list, err := report.StoredStatus(ctx, r.store, reports)
	if errors.Is(err, report.ErrMissing) { // nothing is known yet
		list, err = report.StoredStatus(ctx, nil, reports)
	}
	return list, reportError(err)
}

// prove makes sure that the workspaces of the report take their App keys. It does not wait long for an outage to end.
func (r *Reporter) prove(ctx context.Context, chosen []string) error {
	ctx, cancel := context.WithTimeout(ctx, reachLimit)
	defer cancel()
	var errs []error
	for _, w := range r.workspaces {
		if slices.Contains(r.report.Config.In(), w.Name) && (len(chosen) == 0 || slices.Contains(chosen, w.Name)) {
			err := retry.Do(ctx, retry.Policy{Passing: passes}, w.Client.VerifyApp)
			if err != nil {
				errs = append(errs, coded(named(w.Name, err)))
			}
		}
	}
	return errors.Join(errs...)
}

func (r *Reporter) provePlaces(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, reachLimit)
	defer cancel()
	if to := r.report.Config.To; to.Subject != "" {
		what := "the subject of the report " + r.report.Config.Name
		if err := r.broker.CheckApart(ctx, what, to.Subject+".>"); err != nil {
			return err
		}
	}
	return exit.With(exit.Broker, errors.Join(checkPlace(ctx, r.store, "the state of reports is", r.log),
		checkPlace(ctx, r.letters, "dead letters are", r.log), r.report.Target.Check(ctx)))
}

// reportError gives an error of a run its exit code.
func reportError(err error) error {
	var refused *read.RefusedError
	switch {
	case err == nil:
		return nil
	case errors.As(err, new(*read.SegmentError)), errors.As(err, new(*read.ReachError)):
		return exit.With(exit.Input, err)
	case errors.As(err, &refused) && refused.Status == http.StatusForbidden,
		errors.As(err, new(*delivery.HaltedError)):
		return exit.With(exit.Credentials, err)
	case errors.As(err, &refused), errors.As(err, new(*read.UnansweredError)), errors.As(err, new(*read.AnswerError)),
		errors.As(err, new(*download.Error)):
		return exit.With(exit.CustomerIO, err)
	case errors.Is(err, report.ErrMissing), errors.Is(err, report.ErrUnfit), errors.Is(err, report.ErrTooLarge),
		errors.Is(err, context.DeadlineExceeded):
		return exit.With(exit.Broker, err)
	}
	return err
}
