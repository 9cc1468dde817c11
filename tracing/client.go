package tracing

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"go.uber.org/zap"
	"google.golang.org/protobuf/proto"

	"github.com/ciobridge/ciobridge/internal/retry"
	"github.com/ciobridge/ciobridge/secret"
)

// client sends spans to a collector, as OTLP over HTTP.
type client struct {
	http     *http.Client
	endpoint string
	headers  map[string]secret.Value
	timeout  time.Duration
	gzip     bool
	log      *zap.Logger
	failing  atomic.Bool // the last spans could not be sent
}

// otlpVariable is a setting of the exporter: that of traces, or else that of all signals.
func otlpVariable(name string) string {
	if text := strings.TrimSpace(os.Getenv("OTEL_EXPORTER_OTLP_TRACES_" + name)); text != "" {
		return text
	}
	return strings.TrimSpace(os.Getenv("OTEL_EXPORTER_OTLP_" + name))
}

func newClient(log *zap.Logger) (*client, error) {
	c := &client{log: log, timeout: 10 * time.Second}
	if protocol := otlpVariable("PROTOCOL"); protocol != "" && protocol != "http/protobuf" {
		return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_PROTOCOL is %q: spans leave as http/protobuf only, which "+
			"collectors take at port 4318", protocol)
	}
	var err error
	if c.endpoint, err = endpoint(); err != nil {
		return nil, err
	}
	if c.headers, err = exportHeaders(otlpVariable("HEADERS")); err != nil {
		return nil, err
	}
	if text := otlpVariable("TIMEOUT"); text != "" {
		ms, err := strconv.Atoi(text)
		if err != nil || ms <= 0 {
			return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_TIMEOUT is %q: want milliseconds, such as 10000", text)
		}
		c.timeout = time.Duration(ms) * time.Millisecond
	}
	switch text := otlpVariable("COMPRESSION"); text {
	case "", "none":
	case "gzip":
		c.gzip = true
	default:
		return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_COMPRESSION is %q: want gzip, or none", text)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	if transport.TLSClientConfig, err = exportTLS(); err != nil {
		return nil, err
	}
	c.http = &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse // the headers may hold a token
	}}
	return c, nil
}

// endpoint is where spans go. The one of all signals is the root of a collector.
func endpoint() (string, error) {
	text := strings.TrimSpace(os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"))
	if text == "" {
		text = strings.TrimSpace(os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT"))
		if text == "" {
			text = "http://localhost:4318"
		}
		text = strings.TrimSuffix(text, "/") + "/v1/traces"
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return "", fmt.Errorf("OTEL_EXPORTER_OTLP_ENDPOINT: want the address of a collector, such as " +
			"http://localhost:4318")
	}
	return text, nil
}

// exportHeaders reads headers as in "api-key=value,other=value", percent-encoded. Their values may be secrets.
func exportHeaders(text string) (map[string]secret.Value, error) {
	headers := map[string]secret.Value{}
	for _, part := range list(text) {
		name, value, found := strings.Cut(part, "=")
		value, err := url.PathUnescape(strings.TrimSpace(value))
		if name = strings.TrimSpace(name); !found || name == "" || err != nil {
			return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_HEADERS: want name=value, with commas between headers")
		}
		headers[name] = secret.New(value)
	}
	return headers, nil
}

// exportTLS reads the certificates that the environment names; nil where it names none.
func exportTLS() (*tls.Config, error) {
	ca, cert, key := otlpVariable("CERTIFICATE"), otlpVariable("CLIENT_CERTIFICATE"), otlpVariable("CLIENT_KEY")
	if ca+cert+key == "" {
		return nil, nil
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if ca != "" {
		text, err := os.ReadFile(ca)
		if err != nil {
			return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_CERTIFICATE: %w", err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_CERTIFICATE: %s has no certificate in PEM", ca)
		}
	}
	if cert+key != "" {
		pair, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE and _CLIENT_KEY: %w", err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}

// Start implements otlptrace.Client.
func (c *client) Start(context.Context) error { return nil }

// Stop implements otlptrace.Client.
func (c *client) Stop(context.Context) error {
	c.http.CloseIdleConnections()
	return nil
}

// UploadTraces implements otlptrace.Client. The log is told when spans can no longer be sent, and when they can be
// again: no one else has to hear of it.
func (c *client) UploadTraces(ctx context.Context, spans []*tracepb.ResourceSpans) error {
	// The request of the service has the same form.
	body, err := proto.Marshal(&tracepb.TracesData{ResourceSpans: spans})
	if err != nil {
		return fmt.Errorf("write spans: %w", err)
	}
	if c.gzip {
		body = compress(body)
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	err = retry.Do(ctx, retry.Policy{Longest: 5 * time.Second}, func(ctx context.Context) error {
		return c.post(ctx, body)
	})
	switch failing := err != nil; {
	case failing && !c.failing.Swap(true):
		c.log.Warn("traces cannot be sent, and are dropped until they can; events are not held up", zap.Error(err))
	case !failing && c.failing.Swap(false):
		c.log.Info("traces are sent again")
	}
	return nil
}

func compress(body []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, _ = w.Write(body) // a buffer takes everything
	_ = w.Close()
	return out.Bytes()
}

func (c *client) post(ctx context.Context, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.endpoint, bytes.NewReader(body))
	if err != nil {
		return retry.Permanent(err)
	}
	req.Header.Set("Content-Type", "application/x-protobuf")
	if c.gzip {
		req.Header.Set("Content-Encoding", "gzip")
	}
	for name, value := range c.headers {
		req.Header.Set(name, value.Reveal())
	}
	resp, err := c.http.Do(req)
	if whole := (*url.Error)(nil); errors.As(err, &whole) {
		err = whole.Err // the address may hold a token
	}
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10)) // the connection is used again
	switch resp.StatusCode {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return fmt.Errorf("the collector answers %s", resp.Status)
	}
	if resp.StatusCode/100 != 2 {
		return retry.Permanent(fmt.Errorf("the collector answers %s", resp.Status))
	}
	return nil
}
