package erasure

import (
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"go.uber.org/zap"
)

// metrics holds what a Sender counts.
type metrics struct {
	erased, early, late, blind atomic.Int64

	mu  sync.Mutex
	out bool // the last write failed, and that was logged
}

func newMetrics(reg prometheus.Registerer, f *Fences) *metrics {
	m := &metrics{}
	with := promauto.With(reg)
	counter := func(name, help string, labels prometheus.Labels, of *atomic.Int64) {
		opts := prometheus.CounterOpts{Name: name, Help: help, ConstLabels: labels}
		with.NewCounterFunc(opts, func() float64 { return float64(of.Load()) })
	}
	counter("ciobridge_erasures_total", "Deletes and suppressions with a fence that Customer.io has accepted.", nil,
		&m.erased)
	held := "Calls that were not sent because their person was erased: their event is earlier than the erasure, or " +
		"later without a rule that revives."
	counter("ciobridge_erasure_withheld_total", held, prometheus.Labels{"event": "earlier"}, &m.early)
	counter("ciobridge_erasure_withheld_total", held, prometheus.Labels{"event": "later"}, &m.late)
	counter("ciobridge_erasure_blind_total", "Requests that waited because the fences could not be read.", nil,
		&m.blind)
	with.NewGaugeFunc(prometheus.GaugeOpts{Name: "ciobridge_erasure_fences",
		Help: "Identifiers of persons that have an erasure fence."}, func() float64 { return float64(f.Len()) })
	with.NewGaugeFunc(prometheus.GaugeOpts{Name: "ciobridge_erasure_behind_seconds",
		Help: "For how long the erasure fences have not been read; over 5 nothing is sent."},
		func() float64 { return f.Behind().Seconds() })
	return m
}

// failed logs the first of the failures in a row.
func (m *metrics) failed(log *zap.Logger, message string, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.out {
		log.Warn(message, zap.Error(err))
	}
	m.out = true
}

func (m *metrics) worked() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.out = false
}
