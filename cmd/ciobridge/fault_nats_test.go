package main

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/broker"
	"github.com/ciobridge/ciobridge/internal/checkertest"
	"github.com/ciobridge/ciobridge/internal/exit"
	"github.com/ciobridge/ciobridge/internal/longtest"
)

// subjects is a NATS server with a stream that a world publishes to: in this process, or a real one.
type subjects struct {
	*world
	session time.Duration // of the bridges; a short one if zero
	url     string
	js      jetstream.JetStream
}

// newSubjects starts a NATS server in this process.
func newSubjects(t *testing.T) *subjects {
	t.Helper()
	server, err := broker.StartEmbedded(broker.EmbeddedConfig{Dir: filepath.Join(t.TempDir(), "data"),
		Listen: "127.0.0.1:0"}.WithDefaults(), zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	return joinSubjects(t, server.URL())
}

func joinSubjects(t *testing.T, url string) *subjects {
	t.Helper()
	conn, err := nats.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	js, err := jetstream.New(conn, jetstream.WithPublishAsyncMaxPending(50_000))
	if err != nil {
		t.Fatal(err)
	}
	return &subjects{world: newWorld(t), url: url, js: js}
}

func (s *subjects) configureNATS() string {
	return s.configure(fmt.Sprintf("{nats: {urls: [%q], start_at: earliest, session_timeout: %s, streams: [{name: "+
		"EVENTS}]}}", s.url, cmp.Or(s.session, shortSession)),
		"{subject: dead.events, stream: DEAD, create: true}")
}

func (s *subjects) produce(n int) {
	s.t.Helper()
	s.publish(s.js, "events.test", n)
}

func TestJetStreamToCustomerIO(t *testing.T) {
	beside(t)
	s := newSubjects(t)
	s.session = longSession
	s.produce(longtest.Either(600, 3000))
	p := start(t, "run", "-c", s.configureNATS())
	s.arrive(20 * time.Second)
	if code := p.stop(); code != exit.OK {
		t.Errorf("exit code %d", code)
	}
	s.judge(checkertest.Limits{})
}

func TestStopUnderLoadSendsNothingTwiceOnJetStream(t *testing.T) {
	longtest.Only(t)
	beside(t)
	s := newSubjects(t)
	s.session = longSession
	stopLoop(t, s.world, s.configureNATS(), func() { s.produce(3000) })
}

// A standby waits while another replica reads, and takes over when that one stops.
func TestStandbyTakesOver(t *testing.T) {
	beside(t)
	s := newSubjects(t)
	path := s.configureNATS()
	first := start(t, "run", "-c", path)
	s.produce(500)
	eventually(t, "the first reads", 20*time.Second, func() bool { return s.cio.Stats().Taken >= 200 })
	second := start(t, "run", "-c", path)
	s.produce(500)
	s.arrive(20 * time.Second)
	if code := first.stop(); code != exit.OK {
		t.Errorf("exit code %d", code)
	}
	s.produce(500)
	s.arrive(40 * time.Second)
	second.stop()
	s.judge(again)
}

func TestKilledUnderLoadOnJetStream(t *testing.T) {
	longtest.Only(t)
	beside(t)
	s := newSubjects(t)
	killLoop(t, s.world, s.configureNATS(), s.produce)
}

// Events of the stream survive a restart of its server with the bridge running, and none is sent twice.
func TestNATSServerRestarts(t *testing.T) {
	longtest.Only(t)
	beside(t)
	dir := filepath.Join(t.TempDir(), "data")
	server, err := broker.StartEmbedded(broker.EmbeddedConfig{Dir: dir, Listen: "127.0.0.1:0"}.WithDefaults(),
		zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	s := joinSubjects(t, server.URL())
	if _, err := s.cio.AddFault(mustFault(t, "name=slow,latency=20ms")); err != nil {
		t.Fatal(err)
	}
	s.produce(2000)
	p := start(t, "run", "-c", s.configureNATS())
	eventually(t, "some delivered", 20*time.Second, func() bool { return s.cio.Stats().Taken >= 100 })
	address := s.url[len("nats://"):]
	server.Close()
	eventually(t, "the bridge is without its broker", 20*time.Second, func() bool {
		return strings.Contains(p.log.String(), "nats connection lost")
	})
	server, err = broker.StartEmbedded(broker.EmbeddedConfig{Dir: dir, Listen: address}.WithDefaults(), zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	eventually(t, "the publisher is back", 20*time.Second, func() bool {
		_, err := s.js.AccountInfo(context.Background())
		return err == nil
	})
	s.produce(500)
	s.arrive(60 * time.Second)
	p.stop()
	s.judge(checkertest.Limits{}) // no repeats: the process knows what it delivered
}

func TestPausedReplicaOnJetStream(t *testing.T) {
	longtest.Only(t)
	beside(t)
	s := newSubjects(t)
	pauseReplica(t, s.world, s.configureNATS(), s.produce)
}
