package report

import "github.com/prometheus/client_golang/prometheus"

// metrics are those of the reports that a Runner runs.
type metrics struct {
	rows     *prometheus.CounterVec
	runs     *prometheus.CounterVec
	finished *prometheus.GaugeVec
	took     *prometheus.GaugeVec
}

func newMetrics(reg prometheus.Registerer, entries []*entry) *metrics {
	labels := []string{"report", "workspace"}
	m := &metrics{
		rows: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "ciobridge_report_rows_total",
			Help: "Rows of reports, by result: published, unchanged, malformed or too_large. Those of an attempt " +
				"that failed are counted again by the next."}, append(labels, "result")),
		runs: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "ciobridge_report_runs_total",
			Help: "Attempts to run a report, by result: done, refused (it cannot succeed before it is changed) or " +
				"failed (it is tried again)."}, append(labels, "result")),
		finished: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "ciobridge_report_last_success_timestamp_seconds",
			Help: "When the last run of a report that succeeded has ended, in seconds since 1970; 0 before the first.",
		}, labels),
		took: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "ciobridge_report_last_run_seconds",
			Help: "How long the last run of a report took that succeeded."}, labels),
	}
	for _, e := range entries {
		for _, result := range []string{"published", "unchanged", "malformed", "too_large"} {
			m.rows.WithLabelValues(e.Config.Name, e.workspace, result)
		}
		for _, result := range []string{"done", "refused", "failed"} {
			m.runs.WithLabelValues(e.Config.Name, e.workspace, result)
		}
		m.finished.WithLabelValues(e.Config.Name, e.workspace)
	}
	if reg != nil {
		reg.MustRegister(m.rows, m.runs, m.finished, m.took)
	}
	return m
}

// count adds what has come since the counts before.
func (m *metrics) count(e *entry, before, now Counts) {
	for result, n := range map[string]int{
		"published": now.Published - before.Published, "unchanged": now.Unchanged - before.Unchanged,
		"malformed": now.Malformed - before.Malformed, "too_large": now.TooLarge - before.TooLarge,
	} {
		m.rows.WithLabelValues(e.Config.Name, e.workspace, result).Add(float64(n))
	}
}

// loaded shows the last success as the store has it. Of a run that was none, the one before is known by its time.
func (m *metrics) loaded(e *entry) {
	last := e.record.Last
	if !e.record.Open && e.record.Trouble == "" && !e.record.Ended.IsZero() {
		last = e.record.Ended
		m.took.WithLabelValues(e.Config.Name, e.workspace).Set(last.Sub(e.record.Begun).Seconds())
	}
	if !last.IsZero() {
		m.finished.WithLabelValues(e.Config.Name, e.workspace).Set(float64(last.Unix()))
	}
}

// ended counts an attempt.
func (m *metrics) ended(e *entry, rec record, err error) {
	result := "done"
	switch {
	case err != nil:
		result = "failed"
	case rec.Trouble != "":
		result = "refused"
	default:
		m.finished.WithLabelValues(e.Config.Name, e.workspace).Set(float64(rec.Ended.Unix()))
		m.took.WithLabelValues(e.Config.Name, e.workspace).Set(rec.Ended.Sub(rec.Begun).Seconds())
	}
	m.runs.WithLabelValues(e.Config.Name, e.workspace, result).Inc()
}
