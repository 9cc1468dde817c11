package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ciobridge/ciobridge/bench/sink"
)

func TestSinkSeesLossRepetitionAndDisorder(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		sequences []string
		disorder  int64
	}{
		"in order":     {[]string{"0.0", "1.0", "0.1", "1.1"}, 0},
		"stamped":      {[]string{"0.0.1795000000000000", "0.1.1795000000000001"}, 0},
		"lost":         {[]string{"0.0", "0.2"}, 1},
		"repeated":     {[]string{"0.0", "0.0"}, 1},
		"swapped":      {[]string{"0.0", "0.2", "0.1"}, 1},
		"unknown":      {[]string{"7.0"}, 1},
		"not a number": {[]string{"x"}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var body strings.Builder
			for _, q := range tc.sequences {
				fmt.Fprintf(&body, `{"attributes":{"sequence":"%s"}}`, q)
			}
			arrived, req := sendToSink(t, body.String())
			if want := len(tc.sequences); req.Items != want || arrived.Items != int64(want) {
				t.Errorf("counted %d items, and %d in all, want %d", req.Items, arrived.Items, want)
			}
			if arrived.Disorder != tc.disorder {
				t.Errorf("disorder is %d, want %d", arrived.Disorder, tc.disorder)
			}
			first := req.At - 1795000000000000
			if name == "stamped" && !slices.Equal(req.Waits, []int64{first, first - 1}) {
				t.Errorf("the events waited %v µs, want %d and %d", req.Waits, first, first-1)
			}
		})
	}
}

// sendToSink sends one request to a sink of its own, for one item of two persons. It returns what the sink saw, and
// what stands in its log.
func sendToSink(t *testing.T, body string) (arrived sink.Arrivals, logged sink.Request) {
	t.Helper()
	log := filepath.Join(t.TempDir(), "log")
	ctx, cancel := context.WithCancel(t.Context())
	out, stdout := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := sink.Run(ctx, []string{"-expect", "1", "-persons", "2", "-log", log}, stdout)
		stdout.CloseWithError(err)
		ended <- err
	}()
	defer cancel()
	lines := bufio.NewScanner(out)
	if !lines.Scan() {
		t.Fatal(<-ended)
	}
	res, err := http.Post("http://"+lines.Text()+"/api/v2/batch", "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Errorf("it answers %s", res.Status)
	}
	cancel()
	var last string
	for lines.Scan() {
		last = lines.Text()
	}
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(last), &arrived); err != nil {
		t.Fatalf("%q: %v", last, err)
	}
	requests, err := sink.ReadLog(log)
	if err != nil || len(requests) != 1 {
		t.Fatalf("logged %v, %v", requests, err)
	}
	return arrived, requests[0]
}
