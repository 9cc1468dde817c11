package customerio

import (
	"bytes"
	"io"
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
	var whole, cut atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			cut.Add(1)
			return
		}
		whole.Add(1)
	}))
	defer server.Close()
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
	defer client.Close()
	asked := 0
	request := Request{Endpoint: Batch, Method: http.MethodPost, Path: BatchPath, Calls: 2,
		Body: [][]byte{bytes.Repeat([]byte(" "), 400_000)}}
	request.Until = func() (time.Time, bool) {
		if asked++; asked > 2 {
			return time.Now().Add(-time.Second), true // the process was stopped here
		}
		return time.Now().Add(time.Minute), true
	}
	if a := client.Do(t.Context(), request); !a.Withheld || a.Status != 0 {
		t.Errorf("got %+v", a)
	}
	for end := time.Now().Add(5 * time.Second); cut.Load() == 0 && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	if asked < 3 || whole.Load() > 0 || cut.Load() == 0 {
		t.Errorf("asked %d times; %d whole requests and %d that were cut", asked, whole.Load(), cut.Load())
	}
	request.Until = func() (time.Time, bool) { return time.Time{}, false }
	if a := client.Do(t.Context(), request); a.Withheld || a.Status != http.StatusOK || whole.Load() != 1 {
		t.Errorf("without a time the request goes: %+v", a)
	}
}
