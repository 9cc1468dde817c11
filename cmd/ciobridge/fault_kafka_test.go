package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ciobridge/ciobridge/emulator"
	"github.com/ciobridge/ciobridge/internal/checkertest"
	"github.com/ciobridge/ciobridge/internal/exit"
	"github.com/ciobridge/ciobridge/internal/longtest"
)

const (
	eventsTopic = "events"
	deadTopic   = "events.dead"
)

// bus is a Kafka cluster that a world publishes to: in this process, or a real one.
type bus struct {
	*world
	session time.Duration // of the bridges; a short one if zero
	brokers []string
	client  *kgo.Client
}

// newBus starts a Kafka in this process.
func newBus(t *testing.T, partitions int32) *bus {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(partitions, eventsTopic, deadTopic),
		kfake.GroupMinSessionTimeout(500*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	return joinBus(t, cluster.ListenAddrs())
}

func joinBus(t *testing.T, brokers []string) *bus {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.DefaultProduceTopic(eventsTopic))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return &bus{world: newWorld(t), brokers: brokers, client: client}
}

// configureKafka writes the configuration of a bridge that reads the bus.
func (b *bus) configureKafka() string { return b.configure(b.source(), "{topic: "+deadTopic+"}") }

// A short session is for tests in which a replica goes without a word, and another has to take its place soon. Where
// nobody does, a long one keeps a busy machine from ending it: what is sent or committed late would come again.
const (
	shortSession = time.Second
	longSession  = 10 * time.Second
)

// source is the section of the configuration that reads the bus.
func (b *bus) source() string {
	list, err := json.Marshal(b.brokers)
	if err != nil {
		b.t.Fatal(err)
	}
	return fmt.Sprintf("{kafka: {brokers: %s, group: bridge, start_at: earliest, session_timeout: %s, "+
		"rebalance_timeout: "+
		"20s, topics: [%s]}}", list, cmp.Or(b.session, shortSession), eventsTopic)
}

// produce publishes numbered events of some persons and waits for the acknowledgements.
func (b *bus) produce(n int) { b.produceTo(eventsTopic, n) }

func (b *bus) produceTo(topic string, n int) {
	b.t.Helper()
	kinds := []string{"numbered", "state", "numbered", "numbered", "skipped"}
	for i := range n {
		who := "p" + strconv.Itoa(i%53)
		record := &kgo.Record{Topic: topic, Key: []byte(who), Value: b.event(who, kinds[i/53%5])}
		b.client.Produce(context.Background(), record, func(_ *kgo.Record, err error) {
			if err != nil {
				b.t.Error(err)
			}
		})
	}
	if err := b.client.Flush(context.Background()); err != nil {
		b.t.Fatal(err)
	}
}

// delivered counts the distinct events that Customer.io has taken.
func (w *world) delivered() int {
	for _, r := range w.cio.Receipts(w.lastReceipt + 1) {
		w.lastReceipt = r.N
		if r.Taken && r.Type == "person" {
			w.taken[checkertest.Published{Person: r.Person, Seq: sequenceOf(r.Body)}] = true
		}
	}
	return len(w.taken)
}

// wanted is how many events have to be delivered.
func (w *world) wanted() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.published) - len(w.skipped)
}

func (w *world) arrive(limit time.Duration) {
	w.t.Helper()
	eventually(w.t, "every event delivered", limit, func() bool {
		return w.cio.Stats().Taken >= w.wanted() &&
			w.delivered() >= w.wanted()
	})
}

func (w *world) judge(l checkertest.Limits) checkertest.Report {
	w.t.Helper()
	report := checkertest.Check(w.history(nil), l)
	if err := report.Err(); err != nil {
		w.t.Error(err)
	}
	return report
}

func TestKafkaToCustomerIO(t *testing.T) {
	beside(t)
	b := newBus(t, 4)
	b.session = longSession
	b.produce(3000)
	p := start(t, "run", "-c", b.configureKafka())
	b.arrive(20 * time.Second)
	if code := p.stop(); code != exit.OK {
		t.Errorf("exit code %d", code)
	}
	b.judge(checkertest.Limits{})
}

func TestStopUnderLoadSendsNothingTwice(t *testing.T) {
	beside(t)
	b := newBus(t, 4)
	b.session = longSession
	stopLoop(t, b.world, b.configureKafka(), func() { b.produce(4000) })
}

// stopLoop stops the bridge under load several times. With Customer.io answering that leaves nothing to be sent twice.
func stopLoop(t *testing.T, w *world, path string, publish func()) {
	if _, err := w.cio.AddFault(mustFault(t, "name=slow,latency=30ms")); err != nil {
		t.Fatal(err)
	}
	stops := longtest.Either(1, 5)
	for range stops {
		publish()
		goal := w.cio.Stats().Taken + 800
		p := start(t, "run", "-c", path)
		eventually(t, "some delivered", 20*time.Second, func() bool { return w.cio.Stats().Taken >= goal })
		if code := p.stop(); code != exit.OK {
			t.Errorf("exit code %d", code)
		}
	}
	p := start(t, "run", "-c", path)
	w.arrive(30 * time.Second)
	p.stop()
	if report := w.judge(checkertest.Limits{}); report.Repeats > 0 {
		t.Errorf("%d repeats after %d stops", report.Repeats, stops)
	}
}

func mustFault(t *testing.T, spec string) emulator.Fault {
	t.Helper()
	f, err := emulator.ParseFault(spec)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// Replicas come and go while requests are on the wire, and while Customer.io is down.
func TestReplicasComeAndGo(t *testing.T) {
	longtest.Only(t)
	beside(t)
	b := newBus(t, 6)
	path := b.configureKafka()
	if _, err := b.cio.AddFault(mustFault(t, "name=slow,latency=50ms,times=100")); err != nil {
		t.Fatal(err)
	}
	first := start(t, "run", "-c", path)
	b.produce(2000)
	eventually(t, "some delivered", 20*time.Second, func() bool { return b.cio.Stats().Taken >= 200 })
	b.cio.RemoveFault("slow")
	if _, err := b.cio.AddFault(mustFault(t, "name=outage,status=503,for=3s")); err != nil {
		t.Fatal(err)
	}
	second := start(t, "run", "-c", path)
	b.produce(2000)
	eventually(t, "the outage met", 20*time.Second, func() bool { return b.cio.FaultCounts()["outage"] > 0 })
	if code := first.stop(); code != exit.OK {
		t.Errorf("exit code %d", code)
	}
	b.produce(2000)
	b.arrive(60 * time.Second)
	if code := second.stop(); code != exit.OK {
		t.Errorf("exit code %d", code)
	}
	b.judge(again)
	if b.cio.FaultCounts()["slow"] == 0 {
		t.Error("no answer was slow")
	}
}

// kills is how often a kill loop kills the bridge: as often as CIOBRIDGE_KILLS says, or else as usual.
func kills(t *testing.T, usual int) int {
	text := os.Getenv("CIOBRIDGE_KILLS")
	if text == "" {
		return usual
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("CIOBRIDGE_KILLS: %q is not a number of kills", text)
	}
	return n
}

// launch starts the bridge as a process of its own.
func launch(t *testing.T, out io.Writer, args ...string) *exec.Cmd {
	t.Helper()
	return launchWith(t, out, nil, args...)
}

// launchWith does so with more variables in its environment.
func launchWith(t *testing.T, out io.Writer, env []string, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := &exec.Cmd{Path: self, Args: append([]string{"ciobridge"}, args...), Stdout: out, Stderr: out,
		Env: append(os.Environ(), env...)}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill() })
	return cmd
}

func TestKilledUnderLoadOnKafka(t *testing.T) {
	longtest.Only(t)
	beside(t)
	b := newBus(t, 4)
	killLoop(t, b.world, b.configureKafka(), b.produce)
}

// killLoop kills the bridge again and again with kill -9 while events are published and Customer.io is unreliable.
func killLoop(t *testing.T, w *world, path string, publish func(n int)) {
	for _, spec := range []string{"name=lost answers,reset,applied,nth=4,times=2",
		"name=errors,status=500,nth=9,times=3", "name=slow,latency=5ms"} {
		if _, err := w.cio.AddFault(mustFault(t, spec)); err != nil {
			t.Fatal(err)
		}
	}
	killed, wanted := 0, kills(t, 2)
	for range wanted {
		if killedAtWork(t, w, path, publish) {
			killed++
		}
	}
	p := start(t, "run", "-c", path)
	w.arrive(60 * time.Second)
	p.stop()
	report := w.judge(again)
	if killed != wanted {
		t.Errorf("killed %d times, wanted %d", killed, wanted)
	}
	faults := w.cio.FaultCounts()
	if faults["lost answers"] == 0 || faults["errors"] == 0 {
		t.Errorf("not every fault happened: %v", faults)
	}
	t.Logf("%d kills, %d events, %d receipts repeated, faults %v", killed, report.Events, report.Repeats, faults)
}

// killedAtWork starts a bridge, kills it while it reads and calls arrive, and reports whether it was the signal that
// ended it. Another replica may deliver all there is while this one starts, so that events are published until both
// have been seen.
func killedAtWork(t *testing.T, w *world, path string, publish func(n int)) bool {
	t.Helper()
	var log logBuffer
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("log of the bridge that is killed:\n%s", &log)
		}
	})
	before := w.cio.Stats().Taken
	cmd := launch(t, &log, "run", "-c", path)
	publish(1000)
	published := time.Now()
	eventually(t, "a killed bridge's successor delivers", 40*time.Second, func() bool {
		if time.Since(published) > 2*time.Second {
			publish(300)
			published = time.Now()
		}
		reads := strings.Contains(log.String(), `"joined consumer group"`) ||
			strings.Contains(log.String(), `"stream read here"`)
		return reads && w.cio.Stats().Taken >= before+300
	})
	if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	err := cmd.Wait()
	return err != nil && strings.Contains(err.Error(), "killed")
}

// A replica that is paused past its session finds its requests overtaken: what it still had to send it drops.
func TestPausedReplicaOnKafka(t *testing.T) {
	longtest.Only(t)
	beside(t)
	b := newBus(t, 4)
	pauseReplica(t, b.world, b.configureKafka(), b.produce)
}

// pauseReplica stops a process with SIGSTOP in the middle of its work, lets another take over, and wakes the first.
func pauseReplica(t *testing.T, w *world, path string, publish func(n int)) {
	if _, err := w.cio.AddFault(mustFault(t, "name=slow,latency=40ms")); err != nil {
		t.Fatal(err)
	}
	var log logBuffer
	publish(3000)
	paused := launch(t, &log, "run", "-c", path)
	eventually(t, "the first delivers", 20*time.Second, func() bool { return w.cio.Stats().Taken >= 200 })
	if err := paused.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	before := w.cio.Stats().Taken
	successor := start(t, "run", "-c", path)
	publish(1000)
	eventually(t, "another takes over", 40*time.Second, func() bool { return w.cio.Stats().Taken >= before+2000 })
	if err := paused.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	publish(1000)
	w.arrive(60 * time.Second)
	successor.stop()
	if err := paused.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := paused.Wait(); err != nil {
		t.Errorf("the paused replica: %v\n%s", err, &log)
	}
	w.judge(again)
}
