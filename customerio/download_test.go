package customerio_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/customerio/download"
)

// newClient makes one whose App is asked at an address; none is Customer.io's own.
func newClient(t *testing.T, address string, to http.RoundTripper) *customerio.Client {
	t.Helper()
	key := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(key, []byte("canary-key"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := customerio.DefaultConfig()
	c.Region, c.URL, c.SiteIDFile, c.APIKeyFile, c.AppKeyFile = customerio.US, address, key, key, key
	client, err := customerio.NewClient(c, 2, to)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

type downloadRoundTrip func(*http.Request) (*http.Response, error)

func (f downloadRoundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func body(status int, r io.Reader, header ...string) (*http.Response, error) {
	resp := &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(r)}
	for i := 0; i < len(header); i += 2 {
		resp.Header.Set(header[i], header[i+1])
	}
	return resp, nil
}

const link = "https://files.example.com/1.csv?signature=canary-signature"

// What goes wrong with a download is told without its address, in which there is a signature, and no request has the
// key.
func TestWhatAnswersToALinkMean(t *testing.T) {
	for _, c := range []struct {
		is, root, link string
		to             downloadRoundTrip
		text           string
		unfit          bool
		status         int
	}{
		{"a file", "", link, func(*http.Request) (*http.Response, error) {
			return body(200, strings.NewReader("a\n1\n"))
		}, "", false, 0},
		{"an expired link", "", link, func(*http.Request) (*http.Response, error) {
			return body(403, strings.NewReader("<Error/>"))
		}, "download the file: answer 403", false, 403},
		{"plain http", "", "http://files.example.com/1.csv?signature=canary-signature", nil,
			"its address is not https", true, 0},
		{"no address", "", "https://%zz?canary-signature", nil, "its address is not https", true, 0},
		{"plain http to loopback", "", "http://127.0.0.1:1/canary-signature", nil, "its address is not https", true, 0},
		{"plain http elsewhere than App", "http://127.0.0.1:1", "http://files.example.com/canary-signature", nil,
			"its address is not https", true, 0},
		{"plain http where App is", "http://emulator:8025", "http://emulator:8026/canary-signature",
			func(*http.Request) (*http.Response, error) { return body(200, strings.NewReader("a\n1\n")) }, "", false,
			0},
		{"a redirect to plain http", "", link, func(*http.Request) (*http.Response, error) {
			return body(302, strings.NewReader(""), "Location", "http://files.example.com/canary-signature")
		}, "its address is not https", true, 0},
		{"redirects without an end", "", link, func(*http.Request) (*http.Response, error) {
			return body(302, strings.NewReader(""), "Location", link)
		}, "it was redirected too often", false, 0},
		{"no connection", "", link, func(*http.Request) (*http.Response, error) { return nil, io.ErrClosedPipe },
			"io: read/write on closed pipe", false, 0},
		{"a file that breaks off", "", link, func(*http.Request) (*http.Response, error) {
			return body(200, io.MultiReader(strings.NewReader("a\n1"), iotest.ErrReader(io.ErrUnexpectedEOF)))
		}, "unexpected EOF", false, 0},
	} {
		client := newClient(t, c.root, downloadRoundTrip(func(r *http.Request) (*http.Response, error) {
			if r.Header.Get("Authorization") != "" {
				t.Errorf("%s: the key is shown to %s", c.is, r.URL.Host)
			}
			return c.to(r)
		}))
		file, err := download.Fetch(t.Context(), client, c.link)
		if err == nil {
			_, err = io.Copy(io.Discard, file)
			file.Close()
		}
		var failed *download.Error
		switch {
		case c.text == "" && err != nil, c.text != "" && !errors.As(err, &failed):
			t.Errorf("%s: %v", c.is, err)
		case c.text != "" && (!strings.Contains(err.Error(), c.text) || strings.Contains(err.Error(), "canary") ||
			failed.Unfit() != c.unfit || failed.Status != c.status):
			t.Errorf("%s: %v, %+v", c.is, err, failed)
		}
	}
}

// slow gives a byte and is silent then for a time.
type slow struct{ pause time.Duration }

func (s slow) Read(p []byte) (int, error) {
	time.Sleep(s.pause)
	return copy(p, "x"), nil
}

// stuck gives nothing until its request ends.
type stuck struct{ ctx context.Context }

func (s stuck) Read([]byte) (int, error) {
	<-s.ctx.Done()
	return 0, s.ctx.Err()
}

// A host that sends nothing for half a minute is given up. One that is slow is not, and neither is a file that nobody
// has read for an hour, because the bus was down.
func TestASilentHostIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var file io.ReadCloser
		fetch := func(to downloadRoundTrip) (err error) {
			file, err = download.Fetch(t.Context(), newClient(t, "", to), link)
			return err
		}
		began := time.Now()
		err := fetch(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		})
		if took := time.Since(began); err == nil || !strings.Contains(err.Error(), "no bytes came in time") ||
			took != 30*time.Second {
			t.Errorf("%v after %s", err, took)
		}
		err = fetch(func(r *http.Request) (*http.Response, error) {
			return body(200, io.MultiReader(strings.NewReader("ab"), io.LimitReader(slow{20 * time.Second}, 9),
				stuck{r.Context()}))
		})
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		if _, err := io.ReadFull(file, make([]byte, 1)); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Hour)
		text, err := io.ReadAll(file)
		if len(text) != 10 || err == nil || !strings.Contains(err.Error(), "no bytes came in time") {
			t.Errorf("%q, %v", text, err)
		}
	})
}

// A real server is asked over the client's own connections, and one that sends less than it has said is noticed.
func TestADownloadFromAServer(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" || r.Header.Get("Accept-Encoding") != "" {
			t.Errorf("header %v", r.Header)
		}
		if r.URL.Path == "/cut.csv" {
			w.Header().Set("Content-Length", "100")
		}
		_, _ = io.WriteString(w, "a\n1\n")
	}))
	defer server.Close()
	client := newClient(t, server.URL, nil)
	file, err := download.Fetch(t.Context(), client, server.URL+"/1.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if text, err := io.ReadAll(file); err != nil || string(text) != "a\n1\n" {
		t.Errorf("%q, %v", text, err)
	}
	cut, err := download.Fetch(t.Context(), client, server.URL+"/cut.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer cut.Close()
	if text, err := io.ReadAll(cut); !errors.Is(err, io.ErrUnexpectedEOF) || string(text) != "a\n1\n" {
		t.Errorf("of a file that is cut: %q, %v", text, err)
	}
}
