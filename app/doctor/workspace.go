package doctor

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/ciobridge/ciobridge/config"
	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/internal/exit"
	"github.com/ciobridge/ciobridge/mapping"
	"github.com/ciobridge/ciobridge/source"
)

// dated notes what the last answer says the time is.
type dated struct {
	http.RoundTripper
	mu   sync.Mutex
	skew time.Duration
	told bool
}

// RoundTrip implements http.RoundTripper.
func (d *dated) RoundTrip(r *http.Request) (*http.Response, error) {
	begun := time.Now()
	resp, err := d.RoundTripper.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if at, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		took := time.Since(begun)
		d.mu.Lock()
		defer d.mu.Unlock()
		// The header has whole seconds.
		d.skew, d.told = at.Add(500*time.Millisecond).Sub(begun.Add(took/2)), true
	}
	return resp, nil
}

// skewLimit is how far our clock may be from Customer.io's: what happened more than a few minutes in the future is
// taken for now, and an event of 72 hours ago starts nothing.
const skewLimit = 30 * time.Second

// workspaces asks Customer.io whether it takes the credentials, in which region the workspaces are, and what time it
// is.
func workspaces(ctx context.Context, c config.Config, rules *mapping.Rules, e *source.Examination) {
	for i, w := range c.CustomerIO.All() {
		what := "customer.io"
		if w.Name != "" {
			what += ", workspace " + w.Name
		}
		err := workspace(ctx, w.Config, rules, i, what, e)
		if err == nil {
			continue
		}
		e.Code = codeOf(err)
		do := "see that it can be reached from here, by its proxy if there is one"
		if e.Code != exit.CustomerIO {
			do = "nothing is sent until that is mended"
		}
		e.Fail(what, err.Error(), do)
	}
}

func workspace(ctx context.Context, w customerio.Config, rules *mapping.Rules, number int, what string,
	e *source.Examination) error {
	network, err := customerio.NewClient(w, 1, nil)
	if err != nil {
		return err
	}
	defer network.Close()
	clock := &dated{RoundTripper: network.Transport()}
	client, err := customerio.NewClient(w, 1, clock)
	if err != nil {
		return err
	}
	if err := client.Verify(ctx); err != nil {
		return err
	}
	e.OK(what, "takes the credentials, in region %s", w.Region)
	for _, use := range rules.Uses() {
		if use.Workspace != number {
			continue
		}
		if use.API == customerio.PipelinesAPI {
			err = client.Read(use.API)
		} else {
			err = client.VerifyApp(ctx)
		}
		if err != nil {
			return err
		}
		e.OK(what, "takes the key of the %s API", use.API)
	}
	switch skew := clock.skew.Round(time.Second); {
	case !clock.told:
	case skew.Abs() > skewLimit:
		e.Warn("clock of "+what, fmt.Sprintf("it differs from ours by %s", skew),
			"look at the time service of this machine: too_late, timestamps and the age of events go by its clock")
	default:
		e.OK("clock of "+what, "within %s of ours", skewLimit)
	}
	return nil
}

// codeOf is the exit code that the bridge would end with.
func codeOf(err error) int {
	switch {
	case errors.As(err, new(*customerio.RegionError)):
		return exit.Input
	case errors.As(err, new(*customerio.CredentialsError)):
		return exit.Credentials
	}
	return exit.CustomerIO
}
