package customerio

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"
)

// A process that is stopped while it writes a request, and continued when others have taken over, does not finish it.
func TestABodyIsWithheldWhenItsTimeIsOver(t *testing.T) {
	for name, c := range map[string]struct{ size, asked int }{
		"before the head is written": {0, 0},
		"after the body is read":     {1000, 1},
		"after a part is written":    {400_000, 6},
	} {
		for kind, start := range map[string]func(http.Handler) *httptest.Server{
			"plain": httptest.NewServer, "TLS": httptest.NewTLSServer,
		} {
			t.Run(name+", "+kind, func(t *testing.T) {
				t.Parallel()
				testWithheld(t, start, c.size, c.asked)
			})
		}
	}
}

// clientOf makes a client of one connection to a server.
func clientOf(t *testing.T, server *httptest.Server) *Client {
	t.Helper()
	c := DefaultConfig()
	c.Region, c.URL = EU, server.URL
	c.SiteIDFile, c.APIKeyFile = filepath.Join(t.TempDir(), "site"), filepath.Join(t.TempDir(), "key")
	for _, file := range []string{c.SiteIDFile, c.APIKeyFile} {
		if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	client, err := NewClient(c, 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// testWithheld makes a request of so many bytes, whose time is over when that has been asked so often.
func testWithheld(t *testing.T, start func(http.Handler) *httptest.Server, size, often int) {
	var whole, cut atomic.Int64
	server := start(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			cut.Add(1)
			return
		}
		whole.Add(1)
	}))
	defer server.Close()
	client := clientOf(t, server)
	if pool := server.Client().Transport.(*http.Transport).TLSClientConfig; pool != nil {
		client.transport.(*http.Transport).TLSClientConfig.RootCAs = pool.RootCAs
	}
	var asked atomic.Int64
	request := Request{Endpoint: Batch, Method: http.MethodPost, Path: BatchPath, Calls: 2}
	if size > 0 {
		request.Body = [][]byte{bytes.Repeat([]byte(" "), size)}
	}
	request.Until = func() (time.Time, bool) {
		if asked.Add(1) > int64(often) {
			return time.Now().Add(-time.Second), true // the process was stopped here
		}
		return time.Now().Add(time.Minute), true
	}
	if a := client.Do(t.Context(), request); !a.Withheld || a.Status != 0 {
		t.Errorf("got %+v", a)
	}
	begun := often > 2 // the other side has seen some of it
	for end := time.Now().Add(5 * time.Second); begun && cut.Load() == 0 && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	if int(asked.Load()) <= often || whole.Load() > 0 || begun && cut.Load() == 0 {
		t.Errorf("asked %d times; %d whole requests and %d that were cut", asked.Load(), whole.Load(), cut.Load())
	}
	request.Until = func() (time.Time, bool) { return time.Time{}, false }
	if a := client.Do(t.Context(), request); a.Withheld || a.Status != http.StatusOK || whole.Load() != 1 {
		t.Errorf("without a time the request goes: %+v", a)
	}
}

// What waits in a connection for the other side to take it is not written once its time is over.
func TestAWriteThatWaitsIsWithheldWhenItsTimeIsOver(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	conn, err := dial(t.Context(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	other, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	var over atomic.Bool
	var asked atomic.Int64
	conn.(*wireConn).carries.Store(newRequestBody(Request{Until: func() (time.Time, bool) {
		asked.Add(1)
		if over.Load() {
			return time.Now().Add(-time.Second), true
		}
		return time.Now().Add(time.Minute), true
	}}))
	const size = 64 << 20 // more than the system takes for a side that reads nothing
	failed := make(chan error, 1)
	go func() {
		_, err := conn.Write(make([]byte, size))
		failed <- err
		conn.Close()
	}()
	for last := int64(0); asked.Load() == 0 || asked.Load() != last; time.Sleep(50 * time.Millisecond) {
		last = asked.Load() // until it waits
	}
	over.Store(true)
	read, _ := io.Copy(io.Discard, other)
	if err := <-failed; !errors.Is(err, errLate) || read == 0 || read == size {
		t.Errorf("%d bytes of %d were written, then: %v", read, size, err)
	}
}
