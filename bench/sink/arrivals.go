package sink

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"
)

// Arrivals is what the sink saw. It is printed as one line of JSON when the sink ends.
type Arrivals struct {
	Items    int64     `json:"items"`
	Requests int64     `json:"requests"`
	Hung     int64     `json:"hung"` // requests that were left without an answer, and are not counted otherwise
	Bytes    int64     `json:"bytes"`
	Disorder int64     `json:"disorder"` // items that were not the next of their person
	First    time.Time `json:"first"`    // when the first request had been read
	Most     time.Time `json:"most"`     // when most of what is expected had come, see MostOf
}

// MostOf is the part of the events over which the rate is measured. The rest is left out: there the last requests
// wait to be filled, which says nothing about speed.
func MostOf(events int64) int64 { return max(events*95/100, 1) }

func (s *sink) arrivals() Arrivals {
	return Arrivals{
		Items: s.items.Load(), Requests: s.requests.Load(), Hung: s.hung.Load(), Bytes: s.bytes.Load(),
		Disorder: s.disorder.Load(),
		First:    time.Unix(0, s.first.Load()), Most: time.Unix(0, s.most.Load()),
	}
}

// Request is a line in the sink's log.
type Request struct {
	At    int64  `json:"at"` // unix microseconds, when it had been read
	Items int    `json:"items"`
	Bytes int    `json:"bytes"`
	From  string `json:"from"` // the user name, by which replicas are told apart
	// for stamped events, microseconds from when each was made until the request had been read
	Waits []int64 `json:"waits,omitempty"`
}

var sequenceKey, idsKey = []byte(`"sequence":"`), []byte(`{"ids":[`)

// count finds the items of a batch by the member that every event has once, "<person>.<number>" or
// "<person>.<number>.<stamp>", and checks each number against the one before it. A person's next request is sent only
// after this one is answered, so that no lock is needed.
func (s *sink) count(body []byte, req *Request) {
	if ids, ok := bytes.CutPrefix(body, idsKey); ok { // of a segment, each of which stands for an event
		req.Items = bytes.Count(ids, []byte(`,`)) + 1
		return
	}
	for {
		i := bytes.Index(body, sequenceKey)
		if i < 0 {
			return
		}
		body = body[i+len(sequenceKey):]
		req.Items++
		person, rest := leadingNumber(body)
		number, rest := leadingNumber(rest[min(1, len(rest)):])
		if person >= uint64(len(s.next)) || !s.next[person].CompareAndSwap(uint32(number), uint32(number)+1) {
			s.disorder.Add(1)
		}
		if len(rest) > 0 && rest[0] == '.' {
			made, _ := leadingNumber(rest[1:])
			req.Waits = append(req.Waits, req.At-int64(made))
		}
	}
}

func leadingNumber(b []byte) (uint64, []byte) {
	i := 0
	for i < len(b) && '0' <= b[i] && b[i] <= '9' {
		i++
	}
	n, err := strconv.ParseUint(string(b[:i]), 10, 63)
	if err != nil {
		return 1 << 63, b[i:] // no person and no number, so that it counts as disorder
	}
	return n, b[i:]
}

func writeLog(path string, log []Request) error {
	if path == "" {
		return nil
	}
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("write the log of requests: %w", err)
	}
	defer f.Close()
	w := bufio.NewWriter(f)
	enc := json.NewEncoder(w)
	for _, r := range log {
		if err := enc.Encode(r); err != nil {
			return fmt.Errorf("write the log of requests: %w", err)
		}
	}
	return w.Flush()
}

// ReadLog reads the log of requests that the sink wrote when it ended.
func ReadLog(path string) ([]Request, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read the log of requests: %w", err)
	}
	defer f.Close()
	var log []Request
	for dec := json.NewDecoder(bufio.NewReader(f)); ; {
		var r Request
		err := dec.Decode(&r)
		if err == io.EOF {
			return log, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read the log of requests: %w", err)
		}
		log = append(log, r)
	}
}
