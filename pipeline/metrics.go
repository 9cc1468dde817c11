package pipeline

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/ciobridge/ciobridge/event"
)

// metrics holds what the pipeline counts. Stats and the metrics of the registry are read from it.
type metrics struct {
	delivered, deadLettered, skipped atomic.Int64 // messages
	callsDelivered, callsRefused     atomic.Int64
	retries                          atomic.Int64
	letters                          map[event.Reason]*atomic.Int64
	lettersDown, stopped             atomic.Bool

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
	m := &metrics{
		letters: map[event.Reason]*atomic.Int64{}, actions: map[string]*[3]prometheus.Counter{},
		calls: f.NewCounterVec(prometheus.CounterOpts{
			Name: "ciobridge_calls_total", Help: "Calls settled, by action and outcome.",
		}, []string{"action", "outcome"}),
	}
	counter := func(name, help string, labels prometheus.Labels, of *atomic.Int64) {
		opts := prometheus.CounterOpts{Name: name, Help: help, ConstLabels: labels}
		f.NewCounterFunc(opts, func() float64 { return float64(of.Load()) })
	}
	gauge := func(name, help string, of func() float64) {
		f.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, of)
	}
	for outcome, of := range map[string]*atomic.Int64{
		"delivered": &m.delivered, "dead_lettered": &m.deadLettered, "skipped": &m.skipped,
	} {
		counter("ciobridge_messages_total",
			"Messages that are done, by what became of them; one with any dead letter counts as dead_lettered.",
			prometheus.Labels{"outcome": outcome}, of)
	}
	for _, r := range event.Reasons() {
		m.letters[r] = &atomic.Int64{}
		counter("ciobridge_dead_letters_total", "Dead letters stored, by reason.",
			prometheus.Labels{"reason": string(r)}, m.letters[r])
	}
	counter("ciobridge_call_retries_total", "Attempts after which a call stayed open.", nil, &m.retries)
	gauge("ciobridge_dead_letters_down", "1 while dead letters cannot be stored and the source waits.",
		func() float64 { return boolValue(m.lettersDown.Load()) })
	gauge("ciobridge_flow_stopped", "1 while a rule or a topic has stopped; ciobridge_stopped says which.",
		func() float64 { return boolValue(m.stopped.Load()) })
	reg.MustRegister(stopsCollector{p})
	gauge("ciobridge_memory_reserved_bytes", "Bytes reserved for messages and calls in hand.",
		func() float64 { return float64(p.reserved()) })
	gauge("ciobridge_lanes", "Lanes that hold something: identifiers with an open call.",
		func() float64 { return float64(p.openLanes()) })
	return m
}

// stopsCollector tells what has stopped. What goes on again has no series any more.
type stopsCollector struct{ p *Pipeline }

var stoppedDesc = prometheus.NewDesc("ciobridge_stopped",
	"Always 1: a rule whose events are held, or a topic that is not read on, and why: failing (most of what the rule "+
		"makes fails, or most of the topic's events cannot be read) or new_people.",
	[]string{"rule", "topic", "owner", "cause"}, nil)

// Describe implements prometheus.Collector.
func (stopsCollector) Describe(ch chan<- *prometheus.Desc) { ch <- stoppedDesc }

// Collect implements prometheus.Collector.
func (c stopsCollector) Collect(ch chan<- prometheus.Metric) {
	for _, s := range c.p.Stops() {
		ch <- prometheus.MustNewConstMetric(stoppedDesc, prometheus.GaugeValue, 1, s.Rule, s.Topic, s.Owner,
			string(s.Cause))
	}
}

// reserved is how many bytes are reserved for the messages in flight.
func (p *Pipeline) reserved() int64 {
	return p.memory.Mapped()
}

// openLanes is how many lanes hold something, or remember a message of which the source is to be told.
func (p *Pipeline) openLanes() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := p.lanes.Len()
	for _, key := range p.order.Remembered() {
		if !p.lanes.Has(key) {
			n++
		}
	}
	return n
}

func boolValue(b bool) float64 {
	if b {
		return 1
	}
	return 0
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
	if m.run.result == event.Delivered {
		m.callsDelivered.Add(int64(m.run.n))
	} else {
		m.callsRefused.Add(int64(m.run.n))
	}
	m.run.n = 0
}
