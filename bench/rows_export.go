package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"
)

const benchAppKey = "bench-app-key"

// export measures how fast one bridge publishes the rows of a large export, and how much memory that takes.
func (b *bench) export(ctx context.Context, group string) error {
	ctx, cancel := context.WithTimeout(ctx, b.timeout+time.Minute) // until it is time for the report
	defer cancel()
	k, err := openKafka(ctx, b.brokers, 4)
	if err != nil {
		return err
	}
	defer k.close()
	e := &exported{kafka: k, rows: max(b.events*5/2, 1000)}
	if err := e.makeTopic(ctx); err != nil {
		return err
	}
	customers, addr, err := e.customers(ctx, b.bridge.binary)
	if err != nil {
		return err
	}
	defer customers.kill()
	dir := b.newDir()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make a working directory: %w", err)
	}
	subject := b.bridge.with("bridge, export", settings{sections: e.sections(dir), appKey: benchAppKey})
	bridge, err := launch(subject, dir, "bench-export", addr, k, "")
	if err != nil {
		return err
	}
	defer bridge.kill()
	run, err := e.follow(ctx, bridge)
	if err != nil {
		return err
	}
	if _, err := bridge.stop(); err != nil {
		return err
	}
	figures := fmt.Sprintf("%d rows of deliveries, each published once in %.1f s, %.0f MiB above %.0f MiB", e.rows,
		run.took.Seconds(), run.above, run.own)
	b.report.addRow(group, "rows/s of an export", figures, untargeted(float64(e.rows)/run.took.Seconds(), perSecond))
	b.report.addRow(group, "CPU of a row", figures, untargeted(float64(run.cpu.Microseconds())/float64(e.rows), micros))
	b.report.addRow(group, "peak RSS above the bridge's own", figures, atMost(run.above, 64, mebi))
	return nil
}

// exported is an export that a bridge publishes to a topic.
type exported struct {
	kafka *kafkaSource
	rows  int
}

func (e *exported) topic() string { return e.kafka.topic + ".reports" }

func (e *exported) makeTopic(ctx context.Context) error {
	res, err := e.kafka.client.CreateTopics(ctx, &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{
		{Topic: e.topic(), NumPartitions: e.kafka.partitions, ReplicationFactor: 1}}})
	if err = errors.Join(err, errorsOf(res, e.topic())); err != nil {
		return fmt.Errorf("create the topic of reports: %w", err)
	}
	return nil
}

// sections has a report that is run at each full minute.
func (e *exported) sections(dir string) string {
	return fmt.Sprintf("reports:\n  - name: deliveries\n    type: deliveries_export\n    schedule: \"* * * * *\"\n"+
		"    params: {of: {campaign: 7}}\n    to: {topic: %s}\nreport_state: {file: %s}\n", e.topic(),
		filepath.Join(dir, "reports.jsonl"))
}

// customers starts the emulator, whose exports have so many rows.
func (e *exported) customers(ctx context.Context, binary string) (p *process, addr string, err error) {
	p, err = start("emulator", exec.Command(binary, "emulate", "--listen", "127.0.0.1:0", "--region", "eu", "--site-id",
		"bench-site", "--api-key", "bench-key", "--app-key", benchAppKey, "-o", "json"))
	if err != nil {
		return nil, "", err
	}
	if addr, err = e.ask(ctx, p); err != nil {
		p.kill()
		return nil, "", err
	}
	return p, addr, nil
}

// ask asks the emulator for exports with so many rows, and gives its address.
func (e *exported) ask(ctx context.Context, p *process) (addr string, err error) {
	var text strings.Builder
	var said struct{ URL string }
	for json.Unmarshal([]byte(text.String()), &said) != nil {
		line, err := p.line(ctx)
		if err != nil {
			return "", err
		}
		text.WriteString(line)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPut, said.URL+"/_emulator/exports",
		strings.NewReader(fmt.Sprintf(`{"rows":%d}`, e.rows)))
	if err != nil {
		return "", err
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", p.failure(err.Error())
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return "", p.failure(fmt.Sprintf("was asked for large exports and answered %d", res.StatusCode))
	}
	return strings.TrimPrefix(said.URL, "http://"), nil
}

// exportRun is what the export took.
type exportRun struct {
	took, cpu  time.Duration
	own, above float64 // MiB
}

// follow waits until all rows are published, each once.
func (e *exported) follow(ctx context.Context, bridge *process) (r exportRun, err error) {
	var own, peak int64
	var before, after time.Duration
	began, stored := time.Now(), 0
	for stored == 0 { // what is looked at before the first row is there is the bridge's own
		began = time.Now()
		if own, err = bridge.peakRSS(); err == nil {
			before, err = bridge.cpuSoFar()
		}
		if stored, err = e.look(ctx, bridge, err); err != nil {
			return r, err
		}
	}
	for stored < e.rows {
		if stored, err = e.look(ctx, bridge, nil); err != nil {
			return r, err
		}
	}
	r.took = time.Since(began)
	if peak, err = bridge.peakRSS(); err == nil {
		after, err = bridge.cpuSoFar()
	}
	if stored, err = e.look(ctx, bridge, err); err == nil && stored != e.rows {
		err = fmt.Errorf("%d rows are published, of %d", stored, e.rows)
	}
	r.own, r.above, r.cpu = float64(own)/(1<<20), float64(peak-own)/(1<<20), after-before
	return r, err
}

// look counts what is published, unless something has failed, and waits a little.
func (e *exported) look(ctx context.Context, bridge *process, failed error) (stored int, err error) {
	if err = failed; err == nil {
		stored, err = e.kafka.stored(ctx, e.topic())
	}
	if err != nil {
		return 0, bridge.failure(err.Error())
	}
	time.Sleep(10 * time.Millisecond)
	return stored, nil
}
