package delivery_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/delivery"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/canarytest"
)

// canary stands for personal data: it is in every call and in every answer, and must be in no log line and no
// outcome.
const canary = "jane.canary@example.com"

// A request is what the destination saw of one request.
type request struct {
	at            time.Time
	method, path  string
	authorization string
	items         []string // the batch's items, or the body of a single call
}

// destination is an in-memory Customer.io, for use inside a synctest bubble.
type destination struct {
	mu       sync.Mutex
	seen     []request
	answered map[int]int                                                       // by status
	answer   func(n int, r request, req *http.Request) (*http.Response, error) // n counts from 0
}

func (d *destination) RoundTrip(req *http.Request) (*http.Response, error) {
	r := request{at: time.Now(), method: req.Method, path: req.URL.EscapedPath(),
		authorization: req.Header.Get("Authorization")}
	if req.Body != nil {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, err
		}
		var batch struct{ Batch []json.RawMessage }
		if err := json.Unmarshal(body, &batch); err != nil {
			return nil, fmt.Errorf("the bridge sent broken JSON: %w", err)
		}
		for _, item := range batch.Batch {
			r.items = append(r.items, string(item))
		}
		if len(r.items) == 0 {
			r.items = []string{string(body)}
		}
	}
	d.mu.Lock()
	n := len(d.seen)
	d.seen = append(d.seen, r)
	d.mu.Unlock()
	resp, err := d.answer(n, r, req)
	d.mu.Lock()
	defer d.mu.Unlock()
	if err == nil {
		d.answered[resp.StatusCode]++
	}
	return resp, err
}

func (d *destination) requests() []request {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]request(nil), d.seen...)
}

// reply makes an answer; headers are pairs.
func reply(status int, body string, headers ...string) (*http.Response, error) {
	h := http.Header{}
	for i := 0; i < len(headers); i += 2 {
		h.Set(headers[i], headers[i+1])
	}
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body))}, nil
}

// refuse is the body with which Customer.io refuses a request. It quotes the call, as the real one does.
const refuse = `{"errors":[{"reason":"invalid","field":"attributes.` + canary + `","message":"` + canary +
	` is wrong"}]}`

func ok(int, request, *http.Request) (*http.Response, error) { return reply(200, "{}\n") }

var errNetwork = errors.New("connection reset by " + canary)

// rig is a Sender over a destination.
type rig struct {
	*delivery.Sender
	to       *destination
	log      *observer.ObservedLogs
	registry *prometheus.Registry
	keyFile  string
}

func newRig(t testing.TB, answer func(int, request, *http.Request) (*http.Response, error)) *rig {
	t.Helper()
	dir := t.TempDir()
	r := &rig{to: &destination{answer: answer, answered: map[int]int{}}, registry: canarytest.Registry(t),
		keyFile: filepath.Join(dir, "key")}
	r.writeKey(t, "canary-key-1")
	if err := os.WriteFile(filepath.Join(dir, "site"), []byte("site-1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := customerio.DefaultConfig()
	c.Region, c.SiteIDFile, c.APIKeyFile = customerio.EU, filepath.Join(dir, "site"), r.keyFile
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	client, err := customerio.NewClient(c, 16, r.to)
	if err != nil {
		t.Fatal(err)
	}
	core, logs := observer.New(zapcore.DebugLevel)
	r.log = logs
	r.Sender = delivery.New([]delivery.Workspace{{Client: client, Config: c}}, canarytest.Logger(t, core), r.registry)
	return r
}

func (r *rig) writeKey(t testing.TB, key string) {
	t.Helper()
	if err := os.WriteFile(r.keyFile, []byte(key+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}

// exposition is what a scrape would read.
func (r *rig) exposition() string {
	w := httptest.NewRecorder()
	promhttp.HandlerFor(r.registry, promhttp.HandlerOpts{}).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	return w.Body.String()
}

// messages lists the log's lines from info on.
func (r *rig) messages() []string {
	var out []string
	for _, entry := range r.log.All() {
		if entry.Level >= zapcore.InfoLevel {
			out = append(out, entry.Level.String()+": "+entry.Message)
		}
	}
	return out
}

var step = &event.Step{Rule: "orders", Call: "track:order", Action: "track", Repeatable: true}

func makeCalls(n int) []event.Call {
	calls := make([]event.Call, n)
	for i := range calls {
		calls[i] = event.Call{ID: event.ID{byte(i >> 8), byte(i)}, Step: step,
			Body: fmt.Appendf(nil, `{"n":%d,"to":%q}`, i, canary)}
	}
	return calls
}

// tally counts the outcomes: delivered, refused, open and tried, open and not tried.
type tally struct{ delivered, refused, tried, untried int }

func count(outcomes []event.Outcome) tally {
	var c tally
	for _, o := range outcomes {
		switch {
		case o.Result == event.Delivered:
			c.delivered++
		case o.Result == event.Refused:
			c.refused++
		case o.Failure != nil:
			c.tried++
		default:
			c.untried++
		}
	}
	return c
}

// failed is how many requests the destination has answered with the status: proof that a fault happened.
func (r *rig) failed(status int) int {
	r.to.mu.Lock()
	defer r.to.mu.Unlock()
	return r.to.answered[status]
}
