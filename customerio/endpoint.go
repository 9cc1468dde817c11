package customerio

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// API is one of the HTTP APIs of Customer.io. Each has hosts and credentials of its own.
type API uint8

const (
	// TrackAPI takes what persons do and what is true of them. A site id and a Track API key open it.
	TrackAPI API = iota
	// AppAPI reads what a workspace holds, sends transactional messages and triggers broadcasts. An App API key opens
	// it.
	AppAPI
	// PipelinesAPI takes calls in the form of Segment. A write key opens it.
	PipelinesAPI
	// BetaAPI is the older form of App, with the same key.
	BetaAPI

	apis = int(BetaAPI) + 1
)

var apiNames = [apis]string{TrackAPI: "track", AppAPI: "app", PipelinesAPI: "pipelines", BetaAPI: "beta"}

// String is the name by which rules and commands ask for the API.
func (a API) String() string { return apiNames[a] }

// APINames lists the names of all APIs.
func APINames() []string { return apiNames[:] }

// ParseAPI finds the API of a name.
func ParseAPI(name string) (api API, found bool) {
	for i, known := range apiNames {
		if known == name {
			return API(i), true
		}
	}
	return 0, false
}

// Region says in which of Customer.io's data centres a workspace lives. Data of an EU workspace that is sent to the US
// host passes through the US; data of a US workspace that is sent to the EU host is refused.
type Region string

// The regions of Customer.io.
const (
	US Region = "us"
	EU Region = "eu"
)

var hosts = map[Region][apis]string{
	US: {
		TrackAPI: "https://track.customer.io", AppAPI: "https://api.customer.io",
		PipelinesAPI: "https://cdp.customer.io", BetaAPI: "https://beta-api.customer.io",
	},
	EU: {
		TrackAPI: "https://track-eu.customer.io", AppAPI: "https://api-eu.customer.io",
		PipelinesAPI: "https://cdp-eu.customer.io", BetaAPI: "https://beta-api-eu.customer.io",
	},
}

// URL is the root of one of the region's APIs; empty for anything but us and eu.
func (r Region) URL(api API) string { return hosts[r][api] }

// Endpoint is a class of places to which requests go. Each has a pace of its own, and the same status means different
// things at each.
type Endpoint uint8

const (
	// Batch is Track v2's batch: one path for everything, so a refused path says nothing about the calls.
	Batch Endpoint = iota
	// Single is any endpoint of Track that takes one call and may name it in its path.
	Single
	// App is any endpoint of the App API that is not one of the next two.
	App
	// Broadcast triggers a broadcast, over App.
	Broadcast
	// Transactional sends a message to one person, over App.
	Transactional
	// Pipelines is any endpoint of the Pipelines API.
	Pipelines
	// Beta is any endpoint of the Beta API.
	Beta

	endpoints = int(Beta) + 1
)

var endpointRows = [endpoints]struct {
	name string
	api  API
}{
	Batch: {"batch", TrackAPI}, Single: {"single", TrackAPI}, App: {"app", AppAPI},
	Broadcast: {"broadcast", AppAPI}, Transactional: {"transactional", AppAPI}, Pipelines: {"pipelines", PipelinesAPI},
	Beta: {"beta", BetaAPI},
}

// Endpoints lists the classes.
func Endpoints() []Endpoint {
	return []Endpoint{Batch, Single, App, Broadcast, Transactional, Pipelines, Beta}
}

// In numbers the endpoints of all workspaces, which are numbered themselves. Zero is Batch of the first.
func (e Endpoint) In(workspace int) uint16 { return uint16(workspace*endpoints) + uint16(e) }

// EndpointsIn is how many endpoints so many workspaces have.
func EndpointsIn(workspaces int) int { return workspaces * endpoints }

// String is the endpoint's name as a metric's label.
func (e Endpoint) String() string { return endpointRows[e].name }

// API is the API to which the endpoint belongs.
func (e Endpoint) API() API { return endpointRows[e].api }

// EndpointOf gives the class of a request, whose path has the API's prefix. It is never Batch, whose bodies only
// BatchBody writes.
func EndpointOf(api API, method, path string) Endpoint {
	path, _, _ = strings.Cut(path, "?")
	switch api {
	case AppAPI:
		if method == http.MethodPost {
			return postOfApp(strings.Split(path, "/"))
		}
		return App
	case PipelinesAPI:
		return Pipelines
	case BetaAPI:
		return Beta
	}
	return Single
}

// postOfApp knows /v1/send/{channel} and /v1/campaigns/{id}/triggers by their segments, of which the first is empty.
func postOfApp(segments []string) Endpoint {
	switch {
	case len(segments) == 4 && segments[2] == "send":
		return Transactional
	case len(segments) == 5 && segments[2] == "campaigns" && segments[4] == "triggers":
		return Broadcast
	}
	return App
}

// Endpoints are the classes whose credentials are given.
func (c Config) Endpoints() []Endpoint {
	return slices.DeleteFunc(Endpoints(), func(e Endpoint) bool { return c.Lacks(e.API()) != "" })
}

// Pace is how often requests may be made: so many in so long a time.
type Pace struct {
	Requests int
	Per      time.Duration
}

// Budget is what endpoints that are paced together share. Batch and Single are one API with one budget, and so are App
// and Beta.
type Budget Endpoint

// Budget is that of which requests to the endpoint take.
func (e Endpoint) Budget() Budget {
	switch e {
	case Single:
		return Budget(Batch)
	case Beta:
		return Budget(App)
	}
	return Budget(e)
}

// Pace is how often a workspace may be asked at an endpoint, and at all that share its budget.
func (c Config) Pace(e Endpoint) Pace {
	switch e {
	case App, Beta:
		return Pace{c.AppRequestsPerSecond, time.Second}
	case Broadcast:
		return Pace{1, c.BroadcastInterval}
	case Transactional:
		return Pace{c.TransactionalRequestsPerSecond, time.Second}
	case Pipelines:
		return Pace{c.PipelinesRequestsPerSecond, time.Second}
	}
	return Pace{c.RequestsPerSecond, time.Second}
}
