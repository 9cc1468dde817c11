package broker

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap/zaptest"
)

func embeddedConfig(t *testing.T) EmbeddedConfig {
	return EmbeddedConfig{Dir: filepath.Join(t.TempDir(), "events"), Listen: "127.0.0.1:0"}
}

// What an ordinary client published over the socket is there after a restart.
func TestEmbeddedKeepsWhatItAcknowledged(t *testing.T) {
	t.Parallel()
	cfg := embeddedConfig(t)
	ctx := context.Background()

	srv, err := StartEmbedded(cfg, zaptest.NewLogger(t))
	if err != nil {
		t.Fatal(err)
	}
	client, err := nats.Connect(srv.URL())
	if err != nil {
		t.Fatal(err)
	}
	js, _ := jetstream.New(client)
	if _, err := js.Publish(ctx, "events.signup", []byte(`{}`)); err != nil {
		t.Fatal(err)
	}
	client.Close()
	srv.Close()

	srv, err = StartEmbedded(cfg, zaptest.NewLogger(t))
	if err != nil {
		t.Fatal(err)
	}
	defer srv.Close()
	conn, err := srv.NATS(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	stream, err := conn.JetStream().Stream(ctx, "EVENTS")
	if err != nil {
		t.Fatal(err)
	}
	if n := stream.CachedInfo().State.Msgs; n != 1 {
		t.Fatalf("the stream has %d messages after the restart, want 1", n)
	}
	if age := stream.CachedInfo().Config.MaxAge; age != 7*24*time.Hour {
		t.Fatalf("max age is %v", age)
	}
}

func TestEmbeddedDirectoryBelongsToOneProcess(t *testing.T) {
	t.Parallel()
	cfg := embeddedConfig(t)
	first, err := StartEmbedded(cfg, zaptest.NewLogger(t))
	if err != nil {
		t.Fatal(err)
	}
	_, err = StartEmbedded(cfg, zaptest.NewLogger(t))
	if err == nil || !strings.Contains(err.Error(), "another process uses") {
		t.Fatalf("the second start gives %v", err)
	}
	if !Served(cfg.Dir) || Served(t.TempDir()) {
		t.Error("it is not known which directory is served")
	}
	first.Close()
	again, err := StartEmbedded(cfg, zaptest.NewLogger(t))
	if err != nil {
		t.Fatalf("the directory is not free after Close: %v", err)
	}
	again.Close()

	info, err := os.Stat(cfg.Dir)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Fatalf("mode is %v, %v: want 0700", info.Mode().Perm(), err)
	}
	if err := os.Chmod(cfg.Dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := StartEmbedded(cfg, zaptest.NewLogger(t)); err == nil || !strings.Contains(err.Error(), "chmod 700") {
		t.Fatalf("an open directory gives %v", err)
	}
}

func TestEmbeddedSaysWhyItDoesNotStart(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	cfg := embeddedConfig(t)
	cfg.Listen = taken.Addr().String()
	_, err = StartEmbedded(cfg, zaptest.NewLogger(t))
	if err == nil || !strings.Contains(err.Error(), "address already in use") {
		t.Fatalf("a taken port gives %v", err)
	}
	cfg.Listen = "127.0.0.1:0"
	srv, err := StartEmbedded(cfg, zaptest.NewLogger(t))
	if err != nil {
		t.Fatalf("the directory is not free after a failed start: %v", err)
	}
	srv.Close()
}

func TestEmbeddedConfigValidate(t *testing.T) {
	err := EmbeddedConfig{Listen: "0.0.0.0:4222", Streams: []EmbeddedStream{{MaxAge: -1}}}.Validate()
	for _, want := range []string{"dir: ", "listen: ", "not on loopback", "streams[0].name: ", "streams[0].subjects: ",
		"streams[0].max_age: "} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in: %v", want, err)
		}
	}
	for _, listen := range []string{"", "localhost:4222", "[::1]:0"} {
		if err := (EmbeddedConfig{Dir: "d", Listen: listen}).Validate(); err != nil {
			t.Errorf("listen %q: %v", listen, err)
		}
	}
}

func TestNATSReconnectsAndCounts(t *testing.T) {
	t.Parallel()
	cfg := embeddedConfig(t)
	srv, err := StartEmbedded(cfg, zaptest.NewLogger(t))
	if err != nil {
		t.Fatal(err)
	}
	conn, err := NewNATS(context.Background(), NATSConfig{URLs: []string{srv.URL()}}, zaptest.NewLogger(t))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	reg := prometheus.NewRegistry()
	reg.MustRegister(conn)
	cfg.Listen = strings.TrimPrefix(srv.URL(), "nats://")

	srv.Close()
	waitFor(t, func() bool { return gathered(t, reg, "ciobridge_nats_connected") == 0 })
	if err := conn.Conn().Publish("events.x", nil); err == nil {
		t.Error("a message published without a connection is kept for later")
	}
	srv, err = StartEmbedded(cfg, zaptest.NewLogger(t))
	if err != nil {
		t.Fatal(err)
	}
	defer srv.Close()
	waitFor(t, func() bool { return gathered(t, reg, "ciobridge_nats_connected") == 1 })
	if n := gathered(t, reg, "ciobridge_nats_disconnects_total"); n != 1 {
		t.Errorf("%v disconnects are counted, want 1", n)
	}
}

func gathered(t *testing.T, reg *prometheus.Registry, name string) float64 {
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			return f.Metric[0].GetGauge().GetValue() + f.Metric[0].GetCounter().GetValue()
		}
	}
	t.Fatalf("no metric %s", name)
	return 0
}

func waitFor(t *testing.T, cond func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !cond(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("waited 10 s in vain")
		}
	}
}
