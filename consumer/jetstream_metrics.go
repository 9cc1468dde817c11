package consumer

import (
	"context"
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// streamMetricSet is what is measured of all streams.
type streamMetricSet struct {
	lag, active, oldest            *prometheus.GaugeVec
	lost, redelivered, acks, ended *prometheus.CounterVec
}

// streamMetrics is what is measured of one.
type streamMetrics struct {
	lag, active, oldest prometheus.Gauge
	lost, redelivered   prometheus.Counter
	acks, ended         *prometheus.CounterVec
}

func newStreamMetrics(reg prometheus.Registerer) *streamMetricSet {
	gauge := func(name, help string, labels ...string) *prometheus.GaugeVec {
		v := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, labels)
		reg.MustRegister(v)
		return v
	}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		v := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
		reg.MustRegister(v)
		return v
	}
	return &streamMetricSet{
		lag:         gauge("ciobridge_stream_lag", "Messages of the stream that are not acknowledged, read or not, as this reader last saw it.", "stream"),
		active:      gauge("ciobridge_stream_active", "1 while this replica reads the stream, else 0.", "stream"),
		oldest:      gauge("ciobridge_oldest_unfinished_seconds", "Age in hand of the oldest message that is not finished.", "topic", "partition"),
		lost:        counter("ciobridge_stream_lost_total", "Messages that the stream discarded before they were read.", "stream"),
		redelivered: counter("ciobridge_stream_redelivered_total", "Deliveries that were ignored because the message was in hand already.", "stream"),
		acks:        counter("ciobridge_stream_acks_total", "Acknowledgements of the floor, by whether the server confirmed them.", "stream", "result"),
		ended:       counter("ciobridge_stream_turns_total", "Turns of reading that ended, by reason.", "stream", "reason"),
	}
}

func (m *streamMetricSet) of(stream string) streamMetrics {
	label := prometheus.Labels{"stream": stream}
	return streamMetrics{
		lag:         m.lag.With(label),
		active:      m.active.With(label),
		oldest:      m.oldest.WithLabelValues(stream, "0"),
		lost:        m.lost.With(label),
		redelivered: m.redelivered.With(label),
		acks:        m.acks.MustCurryWith(label),
		ended:       m.ended.MustCurryWith(label),
	}
}

func (m *streamMetrics) is(state streamState) {
	if state == stateActive {
		m.active.Set(1)
	} else {
		m.active.Set(0)
	}
}

// idle is what is measured while the stream is not read here.
func (m *streamMetrics) idle() {
	m.lag.Set(0)
	m.oldest.Set(0)
}

func (m *streamMetrics) age(l *ledger, now time.Time) {
	if n, since := l.inHand(); n > 0 {
		m.oldest.Set(now.Sub(since).Seconds())
	} else {
		m.oldest.Set(0)
	}
}

func (m *streamMetrics) commits(err error) {
	if err != nil {
		m.acks.WithLabelValues("failed").Inc()
	} else {
		m.acks.WithLabelValues("confirmed").Inc()
	}
}

var turnReasons = []struct {
	err    error
	reason string
}{
	{context.Canceled, "stopped"}, {errPinLost, "pin_lost"}, {errDisconnected, "disconnected"}, {errUnproven, "unproven"},
	{errSilent, "silent"}, {errConsumerGone, "consumer_gone"}, {errMoved, "moved"}, {errOutOfTurn, "out_of_turn"},
	{errFloorWentBack, "floor_went_back"},
}

func (m *streamMetrics) sessions(why error) {
	reason := "failed"
	for _, t := range turnReasons {
		if errors.Is(why, t.err) {
			reason = t.reason
			break
		}
	}
	m.ended.WithLabelValues(reason).Inc()
}
