package app

import (
	"fmt"
	"slices"

	"github.com/ciobridge/ciobridge/config"
	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/delivery"
	"github.com/ciobridge/ciobridge/internal/exit"
	"github.com/ciobridge/ciobridge/internal/memory"
	"github.com/ciobridge/ciobridge/landing"
	"github.com/ciobridge/ciobridge/pipeline"
	"github.com/ciobridge/ciobridge/requests"
)

// workspaces makes a client for each workspace of a configuration.
func workspaces(c config.Config) ([]delivery.Workspace, error) {
	var list []delivery.Workspace
	for _, w := range c.CustomerIO.All() {
		client, err := customerio.NewClient(w.Config, c.Delivery.Senders, nil)
		if err != nil {
			closeAll(list)
			return nil, exit.With(exit.Credentials, fmt.Errorf("%s: %w", w.Path(), err))
		}
		list = append(list, delivery.Workspace{Name: w.Name, Client: client, Config: w.Config})
	}
	return list, nil
}

func closeAll(workspaces []delivery.Workspace) {
	for _, w := range workspaces {
		w.Client.Close()
	}
}

// probes look at the activity log of each workspace that has an App key, by its number, where the configuration asks
// for it.
func (b *Bridge) probes() map[int]*landing.Probe {
	every := b.config.LandingProbe.Every
	if every == 0 {
		return nil
	}
	metrics, probes := landing.NewMetrics(b.registry), map[int]*landing.Probe{}
	for i, w := range b.workspaces {
		if slices.Contains(w.Config.Endpoints(), customerio.App) {
			probes[i] = landing.New(w.Client, w.Name, every, metrics, b.log.Named("landing"))
		}
	}
	return probes
}

// asked puts what rules say of requests of their own before a sender.
func (b *Bridge) asked(next pipeline.Sender) pipeline.Sender {
	var tell requests.Tell
	if len(b.rules.Now().ReplyTo()) > 0 {
		tell = b.broker.Tell
	}
	return requests.New(next, tell, b.log.Named("requests"))
}

// destinations says how requests to each endpoint of each workspace are filled. Calls of one segment share a request
// like those of a batch; everything else that is no batch is a request of its own.
func destinations(c pipeline.Config, workspaces []delivery.Workspace) []pipeline.Destination {
	list := make([]pipeline.Destination, customerio.EndpointsIn(len(workspaces)))
	for i, w := range workspaces {
		for _, endpoint := range w.Config.Endpoints() {
			d := pipeline.Destination{Senders: c.Senders, Calls: 1}
			switch endpoint {
			case customerio.Batch:
				d = c.Batch()
			case customerio.Single:
				d.Calls, d.Bytes = customerio.MaxSegmentIDs, customerio.MaxBatchBytes-customerio.BatchEnvelope
			}
			list[endpoint.In(i)] = d
		}
	}
	return list
}

// stages are those of a bridge that runs, with what is put around them.
func (b *Bridge) stages(c pipeline.Config, sender pipeline.Sender, limiter *memory.Limiter) pipeline.Stages {
	s := pipeline.Stages{Source: b.read(b.tracer.Source(b.source, false)), Mapper: b.tracer.Mapper(b.rules),
		Sender: sender, DeadLetters: b.deadLetters(),
		Destinations: destinations(c, b.workspaces), Memory: limiter, Recycle: b.rules.Recycle, Rules: b.rules.Policy}
	if b.outcomes != nil {
		b.sender.Number()
		s.Recorder = b.outcomes
	}
	return s
}
