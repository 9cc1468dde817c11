package kafka

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ciobridge/ciobridge/consumer"
)

// metrics counts what happens, and describes the partitions of the current generation when it is asked: their series
// are gone with them.
type metrics struct {
	source     *Source
	commits    *prometheus.CounterVec
	failures   *prometheus.CounterVec
	rebalances prometheus.Counter
	skipped    prometheus.Counter
	lost       prometheus.Counter
	joined     prometheus.Gauge
}

var (
	lagDesc = prometheus.NewDesc("kafka_consumer_lag",
		"Records between what is committed or about to be and the end of the partition's log.",
		consumer.PartitionLabels, nil)
	stoppedDesc = prometheus.NewDesc("ciobridge_kafka_partition_stopped",
		"1 for a partition that cannot be read on until an operator has set its offset.",
		append(consumer.PartitionLabels[:2:2], "reason"), nil)
	lostDesc = prometheus.NewDesc("ciobridge_kafka_partition_lost_records",
		"Records between the committed offset of a stopped partition and its log.",
		append(consumer.PartitionLabels[:2:2], "reason"), nil)
	missingDesc = prometheus.NewDesc("ciobridge_kafka_topic_missing",
		"1 for a topic that is to be read and does not exist, 0 for one that does.", []string{"topic"}, nil)
	bufferedDesc = prometheus.NewDesc("ciobridge_kafka_fetched_bytes",
		"Bytes that are fetched and not finished, as counted against fetch_bytes.", nil, nil)
)

func newMetrics(reg prometheus.Registerer, k *Source) *metrics {
	m := &metrics{
		source: k,
		commits: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "ciobridge_kafka_commits_total",
			Help: "Commits of offsets, by result."}, []string{"result"}),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "ciobridge_kafka_failures_total",
			Help: "Failed requests to Kafka and unusable answers, by reason. They are tried again."},
			[]string{"reason"}),
		rebalances: prometheus.NewCounter(prometheus.CounterOpts{Name: "ciobridge_kafka_rebalances_total",
			Help: "Generations of the consumer group that this replica has joined."}),
		skipped: prometheus.NewCounter(prometheus.CounterOpts{Name: "ciobridge_kafka_records_already_done_total",
			Help: "Records that were left out because they were done when reading began, by this replica or another."}),
		lost: prometheus.NewCounter(prometheus.CounterOpts{Name: "ciobridge_kafka_lost_records_total",
			Help: "Records that retention took before they were read, where reading went on behind them."}),
		joined: prometheus.NewGauge(prometheus.GaugeOpts{Name: "ciobridge_kafka_joined",
			Help: "1 while this replica is a member of the consumer group."}),
	}
	for _, result := range []string{"ok", "failed"} {
		m.commits.WithLabelValues(result)
	}
	for _, reason := range []string{reasonAuth, reasonTLS, reasonConnection, reasonBroker, reasonCorrupt} {
		m.failures.WithLabelValues(reason)
	}
	reg.MustRegister(m.commits, m.failures, m.rebalances, m.skipped, m.lost, m.joined, m)
	return m
}

func (m *metrics) countFailure(reason string) { m.failures.WithLabelValues(reason).Inc() }

func (m *metrics) countCommit(err error) {
	if err != nil {
		m.commits.WithLabelValues("failed").Inc()
		return
	}
	m.commits.WithLabelValues("ok").Inc()
}

// Describe implements prometheus.Collector.
func (m *metrics) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{lagDesc, consumer.OldestUnfinishedDesc, stoppedDesc, lostDesc, missingDesc,
		bufferedDesc} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (m *metrics) Collect(ch chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	for _, topic := range m.source.config.Topics {
		missing := 0.0
		if m.source.isMissing(topic) {
			missing = 1
		}
		gauge(missingDesc, missing, topic)
	}
	g := m.source.generation.Load()
	if g == nil {
		return
	}
	gauge(bufferedDesc, float64(g.memory.Reserved()))
	for _, p := range g.partitions {
		p.mu.Lock()
		halt := p.halt
		p.mu.Unlock()
		if halt != nil {
			topic, id := p.key.topic, strconv.Itoa(int(p.key.id))
			gauge(stoppedDesc, 1, topic, id, halt.reason)
			gauge(lostDesc, float64(halt.lost), topic, id, halt.reason)
		}
	}
	for _, p := range m.source.Partitions() {
		if p.Known {
			topic, id := p.Topic, strconv.Itoa(int(p.Partition))
			gauge(lagDesc, float64(p.Lag), topic, id)
			gauge(consumer.OldestUnfinishedDesc, p.Oldest.Seconds(), topic, id)
		}
	}
}
