package delivery

import (
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/ciobridge/ciobridge/customerio"
)

// The classes of answers by which requests are counted.
var classes = [...]string{"none", "1xx", "2xx", "3xx", "4xx", "5xx", "429"}

// metrics are those of all destinations.
type metrics struct {
	made     atomic.Int64 // requests
	calls    prometheus.Histogram
	bytes    prometheus.Histogram
	failures map[customerio.Cause]prometheus.Counter
	unplaced prometheus.Counter

	factory  promauto.Factory
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
	state    *prometheus.GaugeVec
}

func newMetrics(reg prometheus.Registerer) *metrics {
	f := promauto.With(reg)
	failures := f.NewCounterVec(prometheus.CounterOpts{
		Name: "ciobridge_request_failures_total", Help: "Requests that have to be made again, by what was wrong.",
	}, []string{"trouble"})
	m := &metrics{
		factory: f,
		calls: f.NewHistogram(prometheus.HistogramOpts{
			Name: "ciobridge_batch_calls", Help: "Calls in a batch.",
			Buckets: []float64{1, 2, 5, 10, 25, 50, 100, 250, 500, 1000},
		}),
		bytes: f.NewHistogram(prometheus.HistogramOpts{
			Name: "ciobridge_batch_bytes", Help: "Bytes of a batch's body.",
			Buckets: []float64{1e3, 5e3, 1e4, 25e3, 5e4, 1e5, 2e5, 3e5, 4e5, 5e5},
		}),
		failures: map[customerio.Cause]prometheus.Counter{},
		unplaced: f.NewCounter(prometheus.CounterOpts{
			Name: "ciobridge_unplaced_refusals_total",
			Help: "Refusals by Customer.io of calls that the request did not have. " +
				"The calls that no refusal names count as accepted.",
		}),
		requests: f.NewCounterVec(prometheus.CounterOpts{
			Name: "ciobridge_requests_total",
			Help: "Requests to Customer.io by workspace, endpoint and class of the answer; none is no answer.",
		}, []string{"workspace", "endpoint", "class"}),
		duration: f.NewHistogramVec(prometheus.HistogramOpts{
			Name: "ciobridge_request_duration_seconds", Help: "Time from sending a request to the last byte of " +
				"the answer.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"workspace", "endpoint"}),
		state: f.NewGaugeVec(prometheus.GaugeOpts{
			Name: "ciobridge_destination_state",
			Help: "1 for the condition in which an endpoint of a workspace is, as far as the last requests tell: " +
				"ok, backing_off or halted.",
		}, []string{"workspace", "endpoint", "state", "trouble"}),
	}
	for _, cause := range customerio.Causes() {
		m.failures[cause] = failures.WithLabelValues(string(cause))
	}
	return m
}

// destinationMetrics are those of one destination.
type destinationMetrics struct {
	all      *metrics
	requests [len(classes)]prometheus.Counter
	duration prometheus.Observer
	state    *prometheus.GaugeVec
}

// of makes the metrics of a destination. Rate tells how many requests a second it may make.
func (m *metrics) of(workspace string, endpoint customerio.Endpoint, rate func() float64) *destinationMetrics {
	labels := prometheus.Labels{"workspace": workspace, "endpoint": endpoint.String()}
	d := &destinationMetrics{
		all: m, duration: m.duration.With(labels), state: m.state.MustCurryWith(labels),
	}
	m.factory.NewGaugeFunc(prometheus.GaugeOpts{
		Name:        "ciobridge_request_rate_limit",
		Help:        "Requests a second that this replica allows itself now; endpoints of one budget share it.",
		ConstLabels: labels,
	}, rate)
	for i, class := range classes {
		d.requests[i] = m.requests.WithLabelValues(workspace, endpoint.String(), class)
	}
	d.state.WithLabelValues(string(OK), "").Set(1)
	for _, cause := range customerio.Causes() {
		d.state.WithLabelValues(string(conditionOf(cause)), string(cause))
	}
	return d
}

// request counts one exchange.
func (d *destinationMetrics) request(status int, took time.Duration) {
	class := min(status/100, 5)
	if status == 429 {
		class = len(classes) - 1
	}
	d.requests[class].Inc()
	d.duration.Observe(took.Seconds())
}

// stateChanged moves the state's 1 from one series to another.
func (d *destinationMetrics) stateChanged(before, after State) {
	d.state.WithLabelValues(string(before.Condition), string(before.Cause)).Set(0)
	d.state.WithLabelValues(string(after.Condition), string(after.Cause)).Set(1)
}

func conditionOf(cause customerio.Cause) Condition {
	if cause.Halts() {
		return Halted
	}
	return BackingOff
}
