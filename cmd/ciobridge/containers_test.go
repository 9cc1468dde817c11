package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/wait"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/ciobridge/ciobridge/internal/checkertest"
	"github.com/ciobridge/ciobridge/internal/exit"
)

// The public images of the brokers that the tests run against.
const (
	kafkaImage = "apache/kafka:4.3.0"
	natsImage  = "nats:2.15.2"
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

// startContainer starts a container that goes with the test.
func startContainer(t *testing.T, req testcontainers.ContainerRequest) testcontainers.Container {
	t.Helper()
	c, err := testcontainers.GenericContainer(t.Context(),
		testcontainers.GenericContainerRequest{ContainerRequest: req, Started: true})
	if c != nil {
		testcontainers.CleanupContainer(t, c)
	}
	if err != nil && os.Getenv("CIOBRIDGE_REQUIRE_DOCKER") != "1" {
		t.Skipf("Docker answers, but cannot start %s; set CIOBRIDGE_REQUIRE_DOCKER=1 to make this a failure: %v",
			req.Image, err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// containerBus starts an Apache Kafka of one node.
func containerBus(t *testing.T, partitions int32) *bus {
	t.Helper()
	c := kafkaContainer(t, "")
	address := mappedPort(t, c)
	createTopics(t, address, partitions)
	return joinBus(t, []string{address})
}

// kafkaContainer starts an Apache Kafka that tells clients to find it at an address, or at its mapped port where none
// is given. That port is only known once the container runs, so it waits for a script that says so.
func kafkaContainer(t *testing.T, address string) testcontainers.Container {
	t.Helper()
	needDocker(t)
	const script = "/tmp/start.sh"
	return startContainer(t, testcontainers.ContainerRequest{
		Image: kafkaImage, ExposedPorts: []string{"9092/tcp"},
		Entrypoint: []string{"sh", "-c", "while [ ! -s " + script + " ]; do sleep 0.1; done; exec sh " + script},
		LifecycleHooks: []testcontainers.ContainerLifecycleHooks{{PostStarts: []testcontainers.ContainerHook{
			func(ctx context.Context, c testcontainers.Container) error {
				told := address
				if told == "" {
					var err error
					if told, err = c.PortEndpoint(ctx, "9092/tcp", ""); err != nil {
						return fmt.Errorf("find the mapped port: %w", err)
					}
				}
				text := kafkaSettings + "export KAFKA_ADVERTISED_LISTENERS=PLAINTEXT://" + told +
					"\nexec /etc/kafka/docker/run\n"
				return c.CopyToContainer(ctx, []byte(text), script, 0o644)
			},
		}}},
		WaitingFor: wait.ForLog("Kafka Server started").WithStartupTimeout(2 * time.Minute),
	})
}

// mappedPort is where Kafka's port of a container is found now.
func mappedPort(t *testing.T, c testcontainers.Container) string {
	t.Helper()
	address, err := c.PortEndpoint(t.Context(), "9092/tcp", "")
	if err != nil {
		t.Fatal(err)
	}
	return address
}

// kafkaSettings makes one node that is broker and controller.
const kafkaSettings = `
export KAFKA_NODE_ID=1 KAFKA_PROCESS_ROLES=broker,controller KAFKA_CONTROLLER_LISTENER_NAMES=CONTROLLER
export KAFKA_CONTROLLER_QUORUM_VOTERS=1@localhost:9093 KAFKA_LISTENERS=PLAINTEXT://:9092,CONTROLLER://:9093
export KAFKA_LISTENER_SECURITY_PROTOCOL_MAP=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
export KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR=1 KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR=1
export KAFKA_TRANSACTION_STATE_LOG_MIN_ISR=1 KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS=0
export KAFKA_GROUP_MIN_SESSION_TIMEOUT_MS=500 KAFKA_SHARE_COORDINATOR_STATE_TOPIC_REPLICATION_FACTOR=1
export KAFKA_SHARE_COORDINATOR_STATE_TOPIC_MIN_ISR=1
`

func createTopics(t *testing.T, address string, partitions int32) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(address))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	req := kmsg.NewPtrCreateTopicsRequest()
	for _, name := range []string{eventsTopic, deadTopic} {
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
	needDocker(t)
	c := startContainer(t, testcontainers.ContainerRequest{
		Image: natsImage, ExposedPorts: []string{"4222/tcp"}, Cmd: []string{"-js", "-sd", "/data"},
		WaitingFor: wait.ForLog("Server is ready").WithStartupTimeout(time.Minute),
	})
	address, err := c.PortEndpoint(t.Context(), "4222/tcp", "nats")
	if err != nil {
		t.Fatal(err)
	}
	s := joinSubjects(t, address)
	_, err = s.js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "EVENTS", Subjects: []string{"events.>"}})
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
