package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"time"
)

// program is what is measured: it carries everything that a source holds to a sink, until it is stopped.
type program interface {
	name() string
	// command prepares the program to read src as the given reader and to post to the sink. Dir is its own.
	command(dir, reader, sink string, src source) (*exec.Cmd, error)
}

const (
	programCeiling = "ceiling"
	programBridge  = "bridge"
)

type ceilingProgram struct{}

func (ceilingProgram) name() string { return programCeiling }

func (ceilingProgram) command(_, reader, sink string, src source) (*exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find the bench program: %w", err)
	}
	switch s := src.(type) {
	case *kafkaSource:
		return exec.Command(self, "kafka-ceiling", "-brokers", s.brokers, "-topic", s.topic, "-group", reader, "-sink", sink), nil
	case *natsSource:
		return exec.Command(self, "nats-ceiling", "-url", s.url, "-durable", reader, "-sink", sink), nil
	}
	return nil, fmt.Errorf("the ceiling cannot read %s", src.name())
}

// result is what one run of one program gave.
type result struct {
	Source          string  `json:"source"`
	Size            int     `json:"event_bytes"`
	Program         string  `json:"program"`
	EventsPerSecond float64 `json:"events_per_second"`
	CPUPerMillion   float64 `json:"cpu_seconds_per_million_events"`
	Requests        float64 `json:"requests"`
	ItemsPerRequest float64 `json:"items_per_request"`
	Fill            float64 `json:"fill"`                // of the items that fit a request by its limits
	PeakRSS         float64 `json:"peak_rss_bytes"`      // 0 where it cannot be read
	FirstRequest    float64 `json:"first_request_after"` // seconds from the start of the program
}

// runOnce lets the program carry all events to a fresh sink, checks what arrived and what was committed, and measures.
func (p *plan) runOnce(ctx context.Context, dir string, prog program, src source) (res result, err error) {
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return res, fmt.Errorf("make a working directory: %w", err)
	}
	sink, err := startRole("sink", "-expect", strconv.Itoa(p.events), "-persons", strconv.Itoa(p.persons), "-latency", p.latency.String())
	if err != nil {
		return res, err
	}
	defer sink.kill()
	addr, err := sink.line(ctx)
	if err != nil {
		return res, err
	}
	reader := fmt.Sprintf("bench-%s-%d", prog.name(), time.Now().UnixNano())
	cmd, err := prog.command(dir, reader, addr, src)
	if err != nil {
		return res, err
	}
	began := time.Now()
	subject, err := start(prog.name(), cmd)
	if err != nil {
		return res, err
	}
	defer subject.kill()
	if err := awaitReached(ctx, sink, subject); err != nil {
		return res, err
	}
	peak, err := subject.peakRSS()
	if err != nil && !errors.Is(err, errNoPeak) {
		return res, err
	}
	cpu, err := subject.stop()
	if err != nil {
		return res, err
	}
	seen, err := p.check(ctx, sink, src, reader)
	if err != nil {
		return res, err
	}
	million := float64(p.events) / 1e6
	perRequest := float64(seen.Items) / float64(seen.Requests)
	return result{
		Source: src.name(), Program: prog.name(),
		EventsPerSecond: float64(mostOf(int64(p.events))) / seen.Most.Sub(seen.First).Seconds(),
		CPUPerMillion:   cpu.Seconds() / million,
		Requests:        float64(seen.Requests),
		ItemsPerRequest: perRequest,
		Fill:            perRequest / fullRequest(seen),
		PeakRSS:         float64(peak),
		FirstRequest:    seen.First.Sub(began).Seconds(),
	}, nil
}

// fullRequest is the number of items, of the size that they had on average, that a request can hold.
func fullRequest(seen arrivals) float64 {
	return min(maxBatchItems, maxBatchBytes/(float64(seen.Bytes)/float64(seen.Items)))
}

func awaitReached(ctx context.Context, sink, subject *process) error {
	for {
		select {
		case <-subject.done:
			return subject.failure("ended before it had delivered everything")
		case line, ok := <-sink.lines:
			if !ok {
				<-sink.done
				return sink.failure("ended early")
			}
			if line == "reached" {
				return nil
			}
		case <-ctx.Done():
			return subject.failure("did not deliver everything: " + context.Cause(ctx).Error())
		}
	}
}

// check stops the sink and holds what it saw, and what the program committed, against what was published.
func (p *plan) check(ctx context.Context, sink *process, src source, reader string) (arrivals, error) {
	var seen arrivals
	if _, err := sink.stop(); err != nil {
		return seen, err
	}
	line, err := sink.line(ctx)
	if err != nil {
		return seen, err
	}
	if err := json.Unmarshal([]byte(line), &seen); err != nil {
		return seen, fmt.Errorf("read what arrived: %w", err)
	}
	settled, err := src.settled(ctx, reader)
	if err != nil {
		return seen, err
	}
	if seen.Items != int64(p.events) || seen.Disorder > 0 || settled != int64(p.events) {
		return seen, fmt.Errorf("the run does not count: of %d events %d arrived, %d of them repeated or out of order, and %d were committed",
			p.events, seen.Items, seen.Disorder, settled)
	}
	return seen, nil
}
