package ledger

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

type metrics struct {
	known     prometheus.Counter
	uncertain prometheus.Counter
}

func newMetrics(reg prometheus.Registerer, ready func() error) *metrics {
	f := promauto.With(reg)
	f.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "ciobridge_ledger_up",
		Help: "1 while the send ledger can be used; while it cannot, calls that may not be sent twice wait.",
	}, func() float64 {
		if ready() != nil {
			return 0
		}
		return 1
	})
	return &metrics{
		known: f.NewCounter(prometheus.CounterOpts{
			Name: "ciobridge_ledger_known_total",
			Help: "Calls that were not sent again, because the send ledger has it that they were.",
		}),
		uncertain: f.NewCounter(prometheus.CounterOpts{
			Name: "ciobridge_ledger_uncertain_total",
			Help: "Calls of which nobody knows whether they were sent; they are dead letters.",
		}),
	}
}
