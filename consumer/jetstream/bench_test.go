package jetstream

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/ciobridge/ciobridge/broker"
	"github.com/ciobridge/ciobridge/event"
)

// BenchmarkDeliveries reads deliveries as a server writes them, from memory, and acks each at once: what the
// bridge's own side of reading costs, with nothing of the server and of the system's calls.
func BenchmarkDeliveries(b *testing.B) {
	for _, size := range []int{300, 1000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			const pin = "p1nP1Np1nP1Np1nP1Np1nP1"
			b.SetBytes(int64(size))
			b.ReportAllocs()
			server := newCannedServer(pin, size)
			r := &reader{conn: &broker.NATS{}, partition: partition{stream: "EVENTS"}, cfg: DefaultConfig()}
			r.metrics = newMetrics(&Source{}).forPartition(partition{stream: "EVENTS"})
			s := newSession(r, pin, time.Now(), 0, openInbox(server, "_INBOX.bench", r.cfg.FetchBytes))
			defer s.inbox.close()
			n := 0
			err := s.deliverLoop(func(_ event.Lease, _ *event.Message, done func()) error {
				done()
				if n++; n == b.N {
					s.end(context.Canceled)
				}
				return nil
			})
			if !errors.Is(err, context.Canceled) {
				b.Fatal(err)
			}
		})
	}
}

// cannedServer is a connection on which deliveries come, each with the numbers that follow, as many as are asked for.
type cannedServer struct {
	net.Conn
	frame        []byte
	seq, ordinal []byte // where the frame has its numbers
	sent         int
	rest         []byte // of the frame
	granted      int
	requests     chan struct{} // for half of the prefetch each; closed at the end
}

func newCannedServer(pin string, size int) *cannedServer {
	header := fmt.Sprintf("NATS/1.0\r\n%s: %s\r\n\r\n", pinHeader, pin)
	reply := "$JS.ACK.EVENTS.ciobridge.1.0000000000.0000000000.1700000000000000000.77"
	frame := fmt.Appendf(nil, "HMSG events.test 1 %s %d %d\r\n%s%s\r\n", reply, len(header), len(header)+size,
		header, make([]byte, size))
	at := bytes.Index(frame, []byte("0000000000"))
	return &cannedServer{frame: frame, seq: frame[at : at+10], ordinal: frame[at+11 : at+21],
		requests: make(chan struct{}, 16)}
}

func (c *cannedServer) Read(p []byte) (n int, err error) {
	for n < len(p) {
		if len(c.rest) == 0 {
			if n > 0 && c.granted == 0 {
				break
			}
			for ; c.granted == 0; c.granted += defaultTuning.prefetch / 2 {
				if _, ok := <-c.requests; !ok {
					return 0, io.EOF
				}
			}
			c.granted--
			c.sent++
			for i, v := len(c.seq)-1, c.sent; i >= 0; i, v = i-1, v/10 {
				c.seq[i] = byte('0' + v%10)
				c.ordinal[i] = c.seq[i]
			}
			c.rest = c.frame
		}
		k := copy(p[n:], c.rest)
		c.rest = c.rest[k:]
		n += k
	}
	return n, nil
}

func (c *cannedServer) Write(p []byte) (int, error) {
	c.requests <- struct{}{}
	return len(p), nil
}

func (c *cannedServer) Close() error {
	close(c.requests)
	return nil
}

func (c *cannedServer) SetWriteDeadline(time.Time) error { return nil }

// BenchmarkJetStream reads messages of 1 KB from a server in the same process over a socket, acking each at once.
// What the server allocates is counted too.
func BenchmarkJetStream(b *testing.B) {
	s := startNATS(b)
	cfg := jetstream.StreamConfig{Name: "MEMORY", Subjects: []string{"memory"}, Storage: jetstream.MemoryStorage}
	if _, err := s.client.JetStream().CreateStream(b.Context(), cfg); err != nil {
		b.Fatal(err)
	}
	payload := make([]byte, 1000)
	var acks []jetstream.PubAckFuture
	for range b.N {
		ack, err := s.client.JetStream().PublishAsync("memory", payload)
		if err != nil {
			b.Fatal(err)
		}
		acks = append(acks, ack)
	}
	for _, ack := range acks {
		select {
		case <-ack.Ok():
		case err := <-ack.Err():
			b.Fatal(err)
		}
	}
	config := DefaultConfig()
	config.StartAt, config.Streams = "earliest", []StreamConfig{{Name: "MEMORY"}}
	r := s.replica(config)
	ctx, cancel := context.WithCancel(b.Context())
	var n atomic.Int64
	b.ReportAllocs()
	b.ResetTimer()
	err := r.source.Consume(ctx, func(_ event.Lease, m *event.Message, done func()) error {
		done()
		if n.Add(1) == int64(b.N) {
			cancel()
		}
		return nil
	})
	b.StopTimer()
	if err != nil {
		b.Fatal(err)
	}
	r.conn.Close()
}
