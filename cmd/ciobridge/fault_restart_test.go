package main

import (
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/ciobridge/ciobridge/internal/checkertest"
	"github.com/ciobridge/ciobridge/internal/containertest"
	"github.com/ciobridge/ciobridge/internal/exit"
	"github.com/ciobridge/ciobridge/internal/longtest"
)

// restarts is a bridge under load on a Kafka that goes away and comes back.
type restarts struct {
	*bus
	bridge *process
}

func startUnderLoad(t *testing.T, b *bus) *restarts {
	t.Helper()
	if _, err := b.cio.AddFault(mustFault(t, "name=slow,latency=40ms")); err != nil {
		t.Fatal(err)
	}
	path := b.configureKafka()
	b.batches(5)
	b.produce(2000)
	return &restarts{b, start(t, "run", "-c", path)}
}

// without takes the broker away while calls are on the wire, for so long, and returns when the bridge has noticed.
func (r *restarts) without(down func(), away time.Duration, up func()) {
	r.t.Helper()
	goal := r.cio.Stats().Taken + 100
	eventually(r.t, "some delivered", 20*time.Second, func() bool { return r.cio.Stats().Taken >= goal })
	noticed := r.found()
	if r.cio.Stats().Taken >= r.wanted() {
		r.t.Error("the broker goes away without load")
	}
	down()
	time.Sleep(away)
	up()
	eventually(r.t, "the publisher is back", 30*time.Second, func() bool { return r.client.Ping(r.t.Context()) == nil })
	eventually(r.t, "the broker is missed and found again", 60*time.Second, func() bool { return r.found() > noticed })
}

// found is how often the bridge has found a broker again: within its membership, or by a new one where the session had
// ended by then.
func (r *restarts) found() int {
	log := r.bridge.log.String()
	return strings.Count(log, "kafka trouble over") + strings.Count(log, "joined consumer group")
}

// finish publishes more and judges all of it.
func (r *restarts) finish() {
	r.t.Helper()
	r.produce(1000)
	r.arrive(60 * time.Second)
	if code := r.bridge.stop(); code != exit.OK {
		r.t.Errorf("exit code %d", code)
	}
	r.judge(checkertest.Limits{}) // no repeats: the process knows what it delivered
}

// The broker is restarted under load, once for less than a session and once for longer. Nothing is lost, and nothing
// is sent twice.
func TestKafkaBrokerRestartsUnderLoad(t *testing.T) {
	beside(t)
	dir, port := t.TempDir(), 0
	var cluster *kfake.Cluster
	up := func() {
		var err error
		cluster, err = kfake.NewCluster(kfake.NumBrokers(1), kfake.Ports(port), kfake.DataDir(dir),
			kfake.SeedTopics(4, eventsTopic, deadTopic),
			kfake.GroupMinSessionTimeout(500*time.Millisecond))
		if err != nil {
			t.Fatal(err)
		}
	}
	up()
	t.Cleanup(func() { cluster.Close() })
	_, text, err := net.SplitHostPort(cluster.ListenAddrs()[0])
	if err != nil {
		t.Fatal(err)
	}
	if port, err = strconv.Atoi(text); err != nil {
		t.Fatal(err)
	}
	r := startUnderLoad(t, joinBus(t, cluster.ListenAddrs()))
	r.without(func() { cluster.Close() }, 300*time.Millisecond, up)
	r.produce(1000)
	if longtest.On() {
		r.without(func() { cluster.Close() }, 1500*time.Millisecond, up)
	}
	r.finish()
}

// The same with an Apache Kafka, which is stopped in good order once and killed once.
func TestRealKafkaRestartsUnderLoad(t *testing.T) {
	d := containertest.OpenDoor(t)
	c := containertest.Start(t, "kafka", d.Addr().String())
	d.LeadTo(c.Address())
	up := func() {
		c.Docker("start")
		d.LeadTo(c.AddressAgain())
	}
	createTopics(t, d.Addr().String(), 4, eventsTopic, deadTopic)
	r := startUnderLoad(t, joinBus(t, []string{d.Addr().String()}))
	r.without(func() { c.Docker("stop") }, 0, up)
	r.produce(1000)
	r.without(func() { c.Docker("kill") }, 2*time.Second, up)
	r.finish()
}
