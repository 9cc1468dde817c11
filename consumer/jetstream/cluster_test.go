package jetstream

import (
	"fmt"
	"net"
	"net/url"
	"strconv"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ciobridge/ciobridge/broker"
	"github.com/ciobridge/ciobridge/internal/canarytest"
	"github.com/ciobridge/ciobridge/internal/longtest"
)

// In a cluster of three the consumer moves to another server while two replicas of the bridge are connected to
// different ones. A pin does not move along, so that either may go on; nothing is lost, and what is read twice is
// read in order.
//
// Electing leaders takes such a cluster several seconds, so the test runs with CIOBRIDGE_LONG_TESTS=1 only.
func TestJetStreamConsumerMovesInACluster(t *testing.T) {
	longtest.Only(t)
	t.Parallel()
	urls := startCluster(t)
	conn, err := broker.NewNATS(t.Context(), broker.NATSConfig{URLs: urls[:1]}, canarytest.Logger(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	s := &natsServer{t: t, client: conn}
	waitUntil(t, "the stream is made", func() bool {
		_, err := conn.JetStream().CreateStream(t.Context(),
			jetstream.StreamConfig{Name: "EVENTS", Subjects: []string{"events.>"}, Replicas: 3})
		return err == nil
	})
	a, b := s.replicaVia(fastConfig(), urls[0]).start(), s.replicaVia(fastConfig(), urls[1]).start()
	last := 0
	for range 3 {
		for range 50 {
			last++
			if _, err := conn.JetStream().Publish(t.Context(), "events.test", fmt.Append(nil, last)); err != nil {
				t.Fatal(err)
			}
		}
		waitUntil(t, "everything is acknowledged", func() bool { return s.ackFloor() == uint64(last) })
		if _, err := conn.Conn().Request("$JS.API.CONSUMER.LEADER.STEPDOWN.EVENTS.ciobridge", nil,
			2*time.Second); err != nil {
			t.Fatal(err)
		}
	}
	moved := func(r *replica) float64 { return r.metric("ciobridge_stream_turns_total", "reason", "moved") }
	waitUntil(t, "the moves are noticed", func() bool { return moved(a)+moved(b) >= 3 })

	read := map[int64]bool{}
	for _, r := range []*replica{a, b} {
		var before int64
		for _, seq := range r.seen() {
			if seq < before {
				t.Errorf("%d was read after %d, though it was acknowledged", seq, before)
			}
			read[seq], before = true, seq
		}
		r.stop()
	}
	if len(read) != last {
		t.Fatalf("%d messages were read, want %d", len(read), last)
	}
}

// startCluster starts three servers and waits until they have a leader. It returns their addresses.
func startCluster(t *testing.T) []string {
	t.Helper()
	var routes []*url.URL
	for range 3 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		routes = append(routes, &url.URL{Scheme: "nats", Host: l.Addr().String()})
		l.Close()
	}
	var servers []*server.Server
	var urls []string
	for i, route := range routes {
		opts := &server.Options{
			ServerName: fmt.Sprint("n", i), Host: "127.0.0.1", Port: server.RANDOM_PORT, NoSigs: true, NoLog: true,
			JetStream: true, StoreDir: t.TempDir(), Routes: routes,
		}
		port, err := strconv.Atoi(route.Port())
		if err != nil {
			t.Fatal(err)
		}
		opts.Cluster.Name, opts.Cluster.Host, opts.Cluster.Port = "test", "127.0.0.1", port
		srv, err := server.NewServer(opts)
		if err != nil {
			t.Fatal(err)
		}
		started := make(chan struct{})
		go func() { defer close(started); srv.Start() }()
		t.Cleanup(func() { srv.Shutdown(); srv.WaitForShutdown(); <-started })
		servers = append(servers, srv)
	}
	for _, srv := range servers {
		if !srv.ReadyForConnections(10 * time.Second) {
			t.Fatal("a server does not start")
		}
		urls = append(urls, srv.ClientURL())
	}
	waitUntil(t, "the cluster has a leader", func() bool {
		for _, srv := range servers {
			if srv.JetStreamIsLeader() && len(srv.JetStreamClusterPeers()) == 3 {
				return true
			}
		}
		return false
	})
	return urls
}
