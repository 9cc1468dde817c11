// Brokercontainer starts a real broker, or a real schema registry, in a container for as long as its standard input
// lasts. It prints the container's identity and the address at which the broker is found, and prints the address again
// for every line that it reads, since a container that is started again has another port.
//
// It is a program of its own because testcontainers takes longer to start than a bridge does, and the tests of the
// command start the bridge, which is their own program, some hundred times.
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/wait"
)

// The public images that the tests run against.
const (
	kafkaImage    = "apache/kafka:4.3.0"
	natsImage     = "nats:2.15.2"
	registryImage = "apicurio/apicurio-registry:3.3.3"
)

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) (err error) {
	if len(args) != 2 {
		return errors.New("usage: brokercontainer kafka|secured-kafka|nats|registry TEXT, where clients are told to " +
			"find Kafka, or nothing; for secured-kafka it is the folder of its certificates")
	}
	var req testcontainers.ContainerRequest
	var port string
	switch args[0] {
	case "kafka":
		req, port = kafka(args[1]), "9092/tcp"
	case "secured-kafka":
		req, port = securedKafka(args[1]), "9095/tcp"
	case "nats":
		req, port = nats(), "4222/tcp"
	case "registry":
		req, port = registry(), "8080/tcp"
	default:
		return fmt.Errorf("there is no container of %q", args[0])
	}
	c, err := testcontainers.GenericContainer(ctx,
		testcontainers.GenericContainerRequest{ContainerRequest: req, Started: true})
	defer func() { err = errors.Join(err, testcontainers.TerminateContainer(c)) }()
	if err != nil {
		return fmt.Errorf("start %s: %w", req.Image, err)
	}
	fmt.Println(c.GetContainerID())
	lines := bufio.NewScanner(os.Stdin)
	for more := true; more; more = lines.Scan() {
		address, err := c.PortEndpoint(ctx, port, "")
		if err != nil {
			return fmt.Errorf("find the mapped port: %w", err)
		}
		fmt.Println(address)
	}
	return nil
}

func nats() testcontainers.ContainerRequest {
	return testcontainers.ContainerRequest{
		Image: natsImage, ExposedPorts: []string{"4222/tcp"}, Cmd: []string{"-js", "-sd", "/data"},
		WaitingFor: wait.ForLog("Server is ready").WithStartupTimeout(time.Minute),
	}
}

// registry is an Apicurio Registry that keeps its schemas in a file, so that they are there when it is started again.
func registry() testcontainers.ContainerRequest {
	return testcontainers.ContainerRequest{
		Image: registryImage, ExposedPorts: []string{"8080/tcp"},
		Env: map[string]string{"APICURIO_DATASOURCE_URL": "jdbc:h2:file:/tmp/registry"},
		WaitingFor: wait.ForHTTP("/apis/ccompat/v7/subjects").WithPort("8080/tcp").
			WithStartupTimeout(2 * time.Minute),
	}
}

// kafka is an Apache Kafka that tells clients to find it at an address, or at its mapped port where none is given. That
// port is only known once the container runs, so it waits for a script that says so.
func kafka(address string) testcontainers.ContainerRequest {
	const script = "/tmp/start.sh"
	return testcontainers.ContainerRequest{
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
	}
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
