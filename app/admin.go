package app

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/ciobridge/ciobridge/app/outcomes"
	"github.com/ciobridge/ciobridge/app/resume"
	"github.com/ciobridge/ciobridge/app/status"
	"github.com/ciobridge/ciobridge/delivery"
	"github.com/ciobridge/ciobridge/internal/exit"
)

// admin serves health, metrics and a status, and takes the order to resume from the machine itself. It shows nothing
// secret, and of the events only the types that no rule names and names of members that do not fit, so many and so
// long.
type admin struct {
	bridge   *Bridge
	listener net.Listener
	server   *http.Server
}

// newAdmin listens at once, so that a taken port is an error at the start.
func newAdmin(b *Bridge) (*admin, error) {
	a := &admin{bridge: b}
	if b.config.Admin.Listen == "" {
		return a, nil
	}
	var err error
	if a.listener, err = net.Listen("tcp", b.config.Admin.Listen); err != nil {
		return nil, fmt.Errorf("admin.listen: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", a.readyz)
	status.NewPage(b.Status, b.readableLetters).Handle(mux)
	mux.HandleFunc("GET "+outcomes.Path, b.outcomes.Handler(b.config.CustomerIO.Names(), b.rules.Generation))
	mux.HandleFunc("POST "+resume.Path, resume.Handler(b.checkNames, b.Resume))
	// Compressing a few kilobytes would take 1.1 MiB of memory at every scrape.
	mux.Handle("GET /metrics", promhttp.HandlerFor(b.registry, promhttp.HandlerOpts{DisableCompression: true}))
	a.server = &http.Server{
		Handler: mux, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10,
	}
	return a, nil
}

// readyz answers 200 when events can flow or are held by a destination's passing trouble, which the body then tells. It
// also tells of rules and topics that have stopped while others flow. Otherwise it answers 503 with every reason.
func (a *admin) readyz(w http.ResponseWriter, _ *http.Request) {
	if obstacles := a.bridge.obstacles(); len(obstacles) > 0 || !a.bridge.flowing.Load() {
		w.WriteHeader(http.StatusServiceUnavailable)
		for _, o := range obstacles {
			fmt.Fprintf(w, "not ready: %s\n", o.public())
		}
		return
	}
	reports := a.bridge.sender.Reports()
	s := delivery.Worst(reports)
	fmt.Fprintf(w, "ready\ndestination: %s\n", s.Condition)
	if s.Cause != "" {
		fmt.Fprintf(w, "trouble: %s\n", troubleIn(s))
	}
	if len(a.bridge.workspaces) > 1 {
		writeTroubles(w, reports)
	}
	stops, _ := a.bridge.stopped()
	for _, o := range append(stops, a.bridge.reportTroubles()...) {
		fmt.Fprintln(w, o.public())
	}
}

// writeTroubles tells of each workspace that does not do well how the worst of its endpoints does.
func writeTroubles(w io.Writer, reports []delivery.Report) {
	for len(reports) > 0 {
		name, n := reports[0].Workspace, 1
		for n < len(reports) && reports[n].Workspace == name {
			n++
		}
		s, held := delivery.Worst(reports[:n]), reports[0].Held
		reports = reports[n:]
		if s.Cause == "" {
			continue
		}
		if name == "" {
			name = "the first"
		}
		fmt.Fprintf(w, "workspace %s: %s, %s", name, s.Condition, troubleIn(s))
		if held {
			fmt.Fprint(w, "; it is not proven yet, and nothing is sent there")
		}
		fmt.Fprintln(w)
	}
}

func troubleIn(s delivery.State) string {
	return fmt.Sprintf("%s, status %d, %d failures since %s", s.Cause, s.Status, s.Failures,
		s.Since.UTC().Format(time.RFC3339))
}

// serve answers requests until close. It returns at once where there is nothing to serve.
func (a *admin) serve() error {
	if a.server == nil {
		return nil
	}
	if err := a.server.Serve(a.listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve health and metrics: %w", err)
	}
	return nil
}

func (a *admin) close() {
	if a.server != nil {
		a.server.Close()
	}
}

func (a *admin) addr() string {
	if a.listener == nil {
		return ""
	}
	return a.listener.Addr().String()
}

// Listen opens the addresses of the admin server and for webhooks, which Serve then serves. A bridge that was not asked
// to listen does so when it is served.
func (b *Bridge) Listen() (err error) {
	if b.admin, err = newAdmin(b); err != nil {
		return exit.With(exit.Input, err)
	}
	return b.listenForWebhooks()
}

// AdminAddress is where the admin server listens; empty where there is none.
func (b *Bridge) AdminAddress() string {
	if b.admin == nil {
		return ""
	}
	return b.admin.addr()
}
