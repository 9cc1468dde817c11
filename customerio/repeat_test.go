package customerio

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
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
