package pipeline

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/ciobridge/ciobridge/event"
)

// metrics holds the pipeline's counters, resolved once.
type metrics struct {
	delivered, deadLettered, skipped prometheus.Counter
	retries                          prometheus.Counter
	letters                          map[event.Reason]prometheus.Counter
	lettersDown, stopped             prometheus.Gauge

	calls   *prometheus.CounterVec
	actions map[string]*[3]prometheus.Counter
	run     struct { // calls of one kind in a row that are not added yet
		action string
		result event.Result
		n      int
	}
}

func newMetrics(reg prometheus.Registerer, p *Pipeline) *metrics {
	f := promauto.With(reg)
	messages := f.NewCounterVec(prometheus.CounterOpts{
		Name: "ciobridge_messages_total",
		Help: "Messages that are done, by what became of them; one with any dead letter counts as dead_lettered.",
	}, []string{"outcome"})
	letters := f.NewCounterVec(prometheus.CounterOpts{
		Name: "ciobridge_dead_letters_total", Help: "Dead letters stored, by reason.",
	}, []string{"reason"})
	m := &metrics{
		delivered: messages.WithLabelValues("delivered"), deadLettered: messages.WithLabelValues("dead_lettered"),
		skipped: messages.WithLabelValues("skipped"),
		retries: f.NewCounter(prometheus.CounterOpts{
			Name: "ciobridge_call_retries_total", Help: "Attempts after which a call stayed open.",
		}),
		letters: map[event.Reason]prometheus.Counter{},
		lettersDown: f.NewGauge(prometheus.GaugeOpts{
			Name: "ciobridge_dead_letters_down", Help: "1 while dead letters cannot be stored and the source waits.",
		}),
		stopped: f.NewGauge(prometheus.GaugeOpts{
			Name: "ciobridge_flow_stopped", Help: "1 once the flow has stopped because most of a rule's events failed.",
		}),
		calls: f.NewCounterVec(prometheus.CounterOpts{
			Name: "ciobridge_calls_total", Help: "Calls settled, by action and outcome.",
		}, []string{"action", "outcome"}),
		actions: map[string]*[3]prometheus.Counter{},
	}
	for _, r := range event.Reasons() {
		m.letters[r] = letters.WithLabelValues(string(r))
	}
	f.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "ciobridge_memory_reserved_bytes", Help: "Bytes reserved for messages and calls in hand.",
	}, func() float64 {
		p.intake.mu.Lock()
		defer p.intake.mu.Unlock()
		return float64(p.intake.budget.used)
	})
	f.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "ciobridge_lanes", Help: "Lanes that hold something: identifiers with an open call.",
	}, func() float64 {
		p.mu.Lock()
		defer p.mu.Unlock()
		return float64(p.lanes.open)
	})
	return m
}

// call counts a settled call, until flush for those of one kind in a row. The caller holds the pipeline's lock.
func (m *metrics) call(s *event.Step, v event.Result) {
	if s.Action != m.run.action || v != m.run.result {
		m.flush()
		m.run.action, m.run.result = s.Action, v
	}
	m.run.n++
}

// flush adds what call has counted. Actions are a closed set, and so are the labels.
func (m *metrics) flush() {
	if m.run.n == 0 {
		return
	}
	c := m.actions[m.run.action]
	if c == nil {
		c = &[3]prometheus.Counter{
			event.Delivered: m.calls.WithLabelValues(m.run.action, "delivered"),
			event.Refused:   m.calls.WithLabelValues(m.run.action, "refused"),
		}
		m.actions[m.run.action] = c
	}
	c[m.run.result].Add(float64(m.run.n))
	m.run.n = 0
}
