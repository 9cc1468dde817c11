package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/ciobridge/ciobridge/bench/sink"
	"github.com/ciobridge/ciobridge/bench/traffic"
)

// trial is one run: programs carry what a source holds to a fresh sink, and what arrived and what was committed is
// checked.
type trial struct {
	programs []program // more than one are replicas, which share the work
	source   source
	load     traffic.Load
	options  sink.Options // of the sink
	trusts   string       // the folder of the certificate that programs trust; empty for the system's
	// speed, if set, tells the events per second from the sink's log of requests, for a trial in which a part of them
	// is left out.
	speed func(log []sink.Request) float64
	// publish, if set, publishes while the programs run. Otherwise the source holds everything before.
	publish func(ctx context.Context, reader string) error
}

// running is a trial on its way.
type running struct {
	trial
	dir, reader, addr string
	sink              *process
	subjects          []*process
	ended             chan *process // what has ended by itself
	began             time.Time
}

func (r *running) logFile() string { return filepath.Join(r.dir, "requests") }

// run makes a trial and returns what it gave, and the sink's log of requests.
func (b *bench) run(ctx context.Context, t trial) (res result, log []sink.Request, err error) {
	ctx, cancel := context.WithTimeout(ctx, b.timeout)
	defer cancel()
	r := &running{trial: t, dir: b.newDir(), reader: fmt.Sprintf("bench-%d", time.Now().UnixNano()),
		ended: make(chan *process, len(t.programs))}
	name := t.programs[0].name()
	if err := r.start(ctx); err != nil {
		return res, nil, fmt.Errorf("%s: %w", name, err)
	}
	defer r.kill()
	res, err = r.measure(ctx)
	if err != nil {
		return res, nil, fmt.Errorf("%s: %w", name, err)
	}
	log, err = sink.ReadLog(r.logFile())
	return res, log, err
}

// start starts the sink and the programs.
func (r *running) start(ctx context.Context) (err error) {
	defer func() {
		if err != nil {
			r.kill()
		}
	}()
	if err := os.MkdirAll(r.dir, 0o700); err != nil {
		return fmt.Errorf("make a working directory: %w", err)
	}
	r.sink, err = startRole("sink", "-expect", strconv.Itoa(r.load.Events), "-persons", strconv.Itoa(r.load.Persons),
		"-latency", r.options.Latency.String(), "-hang", r.options.Hang.String(), "-log", r.logFile(),
		"-tls", r.options.TLS)
	if err != nil {
		return err
	}
	if r.addr, err = r.sink.line(ctx); err != nil {
		return err
	}
	r.began = time.Now()
	for i, p := range r.programs {
		dir := filepath.Join(r.dir, strconv.Itoa(i))
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("make a working directory: %w", err)
		}
		subject, err := launch(p, dir, r.reader, r.addr, r.source, r.trusts)
		if err != nil {
			return err
		}
		r.subjects = append(r.subjects, subject)
		go func() {
			<-subject.done
			r.ended <- subject
		}()
	}
	return nil
}

func (r *running) kill() {
	for _, s := range r.subjects {
		s.kill()
	}
	if r.sink != nil {
		r.sink.kill()
	}
}

// measure waits until everything has arrived, stops the programs and holds what they did against what they should
// have done.
func (r *running) measure(ctx context.Context) (res result, err error) {
	if r.publish != nil {
		if err := r.publish(ctx, r.reader); err != nil {
			return res, fmt.Errorf("publish: %w", err)
		}
	}
	if err := r.await(ctx, sink.LineFirst); err != nil {
		return res, err
	}
	starting, err := sum(r.subjects, (*process).cpuSoFar)
	if err != nil {
		return res, err
	}
	if err := r.await(ctx, sink.LineReached); err != nil {
		return res, err
	}
	peak, err := sum(r.subjects, (*process).peakRSS)
	if err != nil {
		return res, err
	}
	cpu, err := sum(r.subjects, (*process).stop)
	if err != nil {
		return res, err
	}
	seen, err := r.check(ctx)
	if err != nil {
		return res, err
	}
	million := float64(r.load.Events) / 1e6
	perRequest := float64(seen.Items) / float64(seen.Requests)
	return result{
		Source: r.source.name(), Size: r.load.Size, Program: r.programs[0].name(),
		EventsPerSecond: float64(sink.MostOf(int64(r.load.Events))) / seen.Most.Sub(seen.First).Seconds(),
		CPUPerMillion:   cpu.Seconds() / million,
		CPUOnceRunning:  (cpu - starting).Seconds() / million,
		Requests:        float64(seen.Requests),
		ItemsPerRequest: perRequest,
		Fill:            perRequest / fullRequest(seen),
		PeakRSS:         float64(peak),
		FirstRequest:    seen.First.Sub(r.began).Seconds(),
		Hung:            float64(seen.Hung),
	}, nil
}

// sum adds up a figure of all processes; where the machine does not tell it, it is 0.
func sum[T ~int64](ps []*process, of func(*process) (T, error)) (T, error) {
	var total T
	for _, p := range ps {
		n, err := of(p)
		if err != nil && !errors.Is(err, errNoProc) {
			return 0, err
		}
		total += n
	}
	return total, nil
}

// fullRequest is the number of items, of the size that they had on average, that a request can hold.
func fullRequest(seen sink.Arrivals) float64 {
	return min(sink.MaxItems, sink.MaxBytes/(float64(seen.Bytes)/float64(seen.Items)))
}

// await waits for a line of the sink, while the programs must go on.
func (r *running) await(ctx context.Context, want string) error {
	for {
		select {
		case s := <-r.ended:
			return s.failure("ended before it had delivered everything")
		case line, ok := <-r.sink.lines:
			if !ok {
				<-r.sink.done
				return r.sink.failure("ended early")
			}
			if line == want {
				return nil
			}
		case <-ctx.Done():
			return r.subjects[0].failure("did not deliver everything: " + context.Cause(ctx).Error())
		}
	}
}

// check stops the sink and holds what it saw, and what the programs committed, against what was published.
func (r *running) check(ctx context.Context) (sink.Arrivals, error) {
	var seen sink.Arrivals
	if _, err := r.sink.stop(); err != nil {
		return seen, err
	}
	line, err := r.sink.line(ctx)
	if err != nil {
		return seen, err
	}
	if err := json.Unmarshal([]byte(line), &seen); err != nil {
		return seen, fmt.Errorf("read what arrived: %w", err)
	}
	settled, err := r.source.settled(ctx, r.reader)
	if err != nil {
		return seen, err
	}
	want, records := int64(r.load.Events), int64(r.load.Records())
	if seen.Items != want || seen.Disorder > 0 || settled != records {
		return seen, fmt.Errorf("the run does not count: of %d events %d arrived, "+
			"%d of them repeated or out of order, and %d of %d records were committed",
			want, seen.Items, seen.Disorder, settled, records)
	}
	if r.options.Hang > 0 && seen.Hung == 0 {
		return seen, errors.New("the run does not count: no request was left without an answer")
	}
	return seen, nil
}
