package deploy

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/segmentio/kafka-go"
)

const (
	emulator    = "http://127.0.0.1:8090"
	kafkaBridge = "http://127.0.0.1:8081"
	natsBridge  = "http://127.0.0.1:8082"
)

// TestCompose brings everything up, publishes on both brokers with ordinary clients, sees the calls at the emulator
// and the dead letters counted, and takes it down. It builds images and takes minutes, so it runs only where
// CIOBRIDGE_COMPOSE is 1.
func TestCompose(t *testing.T) {
	if os.Getenv("CIOBRIDGE_COMPOSE") != "1" {
		t.Skip("set CIOBRIDGE_COMPOSE=1 to build the images and run docker-compose.yml")
	}
	up(t)
	await(t, "the bridge that reads Kafka to be ready", func() error { return get(t, kafkaBridge+"/readyz", nil) })
	await(t, "the bridge that reads NATS to be ready", func() error { return get(t, natsBridge+"/readyz", nil) })

	// Names of their own, so that a volume or a shop that outlived an earlier run proves nothing.
	run := fmt.Sprint(time.Now().UnixNano())
	publishKafka(t, "check_k_"+run)
	publishNATS(t, "check_n_"+run)
	for _, customer := range []string{"check_k_" + run, "check_n_" + run} {
		await(t, "the calls of "+customer, func() error { return arrived(t, customer) })
	}
	for _, bridge := range []string{kafkaBridge, natsBridge} {
		await(t, "a dead letter at "+bridge, func() error {
			return counted(t, bridge,
				`ciobridge_dead_letters_total{reason="missing_field"}`)
		})
	}
	stopsCleanly(t)
}

func signUp(customer string) []byte {
	return fmt.Appendf(nil, `{"type":"user.signed_up","time":%q,"data":{"user_id":%q,"plan":"trial","source":"check"}}`,
		time.Now().Format(time.RFC3339), customer)
}

var nobodysOrder = []byte(`{"type":"shop.order.completed","data":{"total":10,"items":[]}}`)

func publishKafka(t *testing.T, customer string) {
	t.Helper()
	w := &kafka.Writer{Addr: kafka.TCP("127.0.0.1:9094"), Topic: "shop.events", RequiredAcks: kafka.RequireAll,
		BatchTimeout: 5 * time.Millisecond}
	defer w.Close()
	if err := w.WriteMessages(t.Context(), kafka.Message{Key: []byte(customer), Value: signUp(customer)},
		kafka.Message{Value: nobodysOrder}); err != nil {
		t.Fatalf("publish to Kafka: %v", err)
	}
}

func publishNATS(t *testing.T, customer string) {
	t.Helper()
	conn, err := nats.Connect("nats://127.0.0.1:4222")
	if err != nil {
		t.Fatalf("connect to NATS: %v", err)
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	for _, event := range [][]byte{signUp(customer), nobodysOrder} {
		if _, err := js.Publish(t.Context(), "shop.events", event); err != nil {
			t.Fatalf("publish to NATS: %v", err)
		}
	}
}

// arrived asks the emulator for the two calls that a sign-up becomes.
func arrived(t *testing.T, customer string) error {
	var answer struct {
		Receipts []struct {
			Action string `json:"action"`
			Taken  bool   `json:"taken"`
		} `json:"receipts"`
	}
	if err := get(t, emulator+"/_emulator/receipts?person=id:"+customer, &answer); err != nil {
		return err
	}
	var got []string
	for _, r := range answer.Receipts {
		if r.Taken {
			got = append(got, r.Action)
		}
	}
	if strings.Join(got, " ") != "identify event" {
		return fmt.Errorf("the emulator took %q, want identify and event", got)
	}
	return nil
}

// counted looks for a metric that is not zero.
func counted(t *testing.T, bridge, metric string) error {
	var text string
	if err := get(t, bridge+"/metrics", &text); err != nil {
		return err
	}
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), metric+" "); ok && value != "0" {
			return nil
		}
	}
	return fmt.Errorf("%s has no %s over 0", bridge, metric)
}

// get reads an answer of 200 into a string or, decoded, into anything else.
func get(t *testing.T, url string, into any) error {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	switch text, isText := into.(*string); {
	case err != nil:
		return err
	case res.StatusCode != http.StatusOK:
		return fmt.Errorf("%s answered %s: %s", url, res.Status, body)
	case into == nil:
		return nil
	case isText:
		*text = string(body)
		return nil
	}
	return json.Unmarshal(body, into)
}

func await(t *testing.T, what string, ok func() error) {
	t.Helper()
	const limit = 2 * time.Minute
	var err error
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); time.Sleep(250 * time.Millisecond) {
		if err = ok(); err == nil {
			return
		}
	}
	t.Fatalf("waited %s for %s: %v", limit, what, err)
}

// up builds and starts everything, and takes it down when the test ends.
func up(t *testing.T) {
	t.Cleanup(func() {
		if t.Failed() {
			out, _ := compose(context.Background(), "logs", "--tail", "40")
			t.Logf("the services said last:\n%s", out)
		}
		if out, err := compose(context.Background(), "down", "--volumes", "--timeout", "20"); err != nil {
			t.Errorf("docker compose down: %v\n%s", err, out)
		}
	})
	began := time.Now()
	if out, err := compose(t.Context(), "up", "--build", "--detach"); err != nil {
		t.Fatalf("docker compose up: %v\n%s", err, out)
	}
	t.Logf("up after %s", time.Since(began).Round(time.Second))
}

// stopsCleanly stops the bridges as a deployment would and looks at how they ended.
func stopsCleanly(t *testing.T) {
	if out, err := compose(t.Context(), "stop", "bridge-kafka", "bridge-nats"); err != nil {
		t.Fatalf("docker compose stop: %v\n%s", err, out)
	}
	for _, service := range []string{"bridge-kafka", "bridge-nats"} {
		out, err := compose(t.Context(), "ps", "--all", "--format", "{{.ExitCode}}", service)
		if err != nil || strings.TrimSpace(out) != "0" {
			t.Errorf("%s ended with code %q (%v), want 0", service, strings.TrimSpace(out), err)
		}
	}
}

func compose(ctx context.Context, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "docker", append([]string{"compose", "--file", "../docker-compose.yml"},
		args...)...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}
