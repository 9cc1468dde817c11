package jetstream

import (
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/ciobridge/ciobridge/internal/cloudevent"
	"github.com/ciobridge/ciobridge/report/internal/placetest"
)

// A gate stands before a server. What the server says waits while the gate is closed.
type gate struct {
	sync.Mutex
	listener net.Listener
	passing  sync.WaitGroup
}

func newGate(t *testing.T, url string) *gate {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := &gate{listener: listener}
	g.passing.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", strings.TrimPrefix(url, "nats://"))
			if err != nil {
				client.Close()
				return
			}
			g.passing.Go(func() {
				defer server.Close()
				_, _ = io.Copy(server, client)
			})
			g.passing.Go(func() {
				defer client.Close()
				g.pass(client, server)
			})
		}
	})
	t.Cleanup(func() {
		listener.Close()
		g.passing.Wait()
	})
	return g
}

func (g *gate) pass(to io.Writer, from io.Reader) {
	block := make([]byte, 4096)
	for {
		n, err := from.Read(block)
		g.Lock()
		_, errWrite := to.Write(block[:n])
		g.Unlock()
		if errWrite != nil {
			return
		}
		if err != nil {
			return
		}
	}
}

// A server that says nothing for a while has not told all that is published. What is taken for missing would be
// published twice.
func TestASlowServerIsNoEnd(t *testing.T) {
	t.Parallel()
	url := start(t)
	const many = 1500 // more than are asked for at once
	setup := connect(t, url)
	create(t, setup.JetStream(), jetstream.StreamConfig{Name: "R", Subjects: []string{"reports.>", "other"}})
	var events []cloudevent.Event
	for i := range many {
		events = append(events, placetest.Event(fmt.Sprint(i), "a"))
	}
	if err := open(t, setup, "reports").Publish(t.Context(), events); err != nil {
		t.Fatal(err)
	}
	if _, err := setup.JetStream().Publish(t.Context(), "other", nil); err != nil { // behind the last of ours
		t.Fatal(err)
	}
	g := newGate(t, url)
	target := open(t, connect(t, "nats://"+g.listener.Addr().String()), "reports")
	target.idle = 50 * time.Millisecond
	for _, slow := range []bool{true, false} {
		told := 0
		err := target.Published(t.Context(), "", func(string, string) {
			if told++; told == 1 && slow {
				g.Lock()
				time.AfterFunc(4*target.idle, g.Unlock)
			}
		})
		if slow && (err == nil || told == many) || !slow && (err != nil || told != many) {
			t.Errorf("%d are told of %d, and the error is %v", told, many, err)
		}
		target.idle = idleTime
	}
}
