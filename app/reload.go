package app

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/app/status"
	"github.com/ciobridge/ciobridge/config"
	"github.com/ciobridge/ciobridge/mapping"
	"github.com/ciobridge/ciobridge/mapping/ruletest"
)

// reloadEvery is how often the files of the rules are looked at. What has changed is taken up when it is the same at
// two looks, so that a file that is being written is not read half.
const reloadEvery = 2 * time.Second

// A reloader takes up changed rules while a bridge runs. Its fields belong to the goroutine that runs it, but for those
// that metrics and the status read.
type reloader struct {
	bridge  *Bridge
	in      config.Input
	hangups <-chan struct{}
	start   *mapping.Rules // what the stages were set up for
	now     config.Config  // whose rules are in use
	read    config.Config  // what was read last: its patterns say which files are looked at
	seen    string         // the fingerprint at the last look
	settled string         // that of what was taken up or refused last
	others  string         // the keys that were named as needing a restart

	refused       atomic.Pointer[status.Refused] // nil where what the files hold was taken up
	taken, failed atomic.Uint64                  // how many changes were, and were not
	since         atomic.Int64                   // when the rules were taken up, in unix seconds
}

// Reload has the bridge take up changed rules of the input that it was loaded from, while events flow. A hangup is a
// request to look at once, and says that files which are gone are meant to be. It is called before Serve.
func (b *Bridge) Reload(in config.Input, hangups <-chan struct{}) {
	for _, path := range in.Files {
		if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
			b.log.Info("changed rules need a restart: the configuration is no file that can be read again",
				zap.String("path", path))
			return
		}
	}
	print := b.config.Fingerprint(in)
	b.reloader = &reloader{bridge: b, in: in, hangups: hangups, start: b.rules.Now(), now: b.config, read: b.config,
		seen: print, settled: print}
	b.reloader.since.Store(time.Now().Unix())
	b.registry.MustRegister(b.reloader)
}

// reload looks at the files of the rules until ctx ends.
func (b *Bridge) reload(ctx context.Context) {
	r := b.reloader
	if r == nil {
		return
	}
	tick := time.NewTicker(reloadEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			print := r.read.Fingerprint(r.in)
			if print == r.seen && print != r.settled {
				r.settle(print, false)
			}
			r.seen = print
		case <-r.hangups:
			r.seen = r.read.Fingerprint(r.in)
			r.settle(r.seen, true)
		case <-ctx.Done():
			return
		}
	}
}

// settle takes up what the files hold, or says once why not.
func (r *reloader) settle(print string, asked bool) {
	r.settled = print
	if err := r.takeUp(asked); err != nil {
		r.failed.Add(1)
		r.refused.Store(&status.Refused{Since: time.Now().UTC(), Reason: err.Error()})
		_, generation := r.bridge.rules.Current()
		r.bridge.log.Error("changed rules are not taken up; those of before stay in use", zap.Error(err),
			zap.Int("generation", generation), zap.String("config_hash", r.bridge.rules.Now().Hash()))
		return
	}
	r.taken.Add(1)
	r.refused.Store(nil)
	r.since.Store(time.Now().Unix())
}

// takeUp reads the files, and puts their rules in place of the current ones if nothing speaks against it.
func (r *reloader) takeUp(asked bool) error {
	c, tried, err := Load(r.in)
	r.read = c
	if err != nil {
		return err
	}
	if gone := r.now.Gone(&c); len(gone) > 0 && !asked {
		return fmt.Errorf("gone with rules that no other file has: %s: put it back, or confirm by SIGHUP or a restart",
			strings.Join(gone, ", "))
	}
	merged, others := r.bridge.config.WithRules(&c)
	r.warn(others)
	next, err := merged.Compile()
	if err != nil {
		return fmt.Errorf("with what the configuration had at the start, which only a restart changes: %w", err)
	}
	if err := r.lacks(next); err != nil {
		return err
	}
	if err := failing(tried, c.Files); err != nil { // not next, which would count the events of tests
		return err
	}
	r.exchange(merged, next)
	return nil
}

// warn names keys that have changed and that are not taken up, once.
func (r *reloader) warn(others []string) {
	keys := strings.Join(others, ", ")
	if keys != "" && keys != r.others {
		r.bridge.log.Warn("only rules are taken up while the bridge runs; what else has changed needs a restart",
			zap.String("keys", keys))
	}
	r.others = keys
}

// failing tells which tests of the rule files fail.
func failing(rules *mapping.Rules, files []config.RuleFile) error {
	var errs []error
	for _, f := range files {
		for _, t := range ruletest.Run(rules, f.Tests, filepath.Dir(f.Path)) {
			if len(t.Diffs) > 0 {
				errs = append(errs, fmt.Errorf("%s: the test %q fails: %s", t.Place, t.Name, t.Diffs[0]))
			}
		}
	}
	return errors.Join(errs...)
}

// lacks names what rules need and the stages were not set up for.
func (r *reloader) lacks(next *mapping.Rules) error {
	b := r.bridge
	var errs []error
	lack := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf(format+", which is set up at the start only: restart the bridge", args...))
	}
	if next.Once() && b.ledger == nil {
		lack("calls that may not be made twice need a send ledger")
	}
	if longest := b.config.LongestTimeout(next); b.ledger != nil && longest > b.config.LongestTimeout(r.start) {
		lack("a request that may take %s needs a send ledger that waits so long", longest)
	}
	known := r.start.ReplyTo()
	for _, name := range slices.Sorted(maps.Keys(next.ReplyTo())) {
		if _, ok := known[name]; !ok {
			lack("the rule %q needs the reply_to %s", next.ReplyTo()[name], name)
		}
	}
	proven := r.start.Uses()
	for _, use := range next.Uses() {
		if !slices.ContainsFunc(proven, func(u mapping.Use) bool {
			return u.Workspace == use.Workspace && u.API == use.API
		}) {
			lack("the rule %q needs the key for %s", use.Rule, use.API)
		}
	}
	return errors.Join(errs...)
}

// exchange puts rules in place of the current ones, and says what is new.
func (r *reloader) exchange(merged config.Config, next *mapping.Rules) {
	b := r.bridge
	before := b.rules.Now()
	for _, w := range next.Warnings() {
		b.log.Warn(w.Error())
	}
	changes := mapping.CompareIdentities(before, next)
	b.rules.Exchange(next)
	_, generation := b.rules.Current()
	b.log.Info("changed rules are taken up", zap.Int("generation", generation), zap.String("config_hash", next.Hash()),
		zap.String("before", before.Hash()), zap.Int("rules", len(next.Stats())))
	for _, change := range changes {
		b.log.Warn("calls get other identities: an event that is mapped again counts as another one",
			zap.String("rule", change.Rule), zap.String("call", change.Call), zap.String("why", change.Why))
	}
	r.now = merged
	if b.flowing.Load() {
		b.pipeline.RulesChanged(next.Hash())
	}
	b.Resume(nil, nil) // what has stopped was mended, or stops again
}

var reloadsDesc = prometheus.NewDesc("ciobridge_rules_reloads_total",
	"How often changed rules were taken up while the bridge ran, or refused.", []string{"result"}, nil)

var refusedDesc = prometheus.NewDesc("ciobridge_rules_reload_refused",
	"1 while the rule files hold what was refused, and the rules of before are in use.", nil, nil)

var sinceDesc = prometheus.NewDesc("ciobridge_rules_loaded_timestamp_seconds",
	"When the current rules were taken up.", nil, nil)

// Describe implements prometheus.Collector.
func (r *reloader) Describe(ch chan<- *prometheus.Desc) { prometheus.DescribeByCollect(r, ch) }

// Collect implements prometheus.Collector.
func (r *reloader) Collect(ch chan<- prometheus.Metric) {
	refused := 0.0
	if r.refused.Load() != nil {
		refused = 1
	}
	ch <- prometheus.MustNewConstMetric(reloadsDesc, prometheus.CounterValue, float64(r.taken.Load()), "taken_up")
	ch <- prometheus.MustNewConstMetric(reloadsDesc, prometheus.CounterValue, float64(r.failed.Load()), "refused")
	ch <- prometheus.MustNewConstMetric(refusedDesc, prometheus.GaugeValue, refused)
	ch <- prometheus.MustNewConstMetric(sinceDesc, prometheus.GaugeValue, float64(r.since.Load()))
}
