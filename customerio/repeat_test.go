package customerio

import (
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"
)

// A request whose connection ends after it was handed over is not made again by the transport, whatever its headers
// say: the caller decides.
func TestTheTransportRepeatsNothing(t *testing.T) {
	var requests atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if requests.Add(1) == 1 {
			return // the connection is kept
		}
		if r.Header.Get("Idempotency-Key") != "7" {
			t.Error("the header did not arrive")
		}
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		conn.Close()
	}))
	defer server.Close()
	client := clientOf(t, server)
	request := Request{Endpoint: Single, Method: http.MethodPost, Path: "/api/v1/x", Body: [][]byte{[]byte("{}")},
		Calls: 1, Header: http.Header{"Idempotency-Key": {"7"}}}
	if a := client.Do(t.Context(), request); a.Status != 200 {
		t.Fatalf("%+v", a)
	}
	if a := client.Do(t.Context(), request); a.Status != 0 || !a.Unsure() || requests.Load() != 2 {
		t.Errorf("%d requests were made, the answer is %+v", requests.Load(), a)
	}
}

// A request without a body may have been made once its head was handed over, and not before: whoever waits for a
// connection has asked for nothing.
func TestARequestWithoutABodyIsSentWithItsHead(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		conn.Close()
	}))
	defer server.Close()
	client := clientOf(t, server)
	request := Request{Endpoint: Single, Method: http.MethodPost, Path: "/api/v1/x", Calls: 1,
		Timeout: 200 * time.Millisecond}
	if a := client.Do(t.Context(), request); a.Status != 0 || !a.Unsure() {
		t.Errorf("after the head: %+v", a)
	}
	client.roots[TrackAPI] = "https://" + silent.Addr().String()
	if a := client.Do(t.Context(), request); a.Cause != CauseTimeout || a.Unsure() {
		t.Errorf("before the head: %+v", a)
	}
}
