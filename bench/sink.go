package main

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
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// arrivals is what the sink saw. It is printed as one line of JSON when the sink ends.
type arrivals struct {
	Items    int64     `json:"items"`
	Requests int64     `json:"requests"`
	Bytes    int64     `json:"bytes"`
	Disorder int64     `json:"disorder"` // items that were not the next of their person
	First    time.Time `json:"first"`    // when the first request had been read
	Most     time.Time `json:"most"`     // when most of what is expected had come, see mostOf
}

// mostOf is the part of the events over which the rate is measured. The rest is left out: there the last requests wait to be
// filled, which says nothing about speed.
func mostOf(events int64) int64 { return max(events*95/100, 1) }

// sink stands in for Customer.io: it takes every batch, counts what is in it and answers as Customer.io does. It does as little
// as it can, so that the programs in front of it are what is measured.
type sink struct {
	expect  int64
	latency time.Duration
	reached chan struct{} // closed with the last item that was expected

	next     []atomic.Uint32 // per person, the sequence number that comes next
	items    atomic.Int64
	requests atomic.Int64
	bytes    atomic.Int64
	disorder atomic.Int64
	first    atomic.Int64 // unix nanoseconds
	most     atomic.Int64
	buffers  sync.Pool
}

func newSink(expect int64, persons int, latency time.Duration) *sink {
	s := &sink{expect: expect, latency: latency, reached: make(chan struct{}), next: make([]atomic.Uint32, persons)}
	s.buffers.New = func() any { return bytes.NewBuffer(make([]byte, 0, maxBatchBytes)) }
	return s
}

// runSink prints its address, then the word "reached" when all events have come, then what arrived when it is stopped.
func runSink(ctx context.Context, args []string, stdout io.Writer) error {
	fs := flag.NewFlagSet("sink", flag.ContinueOnError)
	expect := fs.Int64("expect", 0, "items to wait for")
	persons := fs.Int("persons", 0, "persons that the items are about")
	latency := fs.Duration("latency", 0, "wait before answering")
	if err := fs.Parse(args); err != nil {
		return err
	}
	s := newSink(*expect, *persons, *latency)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/v2/batch", s.batch)
	mux.HandleFunc("GET /api/v1/accounts/region", region)
	srv := &http.Server{Handler: mux}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(l) }()
	fmt.Fprintln(stdout, l.Addr())

	select {
	case <-s.reached:
		fmt.Fprintln(stdout, "reached")
		<-ctx.Done()
	case <-ctx.Done():
	}
	srv.Close()
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve: %w", err)
	}
	return json.NewEncoder(stdout).Encode(s.arrivals())
}

func region(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	fmt.Fprintf(w, `{"url":"http://%s","region":"eu","environment_id":1}`+"\n", r.Host)
}

func (s *sink) batch(w http.ResponseWriter, r *http.Request) {
	buf := s.buffers.Get().(*bytes.Buffer)
	defer s.buffers.Put(buf)
	buf.Reset()
	if _, err := buf.ReadFrom(r.Body); err != nil {
		http.Error(w, `{"errors":[{"reason":"invalid","field":"body","message":"cannot be read"}]}`, http.StatusBadRequest)
		return
	}
	now := time.Now().UnixNano()
	s.first.CompareAndSwap(0, now)
	n := s.count(buf.Bytes())
	s.requests.Add(1)
	s.bytes.Add(int64(buf.Len()))
	total := s.items.Add(n)
	if most := mostOf(s.expect); total >= most && total-n < most {
		s.most.Store(now)
	}
	if total >= s.expect && total-n < s.expect {
		close(s.reached)
	}
	time.Sleep(s.latency)
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_, _ = io.WriteString(w, "{}\n")
}

var sequenceKey = []byte(`"sequence":"`)

// count finds the items of a batch by the member that every event has once, "<person>.<number>", and checks each number
// against the one before it. A person's next request is sent only after this one is answered, so that no lock is needed.
func (s *sink) count(body []byte) int64 {
	var n int64
	for {
		i := bytes.Index(body, sequenceKey)
		if i < 0 {
			return n
		}
		body = body[i+len(sequenceKey):]
		n++
		person, rest := leadingNumber(body)
		number, _ := leadingNumber(rest[min(1, len(rest)):])
		if person >= uint64(len(s.next)) || !s.next[person].CompareAndSwap(uint32(number), uint32(number)+1) {
			s.disorder.Add(1)
		}
	}
}

func leadingNumber(b []byte) (uint64, []byte) {
	i := 0
	for i < len(b) && '0' <= b[i] && b[i] <= '9' {
		i++
	}
	n, err := strconv.ParseUint(string(b[:i]), 10, 32)
	if err != nil {
		return 1 << 63, b[i:] // no person and no number, so that it counts as disorder
	}
	return n, b[i:]
}

func (s *sink) arrivals() arrivals {
	return arrivals{
		Items: s.items.Load(), Requests: s.requests.Load(), Bytes: s.bytes.Load(), Disorder: s.disorder.Load(),
		First: time.Unix(0, s.first.Load()), Most: time.Unix(0, s.most.Load()),
	}
}
