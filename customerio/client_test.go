package customerio_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/ciobridge/ciobridge/customerio"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// keys are files that hold credentials.
type keys struct{ siteID, apiKey string }

func newKeys(t testing.TB) keys {
	dir := t.TempDir()
	k := keys{siteID: filepath.Join(dir, "site_id"), apiKey: filepath.Join(dir, "api_key")}
	write(t, k.siteID, "site")
	write(t, k.apiKey, "key?>")
	return k
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (k keys) config(url string) customerio.Config {
	c := customerio.DefaultConfig()
	c.Region, c.SiteIDFile, c.APIKeyFile, c.URL, c.Timeout = customerio.US, k.siteID, k.apiKey, url, 2*time.Second
	return c
}

func dial(t testing.TB, c customerio.Config, transport http.RoundTripper) *customerio.Client {
	t.Helper()
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	client, err := customerio.NewClient(c, 4, transport)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

func serve(t testing.TB, h http.HandlerFunc) *httptest.Server {
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

var batch = customerio.Request{
	Endpoint: customerio.Batch, Method: http.MethodPost, Path: customerio.BatchPath,
	Body: [][]byte{[]byte(`{"batch":[`), []byte("{},{}"), []byte("]}")}, Calls: 2,
}

func TestWhatIsSent(t *testing.T) {
	var got *http.Request
	var body []byte
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		got = r
		body, _ = io.ReadAll(r.Body)
		fmt.Fprintln(w, "{}")
	})
	client := dial(t, newKeys(t).config(s.URL), nil)
	single := customerio.Request{Endpoint: customerio.Single, Method: "PUT",
		Path: "/api/v1/customers/%2E%2E%2Fa%2Bb?id_type=id", Body: [][]byte{[]byte(`{"a":1}`)}, Calls: 1}
	answer := client.Do(context.Background(), single)
	if answer.Verdict != customerio.Accepted || answer.Status != 200 || !answer.Sent || answer.Cause != "" {
		t.Errorf("answer %+v", answer)
	}
	if got.RequestURI != single.Path || got.Method != "PUT" || got.Proto != "HTTP/1.1" || string(body) != `{"a":1}` {
		t.Errorf("%s %s %s %s", got.Method, got.RequestURI, got.Proto, body)
	}
	// Standard base64 of site:key?> has a slash where the URL-safe form has an underscore.
	want := http.Header{
		"Authorization": {"Basic c2l0ZTprZXk/Pg=="}, "Content-Type": {"application/json"}, "Content-Length": {"7"},
		"User-Agent": {"ciobridge/devel"},
	}
	if fmt.Sprint(got.Header) != fmt.Sprint(want) {
		t.Errorf("headers %v, want %v", got.Header, want)
	}
	client.Do(context.Background(), customerio.Request{Endpoint: customerio.Single, Method: "DELETE",
		Path: "/api/v1/customers/7", Calls: 1})
	if got.Method != "DELETE" || len(body) != 0 || got.Header.Get("Content-Type") != "" {
		t.Errorf("a request without a body: %s %q %v", got.Method, body, got.Header)
	}
}

func TestExchangesThatFail(t *testing.T) {
	page := func(w http.ResponseWriter, status int) {
		w.WriteHeader(status)
		fmt.Fprint(w, "<html>")
	}
	for _, c := range []struct {
		name    string
		handler http.HandlerFunc
		verdict customerio.Verdict
		cause   customerio.Cause
		status  int
	}{
		{"a redirect", func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != customerio.BatchPath {
				t.Errorf("followed to %s", r.URL.Path)
			}
			http.Redirect(w, r, "/login", http.StatusFound)
		}, customerio.Halt, customerio.CauseRegion, 302},
		{"a portal's page", func(w http.ResponseWriter, _ *http.Request) { page(w, 200) },
			customerio.Retry, customerio.CauseUnexpected, 200},
		{"a gateway's page", func(w http.ResponseWriter, _ *http.Request) { page(w, 502) },
			customerio.Retry, customerio.CauseServer, 502},
		{"a packed answer", func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Accept-Encoding") != "" {
				t.Error("asked for a packed answer")
			}
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			fmt.Fprint(z, "{}")
			z.Close()
		}, customerio.Retry, customerio.CauseUnexpected, 200},
		{"an endless answer", func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				if _, err := w.Write(make([]byte, 64<<10)); err != nil {
					return
				}
			}
		}, customerio.Retry, customerio.CauseUnexpected, 200},
		{"endless headers", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Long", strings.Repeat("x", 100<<10))
		}, customerio.Retry, customerio.CauseReset, 0},
		{"a closed connection", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
			customerio.Retry, customerio.CauseReset, 0},
		{"a body that breaks off", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			fmt.Fprint(w, `{"errors":[`)
		}, customerio.Retry, customerio.CauseReset, 200},
		{"a hang before the headers", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
			customerio.Retry, customerio.CauseTimeout, 0},
		{"a hang in the body", func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, "{")
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}, customerio.Retry, customerio.CauseTimeout, 200},
		{"a hang in the body of a refusal", func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(400)
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}, customerio.Split, "", 400},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				c.handler(w, r)
			})
			config := newKeys(t).config(s.URL)
			config.Timeout = 300 * time.Millisecond
			start := time.Now()
			answer := dial(t, config, nil).Do(context.Background(), batch)
			if answer.Verdict != c.verdict || answer.Cause != c.cause || answer.Status != c.status {
				t.Errorf("answer %+v, want %s %s %d", answer, c.verdict, c.cause, c.status)
			}
			if !answer.Sent || c.verdict == customerio.Retry && !answer.Suspect() {
				t.Errorf("answer %+v: the whole request was sent, so one of its calls may be the cause", answer)
			}
			if took := time.Since(start); took > time.Second {
				t.Errorf("took %s with a time-out of 300ms", took)
			}
		})
	}
}

func TestNothingListens(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	url := s.URL
	s.Close()
	answer := dial(t, newKeys(t).config(url), nil).Do(context.Background(), batch)
	if answer.Verdict != customerio.Retry || answer.Cause != customerio.CauseRefused || answer.Sent ||
		answer.Suspect() {
		t.Errorf("answer %+v", answer)
	}
}

func TestAnUnknownCertificateIsRefused(t *testing.T) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter,
		*http.Request) {
		t.Error("a request was made")
	}))
	s.Config.ErrorLog = quiet
	s.StartTLS()
	defer s.Close()
	answer := dial(t, newKeys(t).config(s.URL), nil).Do(context.Background(), batch)
	if answer.Verdict != customerio.Retry || answer.Cause != customerio.CauseTLS || answer.Sent {
		t.Errorf("answer %+v", answer)
	}
}

func TestCausesOfTheNetwork(t *testing.T) {
	for _, c := range []struct {
		err  error
		want customerio.Cause
	}{
		{&net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: "canary"}}, customerio.CauseName},
		{&net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.EHOSTUNREACH)}, customerio.CauseRoute},
		{&net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded}, customerio.CauseTimeout},
		{&net.OpError{Op: "read", Err: os.NewSyscallError("read", syscall.ECONNRESET)}, customerio.CauseReset},
		{fmt.Errorf("malformed HTTP response %q", "canary"), customerio.CauseReset},
	} {
		client := dial(t, newKeys(t).config(""),
			roundTrip(func(*http.Request) (*http.Response, error) { return nil, c.err }))
		answer := client.Do(context.Background(), batch)
		if answer.Cause != c.want || answer.Sent || strings.Contains(fmt.Sprintf("%+v %s", answer, answer), "canary") {
			t.Errorf("%v: answer %+v %s", c.err, answer, answer)
		}
	}
}

func TestAPathThatIsNone(t *testing.T) {
	client := dial(t, newKeys(t).config(""), roundTrip(func(*http.Request) (*http.Response, error) {
		t.Error("a request was made")
		return nil, io.EOF
	}))
	answer := client.Do(context.Background(),
		customerio.Request{Endpoint: customerio.Single, Method: "POST", Path: "/%zz", Calls: 1})
	if answer.Verdict != customerio.Retry || answer.Cause.Halts() || !answer.Suspect() ||
		answer.String() != "the request cannot be written" {
		t.Errorf("answer %+v %s", answer, answer)
	}
}

func TestConnectionsAreKept(t *testing.T) {
	var connections atomic.Int32
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader([]int{200, 207, 400, 503}[r.ContentLength%4])
		fmt.Fprint(w, strings.Repeat(" ", 50_000), "{}")
	}))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	s.Start()
	defer s.Close()
	client := dial(t, newKeys(t).config(s.URL), nil)
	for i := range 40 {
		r := batch
		r.Body = append(r.Body[:len(r.Body):len(r.Body)], []byte(strings.Repeat(" ", i)))
		client.Do(context.Background(), r)
	}
	if n := connections.Load(); n != 1 {
		t.Errorf("%d connections for 40 requests, one after another", n)
	}
}

func TestProxy(t *testing.T) {
	var asked string
	proxy := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked = r.RequestURI
		fmt.Fprint(w, "{}")
	})
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	config := newKeys(t).config("http://emulator.internal")
	config.Proxy = proxy.URL
	if answer := dial(t, config, nil).Do(context.Background(), batch); answer.Verdict != customerio.Accepted {
		t.Errorf("answer %+v", answer)
	}
	if asked != "http://emulator.internal/api/v2/batch" {
		t.Errorf("the proxy was asked for %q", asked)
	}
}

// A server may answer before it has read the request. The caller may then use its buffer for the next one at once, and
// nothing of that may leak into the first.
func TestTheBodyIsNotTouchedAfterDo(t *testing.T) {
	late := make(chan []byte, 1)
	client := dial(t, newKeys(t).config(""), roundTrip(func(r *http.Request) (*http.Response, error) {
		go func() {
			time.Sleep(10 * time.Millisecond)
			b, _ := io.ReadAll(r.Body)
			again, err := r.GetBody()
			if err == nil {
				rest, _ := io.ReadAll(again)
				b = append(b, rest...)
			}
			late <- b
		}()
		return &http.Response{StatusCode: 400, Body: io.NopCloser(strings.NewReader("{}"))}, nil
	}))
	r := batch
	r.Body = [][]byte{bytes.Join(batch.Body, nil)}
	client.Do(context.Background(), r)
	for i := range r.Body[0] {
		r.Body[0][i] = '#'
	}
	if b := <-late; len(b) != 0 {
		t.Errorf("the transport still read %q", b)
	}
}

func TestOneTimeoutForTheWholeExchange(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil { // a drop every 50 ms
			fmt.Fprint(w, " ")
			w.(http.Flusher).Flush()
			time.Sleep(50 * time.Millisecond)
		}
	})
	config := newKeys(t).config(s.URL)
	config.Timeout = 300 * time.Millisecond
	start := time.Now()
	if answer := dial(t, config, nil).Do(context.Background(), batch); answer.Cause != customerio.CauseTimeout {
		t.Errorf("answer %+v", answer)
	}
	if took := time.Since(start); took < 300*time.Millisecond || took > time.Second {
		t.Errorf("took %s", took)
	}
}
