package jetstream

import (
	"context"
	"errors"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ciobridge/ciobridge/consumer"
)

// metrics counts what happens on all partitions. When it is asked, it also describes those that are read here: their
// series are gone with the pin.
type metrics struct {
	source                                                *Source
	active                                                *prometheus.GaugeVec
	lost, deleted, recreated, redelivered, acks, sessions *prometheus.CounterVec
}

var streamLabels = []string{"stream", "partition"}

var lagDesc = prometheus.NewDesc("ciobridge_stream_lag",
	"Messages of the stream that are not acknowledged, handed over or not, "+
		"as of the last renewal of the right to read.", streamLabels, nil)

var missingDesc = prometheus.NewDesc("ciobridge_stream_missing",
	"1 for a stream that is to be read and does not exist, 0 for one that does.", streamLabels, nil)

func newMetrics(source *Source) *metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, append(labels, streamLabels...))
	}
	m := &metrics{
		source: source,
		active: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "ciobridge_stream_active",
			Help: "1 while this replica reads the stream, 0 while it stands by or cannot."}, streamLabels),
		lost: counter("ciobridge_stream_lost_total",
			"Messages that the stream discarded before they were finished, purged or too old or too many."),
		deleted: counter("ciobridge_stream_deleted_total",
			"Messages that were deleted behind the front of the stream, one by one or by subject, "+
				"before they were read."),
		recreated: counter("ciobridge_stream_made_again_total",
			"Times that the stream was found deleted and made again. "+
				"What the earlier one had unread is lost, and how much that was cannot be known."),
		redelivered: counter("ciobridge_stream_redelivered_total",
			"Deliveries that were dropped because the message was in hand or finished already."),
		acks: counter("ciobridge_stream_acks_total",
			"Acknowledgements of finished messages, by result; "+
				"failed counts too what could not be stored beside them.", "result"),
		sessions: counter("ciobridge_stream_turns_total", "Turns of reading that ended, by reason.", "reason"),
	}
	return m
}

func (m *metrics) register(reg prometheus.Registerer) {
	reg.MustRegister(m.active, m.lost, m.deleted, m.recreated, m.redelivered, m.acks, m.sessions, m)
}

// Describe implements prometheus.Collector.
func (m *metrics) Describe(ch chan<- *prometheus.Desc) {
	ch <- lagDesc
	ch <- missingDesc
	ch <- consumer.OldestUnfinishedDesc
}

// Collect implements prometheus.Collector.
func (m *metrics) Collect(ch chan<- prometheus.Metric) {
	for _, r := range m.source.readers {
		missing := 0.0
		if r.isMissing() {
			missing = 1
		}
		ch <- prometheus.MustNewConstMetric(missingDesc, prometheus.GaugeValue, missing, r.partition.stream,
			strconv.Itoa(int(r.partition.index)))
	}
	for _, p := range m.source.Partitions() {
		if p.Known {
			labels := []string{p.Topic, strconv.Itoa(int(p.Partition))}
			ch <- prometheus.MustNewConstMetric(lagDesc, prometheus.GaugeValue, float64(p.Lag), labels...)
			ch <- prometheus.MustNewConstMetric(consumer.OldestUnfinishedDesc, prometheus.GaugeValue,
				p.Oldest.Seconds(), labels...)
		}
	}
}

// partitionMetrics is what is counted of one partition.
type partitionMetrics struct {
	active                                prometheus.Gauge
	lost, deleted, recreated, redelivered prometheus.Counter
	acks, sessions                        *prometheus.CounterVec
}

func (m *metrics) forPartition(part partition) partitionMetrics {
	label := prometheus.Labels{"stream": part.stream, "partition": strconv.Itoa(int(part.index))}
	s := partitionMetrics{
		active:      m.active.With(label),
		lost:        m.lost.With(label),
		deleted:     m.deleted.With(label),
		recreated:   m.recreated.With(label),
		redelivered: m.redelivered.With(label),
		acks:        m.acks.MustCurryWith(label),
		sessions:    m.sessions.MustCurryWith(label),
	}
	for _, result := range []string{"ok", "failed"} {
		s.acks.WithLabelValues(result)
	}
	return s
}

func (m *partitionMetrics) setState(state state) {
	m.active.Set(0)
	if state == stateActive {
		m.active.Set(1)
	}
}

func (m *partitionMetrics) countAck(err error) {
	if err != nil {
		m.acks.WithLabelValues("failed").Inc()
		return
	}
	m.acks.WithLabelValues("ok").Inc()
}

var sessionReasons = []struct {
	err    error
	reason string
}{
	{context.Canceled, "stopped"},
	{errPinLost, "pin_lost"},
	{errDisconnected, "disconnected"},
	{errPinUnproven, "unproven"},
	{errSilent, "silent"},
	{errConsumerGone, "consumer_gone"},
	{errStreamRecreated, "made_again"},
	{errLeaderMoved, "moved"},
	{errOutOfOrder, "out_of_turn"},
	{errFenced, "fenced"},
	{errFloorWentBack, "floor_went_back"},
	{errReassigned, "handed_over"},
}

func (m *partitionMetrics) countSession(why error) {
	reason := "failed"
	for _, t := range sessionReasons {
		if errors.Is(why, t.err) {
			reason = t.reason
			break
		}
	}
	m.sessions.WithLabelValues(reason).Inc()
}
