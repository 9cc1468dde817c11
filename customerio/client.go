package customerio

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"net/url"
	"runtime/debug"
	"sync/atomic"
	"time"
)

// Client makes exchanges with one workspace, over all of its APIs. It may be used from several goroutines.
//
// NewClient reads the credentials of Track and connects to nothing; those of another API are read when something first
// uses it. Verify and VerifyApp ask once whether they are right and belong to the configured region; from then on Do
// makes one exchange for each caller, over connections that are kept. Credentials that have been replaced are read
// again by NewCredentials, and taken up by the next request. Close drops what is idle.
type Client struct {
	roots       [apis]string
	region      Region
	credentials [apis]*credentials // Beta's are App's
	transport   http.RoundTripper
	timeout     time.Duration
	agent       string
	batch       atomic.Pointer[batchRequest] // the last
}

// NewClient reads the credentials of Track and prepares up to pool connections; it does not connect. The configuration
// must be valid. A nil transport means the network; another one takes its place in tests. An error is a
// *CredentialsError.
func NewClient(c Config, pool int, transport http.RoundTripper) (*Client, error) {
	client := &Client{
		region: c.Region, transport: transport, timeout: c.Timeout, agent: userAgent(), credentials: c.credentials(),
	}
	for api := range client.roots {
		client.roots[api] = c.root(API(api))
	}
	if err := client.Read(TrackAPI); err != nil {
		return nil, err
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

// Root is where requests to an API go, without a slash at its end.
func (c *Client) Root(api API) string { return c.roots[api] }

// Transport is what requests go over.
func (c *Client) Transport() http.RoundTripper { return c.transport }

// Read reads the credentials of an API, so that a mistake in them shows before they are used. The error is a
// *CredentialsError.
func (c *Client) Read(api API) error {
	if err := c.credentials[api].first(); err != nil {
		return &CredentialsError{API: api, Err: err}
	}
	return nil
}

// NewCredentials reads the credentials of an endpoint again, now, and reports whether others than before were found.
func (c *Client) NewCredentials(e Endpoint) bool { return c.credentials[e.API()].refresh() }

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
	t.DialTLSContext = overTLS(t)
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
	Body     [][]byte // in parts that follow each other, or nothing
	Calls    int      // how many calls the body carries

	// Header is sent beside what the client itself sends, which it cannot change but for Content-Type.
	Header http.Header
	// Timeout takes the place of the client's where it is not 0.
	Timeout time.Duration
	// Keep is the length up to which the answer's body is kept, in Answer.Content. 0 keeps nothing of it.
	Keep int64
	// Foreign means that the body of an answer that takes the request need not be JSON.
	Foreign bool

	// Until, if set, tells the time from which no part of the request may be handed to the network any more. It is
	// asked right before every write, so that a process which was stopped in the middle of a request does not finish
	// it when somebody else has taken over. It may move, and its second result is false where there is no such time.
	Until func() (time.Time, bool)
}

// Do makes one exchange. One time-out covers all of it, to the last byte of the answer; ctx may end it earlier.
// Redirects are not followed. Body may be used again as soon as Do has returned.
func (c *Client) Do(ctx context.Context, r Request) Answer {
	answer, body, read := c.exchange(ctx, r)
	if answer.Withheld {
		return answer
	}
	if answer.Status == 0 && answer.Cause.Halts() { // nothing was asked, because there is nothing to ask with
		answer.Verdict = Halt
		return answer
	}
	if read {
		answer.Errors = bodyOf(r, answer.Status, body)
	}
	answer.Verdict = VerdictOf(r.Endpoint, answer.Status, r.Calls > 1, answer.Errors)
	if answer.Verdict == Retry && answer.Cause == "" {
		answer.Cause = CauseUnexpected
	}
	return answer
}

// maxAnswer bounds the body of an answer. A batch of 1000 refusals needs a fifth of it.
const maxAnswer = 1 << 20

// most is how much of the answer is looked at.
func (r *Request) most() int64 { return max(r.Keep, maxAnswer) }

// exchange gives the answer without what its body says, the body, and whether that was read. Of a body that is too
// long it gives one byte more than is looked at.
func (c *Client) exchange(ctx context.Context, r Request) (answer Answer, body []byte, read bool) {
	authorization, version := c.credentials[r.Endpoint.API()].current()
	if version == 0 {
		return Answer{Cause: CauseCredentials}, nil, false
	}
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(r.Timeout, c.timeout))
	defer cancel()
	content := newRequestBody(r)
	defer content.revoke()
	req, err := c.request(content.followed(ctx), r, content, authorization, version)
	if err != nil {
		// the call's own path is to blame, so it is suspect
		return Answer{Cause: CauseUnexpected, Sent: true}, nil, false
	}
	resp, err := c.transport.RoundTrip(req)
	if err != nil && content.withheld() {
		return Answer{Withheld: true}, nil, false
	}
	if err != nil {
		return Answer{Cause: causeOfError(err), Sent: content.sent()}, nil, false
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusSwitchingProtocols { // whose body is the connection, which no time-out ends
		body, err = readAnswer(resp, r.most())
	}
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
		answer.NewCredentials = c.credentials[r.Endpoint.API()].newer(version)
	}
	if r.Keep > 0 && err == nil {
		answer.Content = &Content{Type: resp.Header.Get("Content-Type"), Cut: int64(len(body)) > r.Keep}
		if !answer.Content.Cut {
			answer.Content.Body = body
		}
	}
	return answer, body, err == nil
}
