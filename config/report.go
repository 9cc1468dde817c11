package config

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/internal/choice"
	"github.com/ciobridge/ciobridge/internal/mistake"
	"github.com/ciobridge/ciobridge/report"
	reportread "github.com/ciobridge/ciobridge/report/read"
)

// PlacedReportState is the configuration of the state of reports, with its place where none is given: beside the dead
// letters.
func (c *Config) PlacedReportState() report.StateConfig {
	return c.Source.Section().ReportState(c.ReportState, c.DeadLetters.Config)
}

// validateReports reports every mistake in the reports by themselves.
func (c *Config) validateReports() error {
	var errs []error
	for i, r := range c.Reports {
		errs = append(errs, mistake.Under(fmt.Sprintf("reports[%d]", i), errors.Join(
			c.checkReportName(i), reportread.Validate(r), c.checkReportWorkspaces(r),
			mistake.Under("to", r.To.Validate()),
			mistake.Under("schedule", scheduleError(r.Schedule)),
		)))
	}
	return errors.Join(errors.Join(errs...), mistake.Under("report_state", c.ReportState.Validate()))
}

func scheduleError(text string) error {
	_, err := report.ParseSchedule(text)
	return err
}

// checkReportName makes sure that reports are told apart: the name stands in the ids of events and in metrics.
func (c *Config) checkReportName(i int) error {
	name := c.Reports[i].Name
	switch j := slices.IndexFunc(c.Reports[:i], func(r report.Config) bool { return r.Name == name }); {
	case name == "":
		return mistake.Of("name: is missing: the ids of events are made of it")
	case !plainName.MatchString(name):
		return mistake.Of("name: want a name of letters, digits, _, - and ., that begins with a letter")
	case j >= 0:
		return mistake.Of("name: reports[%d] is named so too, and their events could not be told apart", j)
	}
	return nil
}

// checkReportWorkspaces reports workspaces that are not there, or that have no App key.
func (c *Config) checkReportWorkspaces(r report.Config) error {
	all, names := c.CustomerIO.All(), c.CustomerIO.Names()
	var errs []error
	for i, name := range r.Workspaces {
		switch {
		case slices.Contains(r.Workspaces[:i], name):
			errs = append(errs, mistake.Of("workspaces[%d]: stands there twice", i))
		case name != "" && !slices.Contains(names, name):
			errs = append(errs, mistake.Of("workspaces[%d]: there is no workspace %q under customerio.workspaces%s", i,
				name, choice.Near(name, names)))
		}
	}
	for _, name := range r.In() {
		at := slices.IndexFunc(all, func(w Workspace) bool { return w.Name == name })
		if at < 0 {
			continue
		}
		if key := all[at].Lacks(customerio.AppAPI); key != "" {
			errs = append(errs, mistake.New(mistake.Place{}, "is read over App: give %s.%s or app_key_env",
				all[at].Path(), key))
		}
	}
	return errors.Join(errs...)
}

// crossedReports reports places of reports that do not go together with the rest.
func (c *Config) crossedReports() error {
	if len(c.Reports) == 0 {
		return nil
	}
	section := c.Source.Section()
	var errs []error
	for i, r := range c.Reports {
		err := section.CheckReport(r.To)
		if err == nil {
			err = c.checkReportPlace(i)
		}
		errs = append(errs, mistake.Under(fmt.Sprintf("reports[%d].to", i), err))
	}
	state := c.PlacedReportState()
	err := section.CheckReportState(state)
	if other := c.keeps(state.Topic, "", state.File, state.Bucket); err == nil && other != "" {
		err = mistake.Of("%s: is that of %s: give the state of reports one of its own", keyOf(state), other)
	}
	return errors.Join(errors.Join(errs...), mistake.Under("report_state", err))
}

func keyOf(s report.StateConfig) string {
	key, _, _ := strings.Cut(s.Place(), " ")
	return key
}

// checkReportPlace reports rows of a report that would go where something else is.
func (c *Config) checkReportPlace(i int) error {
	to, state := c.Reports[i].To, c.PlacedReportState()
	key, _, _ := strings.Cut(to.Place(), " ")
	other := c.keeps(to.Topic, to.Subject, to.File, "")
	if other == "" && (to.Topic != "" && to.Topic == state.Topic || samePath(to.File, state.File)) {
		other = "the state of reports"
	}
	if other != "" {
		return mistake.Of("%s: is that of %s: give the report one of its own", key, other)
	}
	for j, r := range c.Reports[:i] {
		if samePath(to.File, r.To.File) {
			return mistake.Of("file: reports[%d] writes there too: give each report a file of its own", j)
		}
	}
	return nil
}

// keeps says what the bridge keeps in a place for itself; it is empty where there is nothing.
func (c *Config) keeps(topic, subject, file, bucket string) string {
	d, l, e, h := c.DeadLetters, c.PlacedLedger(), c.Erasure, c.Webhooks
	same := func(a, b string) bool { return a != "" && a == b }
	switch {
	case same(topic, d.Topic) || below(d.Subject, subject) || samePath(file, d.File):
		return "the dead letters"
	case same(topic, l.Topic) || same(bucket, l.Bucket) || samePath(file, l.File):
		return "the send ledger"
	case same(topic, e.Topic) || same(bucket, e.Bucket) || samePath(file, e.File):
		return "the erasure fences"
	case same(topic, e.ReportTopic) || below(e.ReportSubject, subject):
		return "the reports of erasures"
	case same(topic, h.Topic) || below(h.Subject, subject) || below(subject, h.Subject):
		return "the webhooks"
	}
	return ""
}

// below reports whether a subject is another one, or is among those that begin with it.
func below(subject, other string) bool {
	return subject != "" && other != "" && strings.HasPrefix(subject+".", other+".")
}

func samePath(a, b string) bool { return a != "" && b != "" && filepath.Clean(a) == filepath.Clean(b) }
