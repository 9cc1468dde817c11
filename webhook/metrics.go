package webhook

import "github.com/prometheus/client_golang/prometheus"

// register makes the server's metrics.
func (s *Server) register(reg prometheus.Registerer) {
	s.results = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "ciobridge_webhooks_total",
		Help: "Requests to the endpoint of webhooks, by result: stored, repeated, unsigned, outdated, too_large, " +
			"broken, crowded or unavailable."}, []string{"result"})
	for _, r := range []result{stored, repeated, unsigned, outdated, tooLarge, broken, crowded, unavailable} {
		s.results.WithLabelValues(r.name)
	}
	s.took = prometheus.NewHistogram(prometheus.HistogramOpts{Name: "ciobridge_webhook_seconds",
		Help:    "How long it took to answer a webhook. Customer.io waits for 4 s.",
		Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2, 4}})
	reg.MustRegister(s.results, s.took)
}
