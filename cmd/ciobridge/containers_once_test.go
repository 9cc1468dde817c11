package main

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/ciobridge/ciobridge/internal/containertest"
	"github.com/ciobridge/ciobridge/internal/exit"
)

// A broker that is stopped and started again, at an address that stays.
type restartable struct {
	t    *testing.T
	c    *containertest.Container
	door *containertest.Door
}

func startRestartable(t *testing.T, kind string) *restartable {
	t.Helper()
	door := containertest.OpenDoor(t)
	r := &restartable{t, containertest.Start(t, kind, door.Addr().String()), door}
	door.LeadTo(r.c.Address())
	return r
}

func (r *restartable) address() string { return r.door.Addr().String() }

// restart stops the broker, in good order or with a kill, and starts it again after a while.
func (r *restartable) restart(command string, away time.Duration) {
	r.t.Helper()
	r.c.Docker(command)
	time.Sleep(away)
	r.c.Docker("start")
	r.door.LeadTo(r.c.AddressAgain())
}

func restartableBus(t *testing.T, partitions int32) (*bus, *restartable) {
	r := startRestartable(t, "kafka")
	createTopics(t, r.address(), partitions, eventsTopic, deadTopic)
	return joinBus(t, []string{r.address()}), r
}

func restartableSubjects(t *testing.T) (*subjects, *restartable) {
	r := startRestartable(t, "nats")
	s := joinSubjects(t, "nats://"+r.address())
	_, err := s.js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "EVENTS", Subjects: []string{"events.>"}})
	if err != nil {
		t.Fatal(err)
	}
	return s, r
}

// The ledger is in a topic of an Apache Kafka.
func TestRealKafkaKilledAMessageIsNeverSentTwice(t *testing.T) {
	beside(t)
	containerBus(t, 3).mail(3).killed()
}

// The ledger is in a bucket of a nats-server.
func TestRealNATSKilledAMessageIsNeverSentTwice(t *testing.T) {
	beside(t)
	containerSubjects(t).mail().killed()
}

func TestRealKafkaRestartsWhileMessagesAreSent(t *testing.T) {
	beside(t)
	b, r := restartableBus(t, 3)
	b.mail(3).without(r)
}

func TestRealNATSRestartsWhileMessagesAreSent(t *testing.T) {
	beside(t)
	s, r := restartableSubjects(t)
	s.mail().without(r)
}

// without takes the broker away while messages are sent, with the events, the ledger and the dead letters. The process
// knows what it has sent, so that every message is sent once, and nobody is asked.
func (m *mail) without(r *restartable) {
	t := m.t
	if _, err := m.cio.AddFault(mustFault(t, "name=slow,latency=50ms")); err != nil {
		t.Fatal(err)
	}
	m.order(300)
	p := start(t, append([]string{"run"}, m.set...)...)
	for i, command := range []string{"stop", "kill"} {
		goal := len(m.sent()) + 30
		eventually(t, "messages are sent", 60*time.Second, func() bool { return len(m.sent()) >= goal })
		if len(m.sent()) >= m.orders {
			t.Error("the broker goes away when all is sent")
		}
		r.restart(command, time.Duration(i)*3*time.Second)
		m.order(200)
	}
	eventually(t, "every message is sent", 120*time.Second, func() bool { return len(m.sent()) >= m.orders })
	m.settled(p)
	if n := m.once(); n != m.orders {
		t.Errorf("%d of %d orders were sent", n, m.orders)
	}
	if letters := m.uncertain(m.set); len(letters) > 0 {
		t.Errorf("somebody is asked about %v", letters)
	}
	if code := p.stop(); code != exit.OK {
		t.Errorf("exit code %d", code)
	}
}
