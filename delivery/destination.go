package delivery

import (
	"time"

	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/customerio"
)

// Workspace is one that takes calls. Its place in the list that New gets is its number in event.Destination.
type Workspace struct {
	Name   string // as metrics and log lines give it; empty for the only one
	Client *customerio.Client
	Config customerio.Config
}

// destination is an endpoint of a workspace. It has a circuit breaker of its own; the rate limiter is shared by all
// that have one budget.
type destination struct {
	workspace string
	endpoint  customerio.Endpoint
	client    *customerio.Client
	breaker   *breaker
	metrics   *destinationMetrics
}

// destinations makes those of the workspaces, by number. One whose credentials are not given is nil.
func (s *Sender) destinations(workspaces []Workspace) []*destination {
	list := make([]*destination, customerio.EndpointsIn(len(workspaces)))
	for i, w := range workspaces {
		limiters := map[customerio.Budget]*rateLimiter{}
		for _, endpoint := range w.Config.Endpoints() {
			limiter := limiters[endpoint.Budget()]
			if limiter == nil {
				pace := w.Config.Pace(endpoint)
				limiter = newRateLimiter(float64(pace.Requests) * float64(time.Second) / float64(pace.Per))
				limiters[endpoint.Budget()] = limiter
				s.limiters = append(s.limiters, limiter)
			}
			d := &destination{workspace: w.Name, endpoint: endpoint, client: w.Client}
			log := s.log
			if endpoint != customerio.Batch {
				log = log.With(zap.Stringer("endpoint", endpoint))
			}
			if w.Name != "" {
				log = log.With(zap.String("workspace", w.Name))
			}
			logger := &stateLogger{log: log}
			d.breaker = newBreaker(limiter, func() bool { return w.Client.NewCredentials(endpoint) }, logger)
			d.metrics = s.metrics.of(w.Name, endpoint, limiter.allowed)
			logger.metrics = d.metrics
			list[endpoint.In(i)] = d
		}
	}
	return list
}

// report says how the destination is doing.
func (d *destination) report() Report {
	d.breaker.mu.Lock()
	defer d.breaker.mu.Unlock()
	return Report{Workspace: d.workspace, Endpoint: d.endpoint, URL: d.client.Root(d.endpoint.API()),
		State: d.breaker.state, Held: d.breaker.held, Accepted: d.breaker.accepted}
}
