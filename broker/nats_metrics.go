package broker

import (
	"errors"
	"sync"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"
)

var (
	natsConnectedDesc = prometheus.NewDesc("ciobridge_nats_connected",
		"1 while the connection to NATS stands, else 0.", nil, nil)
	natsDisconnectsDesc = prometheus.NewDesc("ciobridge_nats_disconnects_total",
		"How often the connection to NATS broke.", nil, nil)
	natsErrorsDesc = prometheus.NewDesc("ciobridge_nats_errors_total",
		"Asynchronous errors of the NATS connection: auth, tls, permission, slow_consumer, connect or other.",
		[]string{"kind"}, nil)
)

// natsEvents counts what happens to a connection.
type natsEvents struct {
	mu          sync.Mutex
	disconnects uint64
	errors      map[string]uint64
	logged      map[string]bool // kinds of errors logged since the last connection stood
	lastErr     error
}

func (e *natsEvents) recordDisconnect() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.disconnects++
}

func (e *natsEvents) recordReconnect() {
	e.mu.Lock()
	defer e.mu.Unlock()
	clear(e.logged)
}

func (e *natsEvents) recordError(err error) (kind string, first bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.errors == nil {
		e.errors, e.logged = map[string]uint64{}, map[string]bool{}
	}
	kind = natsErrorKind(err)
	e.errors[kind]++
	first, e.logged[kind], e.lastErr = !e.logged[kind], true, err
	return kind, first
}

func (e *natsEvents) lastError() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.lastErr
}

func natsErrorKind(err error) string {
	switch {
	case errors.Is(err, nats.ErrAuthorization), errors.Is(err, nats.ErrAuthExpired),
		errors.Is(err, nats.ErrAuthRevoked), errors.Is(err, nats.ErrAccountAuthExpired):
		return "auth"
	case Untrusted(err):
		return "tls"
	case errors.Is(err, nats.ErrPermissionViolation):
		return "permission"
	case errors.Is(err, nats.ErrSlowConsumer):
		return "slow_consumer"
	case errors.Is(err, nats.ErrNoServers), errors.Is(err, nats.ErrTimeout):
		return "connect"
	}
	return "other"
}

// Describe implements prometheus.Collector.
func (n *NATS) Describe(ch chan<- *prometheus.Desc) {
	ch <- natsConnectedDesc
	ch <- natsDisconnectsDesc
	ch <- natsErrorsDesc
}

// Collect implements prometheus.Collector.
func (n *NATS) Collect(ch chan<- prometheus.Metric) {
	connected := 0.0
	if n.conn.IsConnected() {
		connected = 1
	}
	ch <- prometheus.MustNewConstMetric(natsConnectedDesc, prometheus.GaugeValue, connected)
	n.events.mu.Lock()
	defer n.events.mu.Unlock()
	ch <- prometheus.MustNewConstMetric(natsDisconnectsDesc, prometheus.CounterValue, float64(n.events.disconnects))
	for kind, count := range n.events.errors {
		ch <- prometheus.MustNewConstMetric(natsErrorsDesc, prometheus.CounterValue, float64(count), kind)
	}
}
