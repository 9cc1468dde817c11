package containertest

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"
)

// NeedDocker skips the test where no Docker answers; with CIOBRIDGE_REQUIRE_DOCKER=1 that is a failure.
func NeedDocker(t *testing.T) {
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
			"CIOBRIDGE_REQUIRE_DOCKER=1 to make this a failure")
	}
}

// A Container is a broker in a container, which goes with the test.
type Container struct {
	t       *testing.T
	id      string
	ask     io.Writer
	answers *bufio.Scanner
}

// Start has internal/brokercontainer start a broker: kafka, secured-kafka, nats or registry. Address is where clients
// are told to find Kafka; empty is its mapped port. For secured-kafka it is the folder of its certificates.
func Start(t *testing.T, kind, address string) *Container {
	t.Helper()
	NeedDocker(t)
	// It ends with its standard input, also where this process is killed.
	helper := exec.Command("go", "run", "github.com/ciobridge/ciobridge/internal/brokercontainer", kind, address)
	var errs buffer
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
	c := &Container{t: t, ask: in, answers: bufio.NewScanner(out)}
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

// Address is where the broker is found since the container was started.
func (c *Container) Address() string {
	c.t.Helper()
	if !c.answers.Scan() {
		c.t.Fatal("the container is gone")
	}
	return c.answers.Text()
}

// AddressAgain is where the broker is found now that the container was started again.
func (c *Container) AddressAgain() string {
	c.t.Helper()
	if _, err := io.WriteString(c.ask, "\n"); err != nil {
		c.t.Fatal(err)
	}
	return c.Address()
}

// Docker runs a command of docker on the container: stop, kill or start.
func (c *Container) Docker(command string) {
	c.t.Helper()
	if out, err := exec.Command("docker", command, c.id).CombinedOutput(); err != nil {
		c.t.Fatalf("docker %s: %v: %s", command, err, out)
	}
}

// buffer takes what a process writes while others read it.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *buffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *buffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
