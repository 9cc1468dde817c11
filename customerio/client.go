package customerio

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"runtime/debug"
	"time"
)

// Client makes exchanges with one workspace. It may be used from several goroutines.
//
// NewClient reads the credentials and connects to nothing. Verify asks once whether they are right and belong to the
// configured region; from then on Do makes one exchange for each caller, over connections that are kept. Credentials
// that have been replaced are read again by NewCredentials, and taken up by the next request. Close drops what is idle.
type Client struct {
	root        string
	region      Region
	credentials *credentials
	transport   http.RoundTripper
	timeout     time.Duration
	agent       string
}

// NewClient reads the credentials and prepares up to pool connections; it does not connect. The configuration must be
// valid. A nil transport means the network; another one takes its place in tests. An error is a *CredentialsError.
func NewClient(c Config, pool int, transport http.RoundTripper) (*Client, error) {
	client := &Client{
		root: c.root(), region: c.Region, transport: transport, timeout: c.Timeout, agent: userAgent(),
		credentials: &credentials{siteID: c.siteID(), apiKey: c.apiKey()},
	}
	if err := client.credentials.read(); err != nil {
		return nil, &CredentialsError{Err: err}
	}
	if transport == nil {
		network, err := newTransport(c, pool)
		if err != nil {
			return nil, err
		}
		client.transport = network
	}
	return client, nil
}

// Close drops idle connections.
func (c *Client) Close() {
	if t, ok := c.transport.(*http.Transport); ok {
		t.CloseIdleConnections()
	}
}

// NewCredentials reads the credentials again, now, and reports whether others than before were found.
func (c *Client) NewCredentials() bool { return c.credentials.refresh() }

// newTransport speaks HTTP/1.1 only, because one stuck HTTP/2 connection holds up every sender. It follows no proxy
// from the environment and unpacks nothing, so that a small answer cannot become a large one.
func newTransport(c Config, pool int) (*http.Transport, error) {
	t := &http.Transport{
		DialContext:            dial,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    5 * time.Second,
		Protocols:              new(http.Protocols),
		MaxIdleConns:           pool,
		MaxIdleConnsPerHost:    pool,
		IdleConnTimeout:        30 * time.Second, // a changed address of the host is taken up within this time
		DisableCompression:     true,
		MaxResponseHeaderBytes: 64 << 10,
		WriteBufferSize:        64 << 10,
	}
	t.Protocols.SetHTTP1(true)
	if c.Proxy != "" {
		proxy, err := url.Parse(c.Proxy)
		if err != nil {
			return nil, fmt.Errorf("proxy: %w", err)
		}
		t.Proxy = http.ProxyURL(proxy)
	}
	return t, nil
}

func userAgent() string {
	version := "devel"
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		version = info.Main.Version
	}
	return "ciobridge/" + version
}

// Request is one request for Customer.io.
type Request struct {
	Endpoint Endpoint
	Method   string
	Path     string   // from the root of the host, percent-encoded
	Body     [][]byte // JSON in parts that follow each other, or nothing
	Calls    int      // how many calls the body carries

	// Until, if set, tells the time from which no part of the request may be handed to the network any more. It is
	// asked right before every write, so that a process which was stopped in the middle of a request does not finish
	// it when somebody else has taken over. It may move, and its second result is false where there is no such time.
	Until func() (time.Time, bool)
}

// Do makes one exchange. One time-out covers all of it, to the last byte of the answer; ctx may end it earlier.
// Redirects are not followed. Body may be used again as soon as Do has returned.
func (c *Client) Do(ctx context.Context, r Request) Answer {
	answer, body, whole := c.exchange(ctx, r)
	if answer.Withheld {
		return answer
	}
	if whole {
		answer.Errors = ParseErrorBody(body, r.Calls)
	}
	answer.Verdict = VerdictOf(r.Endpoint, answer.Status, r.Calls > 1, answer.Errors)
	if answer.Verdict == Retry && answer.Cause == "" {
		answer.Cause = CauseUnexpected
	}
	return answer
}

// maxAnswer bounds the body of an answer. A batch of 1000 refusals needs a fifth of it.
const maxAnswer = 1 << 20

// exchange gives the answer without what its body says, the body, and whether the body is whole.
func (c *Client) exchange(ctx context.Context, r Request) (answer Answer, body []byte, whole bool) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	content := newRequestBody(r)
	defer content.revoke()
	req, version, err := c.request(ctx, r, content)
	if err != nil {
		// the call's own path is to blame, so it is suspect
		return Answer{Cause: CauseUnexpected, Sent: true}, nil, false
	}
	resp, err := c.transport.RoundTrip(req)
	if err != nil && content.withheld() {
		return Answer{Withheld: true}, nil, false
	}
	if err != nil {
		cause := causeOfError(err)
		return Answer{Cause: cause, Sent: content.sent(cause)}, nil, false
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	answer = Answer{
		Status:     resp.StatusCode,
		Cause:      causeOfStatus(r.Endpoint, resp.StatusCode),
		RetryAfter: ParseRetryAfter(resp.Header.Get("Retry-After"), time.Now()),
		Sent:       true,
	}
	if err != nil && answer.Status/100 == 2 {
		answer.Cause = causeOfError(err)
	}
	if answer.Status == http.StatusUnauthorized {
		answer.NewCredentials = c.credentials.newer(version)
	}
	return answer, body, err == nil && len(body) <= maxAnswer
}

func (c *Client) request(ctx context.Context, r Request, content *requestBody) (*http.Request, uint64, error) {
	req, err := http.NewRequestWithContext(content.limited(ctx), r.Method, c.root+r.Path, nil)
	if err != nil {
		return nil, 0, err
	}
	if content.size > 0 {
		req.Body = content.open()
		// The transport asks for a second reader when a kept connection turns out to be closed before anything was
		// written.
		req.GetBody = func() (io.ReadCloser, error) { return content.open(), nil }
		req.ContentLength = int64(content.size)
		req.Header["Content-Type"] = []string{"application/json"}
	}
	authorization, version := c.credentials.current()
	req.Header["Authorization"] = []string{authorization.Reveal()}
	req.Header["User-Agent"] = []string{c.agent}
	return req, version, nil
}
