package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// TestMain lets the test binary play the roles that the bench starts as processes of their own.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && roles[os.Args[1]] != nil {
		main()
		return
	}
	os.Exit(m.Run())
}

func TestCeilingCarriesEveryEventOnceAndInOrder(t *testing.T) {
	for _, source := range []string{"-nats=false", "-nats"} {
		t.Run(source, func(t *testing.T) {
			t.Parallel()
			var out, progress bytes.Buffer
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Second)
			defer cancel()
			args := []string{"-only", "ceiling", "-events", "5000", "-persons", "200", "-size", "300", "-runs", "1", "-o", "json", source}
			if err := run(ctx, args, &out, &progress); err != nil {
				t.Fatalf("%v\n%s", err, &progress)
			}
			var rep report
			if err := json.Unmarshal(out.Bytes(), &rep); err != nil {
				t.Fatal(err)
			}
			if len(rep.Medians) != 1 {
				t.Fatalf("want one row, got %s", &out)
			}
			if m := rep.Medians[0]; m.EventsPerSecond <= 0 || m.CPUPerMillion <= 0 || m.Requests < 10 || m.Fill <= 0 || m.Fill > 1 {
				t.Errorf("implausible figures: %+v", m)
			}
		})
	}
}

func TestSinkSeesLossRepetitionAndDisorder(t *testing.T) {
	for name, tc := range map[string]struct {
		sequences []string
		disorder  int64
	}{
		"in order":     {[]string{"0.0", "1.0", "0.1", "1.1"}, 0},
		"lost":         {[]string{"0.0", "0.2"}, 1},
		"repeated":     {[]string{"0.0", "0.0"}, 1},
		"swapped":      {[]string{"0.0", "0.2", "0.1"}, 1},
		"unknown":      {[]string{"7.0"}, 1},
		"not a number": {[]string{"x"}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSink(1, 2, 0)
			var body strings.Builder
			for _, q := range tc.sequences {
				fmt.Fprintf(&body, `{"attributes":{"sequence":"%s"}}`, q)
			}
			if n := s.count([]byte(body.String())); n != int64(len(tc.sequences)) {
				t.Errorf("counted %d items, want %d", n, len(tc.sequences))
			}
			if got := s.disorder.Load(); got != tc.disorder {
				t.Errorf("disorder is %d, want %d", got, tc.disorder)
			}
		})
	}
}

func TestPlanRefusesWhatItCannotDo(t *testing.T) {
	for _, args := range [][]string{
		{"-size", "10"}, {"-size", "big"}, {"-events", "0"}, {"-runs", "0"}, {"-o", "xml"}, {"-only", "other"}, {"-nats", "-brokers", "kafka:9092"}, {"word"},
	} {
		if _, err := parsePlan(args, &bytes.Buffer{}); err == nil {
			t.Errorf("%v was accepted", args)
		}
	}
}

func TestMedians(t *testing.T) {
	runs := []result{{CPUPerMillion: 9, Requests: 1}, {CPUPerMillion: 2, Requests: 8}, {CPUPerMillion: 4, Requests: 3}}
	if m := medians(runs); m.CPUPerMillion != 4 || m.Requests != 3 {
		t.Errorf("medians of three are %v and %v, want 4 and 3", m.CPUPerMillion, m.Requests)
	}
	if m := medians(runs[:2]); m.CPUPerMillion != 5.5 {
		t.Errorf("the median of two is %v, want their mean 5.5", m.CPUPerMillion)
	}
}
