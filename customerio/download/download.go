package download

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/ciobridge/ciobridge/customerio"
)

// An Error says why a file cannot be fetched. It never has the address, in which there is a signature.
type Error struct {
	Status int   // of the answer; 0 where none came
	Err    error // what went wrong; nil where the status tells
}

// Error says what came instead of the file.
func (e *Error) Error() string {
	if e.Err != nil {
		return "download the file: " + e.Err.Error()
	}
	return fmt.Sprintf("download the file: answer %d", e.Status)
}

// Unwrap gives what went wrong.
func (e *Error) Unwrap() error { return e.Err }

// Unfit reports whether no other address will do as long as Customer.io gives such ones.
func (e *Error) Unfit() bool { return errors.Is(e.Err, errPlain) }

// maxRedirects is how many redirects of a download are followed.
const maxRedirects = 3

var (
	errPlain  = errors.New("its address is not https, so that others could read it on the way")
	errLoop   = errors.New("it was redirected too often")
	errSilent = errors.New("no bytes came in time")
)

// Fetch fetches a file from an address that Customer.io has given to a client, over the client's own way into the
// network. The address must be https, unless App itself is asked over plain http: then that host and loopback addresses
// will do. No time limits the whole file: each piece of it, and the answer's header, must come within 30 s. What went
// wrong is an *Error.
func Fetch(ctx context.Context, c *customerio.Client, address string) (io.ReadCloser, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	d := &file{cancel: cancel}
	d.watch = time.AfterFunc(silence, func() { cancel(errSilent) })
	fail := func(status int, err error) (io.ReadCloser, error) {
		d.watch.Stop()
		cancel(nil)
		return nil, &Error{Status: status, Err: err}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil || !allowed(c, req.URL) {
		return fail(0, errPlain)
	}
	client := http.Client{Transport: c.Transport(), CheckRedirect: func(next *http.Request, via []*http.Request) error {
		switch {
		case len(via) > maxRedirects:
			return errLoop
		case !allowed(c, next.URL):
			return errPlain
		}
		return nil
	}}
	resp, err := client.Do(req)
	if err != nil {
		return fail(0, d.reason(ctx, err))
	}
	if resp.StatusCode != http.StatusOK {
		resp.Body.Close()
		return fail(resp.StatusCode, nil)
	}
	d.watch.Stop()
	d.ctx, d.body = ctx, resp.Body
	return d, nil
}

// allowed reports whether a file may be fetched from an address.
func allowed(c *customerio.Client, u *url.URL) bool {
	if u.Scheme == "https" {
		return u.Host != ""
	}
	own, err := url.Parse(c.Root(customerio.AppAPI))
	if err != nil || own.Scheme != "http" || u.Scheme != "http" {
		return false
	}
	addr, err := netip.ParseAddr(u.Hostname())
	return u.Hostname() == own.Hostname() || u.Hostname() == "localhost" || err == nil && addr.IsLoopback()
}

// silence is how long a host of files may send nothing.
const silence = 30 * time.Second

// file is the body of a file. While nobody reads it no time runs.
type file struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
	watch  *time.Timer
	body   io.ReadCloser
}

// Read waits for the next piece.
func (d *file) Read(p []byte) (int, error) {
	d.watch.Reset(silence)
	n, err := d.body.Read(p)
	d.watch.Stop()
	if err != nil && !errors.Is(err, io.EOF) {
		err = &Error{Err: d.reason(d.ctx, err)}
	}
	return n, err
}

// Close ends the download.
func (d *file) Close() error {
	d.watch.Stop()
	d.cancel(nil)
	return d.body.Close()
}

// reason is an error without the address.
func (d *file) reason(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); errors.Is(cause, errSilent) {
		return cause
	}
	var of *url.Error
	if errors.As(err, &of) {
		return of.Err
	}
	return err
}
