package sink

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
)

// The limits of a request, the same that the bridge keeps.
const (
	MaxItems = 500
	MaxBytes = 500_000
)

// Options is how the stand-in for Customer.io behaves.
type Options struct {
	Latency time.Duration // how long it waits before it answers
	Hang    time.Duration // for how long from its first request on it answers nothing at all
	TLS     string        // the folder of its certificate, where it has one
}

// sink stands in for Customer.io: it takes every batch, counts what is in it and answers as Customer.io does. It does
// as little as it can, so that the programs in front of it are what is measured.
type sink struct {
	Options
	expect  int64
	began   chan struct{} // closed with the first request
	reached chan struct{} // closed with the last item that was expected

	next     []atomic.Uint32 // per person, the sequence number that comes next
	items    atomic.Int64
	requests atomic.Int64
	hung     atomic.Int64
	bytes    atomic.Int64
	disorder atomic.Int64
	first    atomic.Int64 // unix nanoseconds
	most     atomic.Int64
	buffers  sync.Pool

	mu  sync.Mutex
	log []Request
}

func newSink(expect int64, persons int, o Options) *sink {
	s := &sink{
		Options: o, expect: expect, began: make(chan struct{}), reached: make(chan struct{}),
		next: make([]atomic.Uint32, persons),
	}
	s.buffers.New = func() any { return bytes.NewBuffer(make([]byte, 0, MaxBytes)) }
	return s
}

// Run prints its address, then "first" with its first request, "reached" when all events have come, and what arrived
// when it is stopped.
func Run(ctx context.Context, args []string, stdout io.Writer) error {
	fs := flag.NewFlagSet("sink", flag.ContinueOnError)
	var o Options
	expect := fs.Int64("expect", 0, "items to wait for")
	persons := fs.Int("persons", 0, "persons that the items are about")
	log := fs.String("log", "", "file for the log of requests")
	fs.DurationVar(&o.Latency, "latency", 0, "wait before answering")
	fs.DurationVar(&o.Hang, "hang", 0, "answer nothing for so long from the first request on")
	fs.StringVar(&o.TLS, "tls", "", "folder of the certificate")
	if err := fs.Parse(args); err != nil {
		return err
	}
	s := newSink(*expect, *persons, o)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/v2/batch", s.batch)
	mux.HandleFunc("POST /api/v1/segments/{segment}/add_customers", s.batch)
	mux.HandleFunc("GET /api/v1/accounts/region", region)
	srv := &http.Server{Handler: mux}
	served := make(chan error, 1)
	if o.TLS == "" {
		go func() { served <- srv.Serve(l) }()
		fmt.Fprintln(stdout, l.Addr())
	} else {
		go func() {
			served <- srv.ServeTLS(l, filepath.Join(o.TLS, "certificate.pem"), filepath.Join(o.TLS, "key.pem"))
		}()
		fmt.Fprintln(stdout, "https://"+l.Addr().String())
	}
	for _, milestone := range []struct {
		passed <-chan struct{}
		name   string
	}{{s.began, LineFirst}, {s.reached, LineReached}} {
		select {
		case <-milestone.passed:
			fmt.Fprintln(stdout, milestone.name)
		case <-ctx.Done():
		}
	}
	<-ctx.Done()
	srv.Close()
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve: %w", err)
	}
	if err := writeLog(*log, s.log); err != nil {
		return err
	}
	return json.NewEncoder(stdout).Encode(s.arrivals())
}

// What the sink prints on its way.
const (
	LineFirst   = "first"
	LineReached = "reached"
)

func region(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	fmt.Fprintf(w, `{"url":"http://%s","region":"eu","environment_id":1}`+"\n", r.Host)
}

func (s *sink) batch(w http.ResponseWriter, r *http.Request) {
	buf := s.buffers.Get().(*bytes.Buffer)
	defer s.buffers.Put(buf)
	buf.Reset()
	if _, err := buf.ReadFrom(r.Body); err != nil {
		http.Error(w, `{"errors":[{"reason":"invalid","field":"body","message":"cannot be read"}]}`,
			http.StatusBadRequest)
		return
	}
	now := time.Now()
	if s.first.CompareAndSwap(0, now.UnixNano()) {
		close(s.began)
	}
	if left := s.Hang - now.Sub(time.Unix(0, s.first.Load())); left > 0 {
		s.leaveHanging(r.Context(), left)
	}
	s.take(buf.Bytes(), now, r)
	time.Sleep(s.Latency)
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_, _ = io.WriteString(w, "{}\n")
}

// leaveHanging never answers: it ends the connection when the time is over, unless the client does so before. What
// was in the request does not count as arrived.
func (s *sink) leaveHanging(client context.Context, left time.Duration) {
	s.hung.Add(1)
	select {
	case <-client.Done():
	case <-time.After(left):
	}
	panic(http.ErrAbortHandler)
}

// take counts a request.
func (s *sink) take(body []byte, now time.Time, r *http.Request) {
	req := Request{At: now.UnixMicro(), Bytes: len(body)}
	req.From, _, _ = r.BasicAuth()
	s.count(body, &req)
	s.mu.Lock()
	s.log = append(s.log, req)
	s.mu.Unlock()
	s.requests.Add(1)
	s.bytes.Add(int64(len(body)))
	n := int64(req.Items)
	total := s.items.Add(n)
	if most := MostOf(s.expect); total >= most && total-n < most {
		s.most.Store(now.UnixNano())
	}
	if total >= s.expect && total-n < s.expect {
		close(s.reached)
	}
}
