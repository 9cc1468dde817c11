package main

import (
	"bufio"
	"context"
	"io"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/ciobridge/ciobridge/internal/checkertest"
	"github.com/ciobridge/ciobridge/internal/exit"
)

// needDocker skips the test where no Docker answers; with CIOBRIDGE_REQUIRE_DOCKER=1 that is a failure.
func needDocker(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("containers are not started with -short")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	err := exec.CommandContext(ctx, "docker", "info").Run()
	switch {
	case err == nil:
	case os.Getenv("CIOBRIDGE_REQUIRE_DOCKER") == "1":
		t.Fatalf("CIOBRIDGE_REQUIRE_DOCKER=1, but docker info fails: %v", err)
	default:
		t.Skip("no Docker answers, so the real brokers are not tested; start Docker, or set " +
			"CIOBRIDGE_REQUIRE_DOCKER=1 to " +
			"make this a failure")
	}
}

// A container is a broker in a container, which goes with the test.
type container struct {
	t       *testing.T
	id      string
	ask     io.Writer
	answers *bufio.Scanner
}

// startContainer has internal/brokercontainer start a broker.
func startContainer(t *testing.T, kind, address string) *container {
	t.Helper()
	needDocker(t)
	// It ends with its standard input, also where this process is killed.
	helper := exec.Command("go", "run", "../../internal/brokercontainer", kind, address)
	var errs logBuffer
	helper.Stderr = &errs
	in, err := helper.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := helper.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := helper.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		if err := helper.Wait(); err != nil && !t.Skipped() {
			t.Errorf("the container of %s: %v\n%s", kind, err, &errs)
		}
	})
	c := &container{t: t, ask: in, answers: bufio.NewScanner(out)}
	if c.answers.Scan() {
		c.id = c.answers.Text()
		return c
	}
	if os.Getenv("CIOBRIDGE_REQUIRE_DOCKER") != "1" {
		t.Skipf("Docker answers, but cannot start %s; set CIOBRIDGE_REQUIRE_DOCKER=1 to make this a failure: %s", kind,
			&errs)
	}
	t.FailNow()
	return nil
}

// address is where the broker is found since the container was started.
func (c *container) address() string {
	c.t.Helper()
	if !c.answers.Scan() {
		c.t.Fatal("the container is gone")
	}
	return c.answers.Text()
}

// addressAgain is where the broker is found now that the container was started again.
func (c *container) addressAgain() string {
	c.t.Helper()
	if _, err := io.WriteString(c.ask, "\n"); err != nil {
		c.t.Fatal(err)
	}
	return c.address()
}

// containerBus starts an Apache Kafka of one node.
func containerBus(t *testing.T, partitions int32) *bus {
	t.Helper()
	address := startContainer(t, "kafka", "").address()
	createTopics(t, address, partitions, eventsTopic, deadTopic)
	return joinBus(t, []string{address})
}

func createTopics(t *testing.T, address string, partitions int32, names ...string) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(address))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	req := kmsg.NewPtrCreateTopicsRequest()
	for _, name := range names {
		topic := kmsg.NewCreateTopicsRequestTopic()
		topic.Topic, topic.NumPartitions, topic.ReplicationFactor = name, partitions, 1
		req.Topics = append(req.Topics, topic)
	}
	res, err := req.RequestWith(t.Context(), client)
	if err != nil {
		t.Fatal(err)
	}
	for _, topic := range res.Topics {
		if topic.ErrorCode != 0 {
			t.Fatalf("create %s: code %d", topic.Topic, topic.ErrorCode)
		}
	}
}

// containerSubjects starts a NATS server with JetStream and makes the stream of events.
func containerSubjects(t *testing.T) *subjects {
	t.Helper()
	address := "nats://" + startContainer(t, "nats", "").address()
	s := joinSubjects(t, address)
	_, err := s.js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "EVENTS", Subjects: []string{"events.>"}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestRealKafka(t *testing.T) {
	b := containerBus(t, 4)
	takeTurns(t, b.world, b.configureKafka(), b.produce)
}

func TestRealKafkaKilledUnderLoad(t *testing.T) {
	b := containerBus(t, 4)
	killLoop(t, b.world, b.configureKafka(), b.produce)
}

func TestRealNATS(t *testing.T) {
	s := containerSubjects(t)
	takeTurns(t, s.world, s.configureNATS(), s.produce)
}

// takeTurns has a second replica join a first one, and the first one leave, with events before, between and after.
func takeTurns(t *testing.T, w *world, path string, publish func(n int)) {
	publish(5000)
	first := start(t, "run", "-c", path)
	w.arrive(60 * time.Second)
	second := start(t, "run", "-c", path)
	publish(3000)
	w.arrive(60 * time.Second)
	if code := first.stop(); code != exit.OK {
		t.Errorf("exit code %d", code)
	}
	publish(2000)
	w.arrive(60 * time.Second)
	if code := second.stop(); code != exit.OK {
		t.Errorf("exit code %d", code)
	}
	w.judge(checkertest.Limits{})
}

func TestRealNATSKilledUnderLoad(t *testing.T) {
	s := containerSubjects(t)
	killLoop(t, s.world, s.configureNATS(), s.produce)
}
