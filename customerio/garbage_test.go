//go:build !race

// The race detector has a sync.Pool forget some of what it is given, and what that costs is not the program's.

package customerio

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strconv"
	"testing"
	"time"
)

// A request of 450 KB over TLS leaves less than 4 KB of garbage, nearly all of it by package net/http, and the other
// side of this test another 0.5 KB: a body is written from a buffer that outlives its request, and batches share their
// head.
func TestGarbageOfARequestOverTLS(t *testing.T) {
	unused := httptest.NewTLSServer(nil) // for its certificate
	defer unused.Close()
	l, err := tls.Listen("tcp", "127.0.0.1:0", unused.TLS)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go answerAll(l.Accept)
	client := clientOf(t, &httptest.Server{URL: "https://" + l.Addr().String()})
	pool := unused.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	client.transport.(*http.Transport).TLSClientConfig.RootCAs = pool

	request := Request{Endpoint: Batch, Method: http.MethodPost, Path: BatchPath, Calls: 450,
		Body:  [][]byte{bytes.Repeat([]byte(" "), 450_000)},
		Until: func() (time.Time, bool) { return time.Time{}, false }}
	send := func(n int) {
		for range n {
			if a := client.Do(t.Context(), request); a.Status != http.StatusOK {
				t.Fatalf("got %+v", a)
			}
		}
	}
	send(5)
	var each []float64
	for range 5 { // others of this process may allocate meanwhile
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		send(10)
		runtime.ReadMemStats(&after)
		each = append(each, float64(after.TotalAlloc-before.TotalAlloc)/10)
	}
	t.Logf("%.0f bytes a request", each)
	if least := slices.Min(each); least > 4.5*1024 {
		t.Errorf("a request leaves %.0f bytes of garbage", least)
	}
}

// answerAll takes requests on connections and leaves as little garbage as it can.
func answerAll[C io.ReadWriteCloser](accept func() (C, error)) {
	for {
		conn, err := accept()
		if err != nil {
			return
		}
		go func() {
			defer conn.Close()
			in := bufio.NewReaderSize(conn, 64<<10)
			answer := []byte("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")
			for {
				length := 0
				for {
					line, err := in.ReadSlice('\n')
					if err != nil {
						return
					}
					if len(line) == 2 {
						break
					}
					if value, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
						length, _ = strconv.Atoi(string(bytes.TrimSpace(value)))
					}
				}
				if _, err := in.Discard(length); err != nil {
					return
				}
				if _, err := conn.Write(answer); err != nil {
					return
				}
			}
		}()
	}
}
