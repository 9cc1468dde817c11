package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/sasl/plain"

	"github.com/ciobridge/ciobridge/internal/exit"
	"github.com/ciobridge/ciobridge/source"
)

// diagnosis is what doctor finds, by what it looked at.
type diagnosis map[string]source.Finding

func examine(t *testing.T, path string, code int, more ...string) diagnosis {
	t.Helper()
	out, got := command(t, append([]string{"doctor", "-c", path, "-o", "json"}, more...)...)
	var told struct {
		OK       bool
		Findings []source.Finding
	}
	if err := json.Unmarshal([]byte(out), &told); err != nil || got != code || told.OK != (code == exit.OK) {
		t.Errorf("exit code %d, want %d: %v\n%s", got, code, err, out)
	}
	d := diagnosis{}
	for _, f := range told.Findings {
		if was, seen := d[f.What]; !seen || was.Grade == source.OK {
			d[f.What] = f
		}
	}
	return d
}

// want compares the grade of what was looked at, and looks for a part of what was found.
func (d diagnosis) want(t *testing.T, grade source.Grade, what, found string) {
	t.Helper()
	f := d[what]
	if f.Grade != grade || !strings.Contains(f.Found, found) || (f.Do == "") != (grade == source.OK) {
		t.Errorf("%s: %+v, want %s: …%s… in %v", what, f, grade, found, d)
	}
}

// Doctor looks at a Kafka that is as it should be, but for its one broker, and leaves it as it is.
func TestDoctorOnKafka(t *testing.T) {
	beside(t)
	b := newBus(t, 4)
	b.session = longSession
	b.produce(600)
	path := b.configureKafka()
	d := examine(t, path, exit.OK)
	d.want(t, source.OK, "topics", "1 topic read, 4 partitions")
	d.want(t, source.OK, "rights on topic events", "Read")
	d.want(t, source.OK, "rights on topic events.dead", "Read, Write")
	d.want(t, source.OK, "rights on group bridge", "join and commit")
	d.want(t, source.OK, "committed offsets", "none yet")
	d.want(t, source.OK, "retention of topic events", "events are kept for 168h")
	d.want(t, source.Warning, "replicas of topic events", "one lost disk")
	d.want(t, source.OK, "partitioning by person", "each in one partition")
	d.want(t, source.OK, "customer.io", "in region eu")
	d.want(t, source.OK, "clock of customer.io", "within")
	if n := b.cio.Stats().Items; n > 0 {
		t.Errorf("doctor has sent %d calls", n)
	}

	p := start(t, "run", "-c", path)
	b.arrive(20 * time.Second)
	joined := strings.Count(p.log.String(), `"joined consumer group"`)
	examine(t, path, exit.Differences, "--strict", "--sample", "0").want(t, source.OK, "committed offsets",
		"are to be read")
	d = examine(t, path, exit.OK, "--max-outage", "240h")
	d.want(t, source.Warning, "retention of topic events", "an outage may last 240h")
	if n := strings.Count(p.log.String(), `"joined consumer group"`); n != joined || p.stop() != exit.OK {
		t.Errorf("the group was joined %d times, and then %d", joined, n)
	}

	b.client.ProduceSync(t.Context(), &kgo.Record{Partition: 1, Key: []byte("x"), Value: b.event("p1", "numbered")},
		&kgo.Record{Key: []byte("y"), Value: b.event("p1", "numbered")},
		&kgo.Record{Key: []byte("zz"), Value: b.event("p1", "numbered")},
		&kgo.Record{Key: []byte("abc"), Value: []byte("{")})
	d = examine(t, path, exit.OK)
	d.want(t, source.Warning, "partitioning by person", "in several partitions")
	d.want(t, source.Warning, "rules", "would become dead letters")
	b.deleteTopic(eventsTopic)
	examine(t, path, exit.Broker).want(t, source.Failure, "topic events", "does not exist")
}

// A right that is missing is named, and so are credentials and a region that are wrong.
func TestDoctorFindsWhatIsMissing(t *testing.T) {
	beside(t)
	allow := func(kind kmsg.ACLResourceType, name string, ops ...kmsg.ACLOperation) (list []kfake.ACL) {
		for _, op := range ops {
			list = append(list, kfake.ACL{Resource: kind, Name: name, Operation: op, Allow: true,
				Pattern: kmsg.ACLResourcePatternTypeLiteral})
		}
		return list
	}
	acls := append(allow(kmsg.ACLResourceTypeTopic, eventsTopic, kmsg.ACLOperationRead, kmsg.ACLOperationDescribe),
		allow(kmsg.ACLResourceTypeTopic, deadTopic, kmsg.ACLOperationRead, kmsg.ACLOperationDescribe)...)
	acls = append(acls, allow(kmsg.ACLResourceTypeGroup, "bridge", kmsg.ACLOperationDescribe)...)
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(2, eventsTopic, deadTopic),
		kfake.EnableSASL(),
		kfake.EnableACLs(), kfake.Superuser("PLAIN", "root", "root"), kfake.User("PLAIN", "bridge", "secret", acls...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	client, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...),
		kgo.SASL(plain.Auth{User: "root", Pass: "root"}.AsMechanism()), kgo.DefaultProduceTopic(eventsTopic),
		kgo.ConsumerGroup("bridge"), kgo.ConsumeTopics(eventsTopic)) // so that there is such a group
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	client.ProduceSync(t.Context(), kgo.StringRecord("{}"))
	client.PollFetches(t.Context())
	b := &bus{world: newWorld(t), brokers: cluster.ListenAddrs(), client: client}
	b.write("password", "secret")
	sasl := fmt.Sprintf("{kafka: {sasl: {mechanism: plain, username: bridge, password: {file: %s}}, "+
		"allow_plaintext: true, ",
		b.path("password"))
	path := b.configure(strings.Replace(b.source(), "{kafka: {", sasl, 1), "{topic: "+deadTopic+"}")
	d := examine(t, path, exit.Broker)
	d.want(t, source.Failure, "rights on topic events.dead", "missing: Write")
	d.want(t, source.Warning, "rights on topic events", "missing: DescribeConfigs")
	d.want(t, source.Failure, "rights on group bridge", "may not join")

	other := newBus(t, 1)
	examine(t, other.configureKafka(), exit.Input, "--set", "customerio.region=us").want(t, source.Failure,
		"customer.io", "lives in region eu")
	other.write("api_key", "wrong")
	examine(t, other.configureKafka(), exit.Credentials).want(t, source.Failure, "customer.io",
		"refuses the credentials")
	out, code := command(t, "doctor", "-c", other.configureKafka(), "--set", "source.kafka.brokers=[127.0.0.1:1]")
	if code != exit.Broker || !strings.Contains(out, "failure  broker: ") || !strings.Contains(out, "         -> ") {
		t.Errorf("exit code %d\n%s", code, out)
	}
}

// Doctor looks at streams, and leaves nothing in them.
func TestDoctorOnNATS(t *testing.T) {
	beside(t)
	s := newSubjects(t)
	s.produce(100)
	if _, err := s.js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "DEAD", Subjects: []string{"dead.>"},
		MaxAge: time.Hour}); err != nil {
		t.Fatal(err)
	}
	path := s.configureNATS()
	d := examine(t, path, exit.OK)
	d.want(t, source.OK, "JetStream", "may use it")
	d.want(t, source.OK, "retention of stream EVENTS", "for 168h")
	d.want(t, source.Warning, "replicas of stream EVENTS", "one lost disk")
	d.want(t, source.OK, "clock of the server", "within")
	d.want(t, source.OK, "consumer on stream EVENTS", "makes ciobridge")
	d.want(t, source.OK, "rights on subject dead.events", "may publish")
	d.want(t, source.Warning, "dead letters", "use three")
	d.want(t, source.OK, "partitioning by person", "100 events")
	dead, err := s.js.Stream(t.Context(), "DEAD")
	if err != nil || dead.CachedInfo().State.Msgs > 0 {
		t.Errorf("%+v, %v", dead, err)
	}
	events, err := s.js.Stream(t.Context(), "EVENTS")
	if err != nil || events.CachedInfo().State.Consumers > 0 {
		t.Errorf("%+v, %v", events, err)
	}
	if err := s.js.DeleteStream(t.Context(), "EVENTS"); err != nil {
		t.Fatal(err)
	}
	examine(t, path, exit.Broker).want(t, source.Failure, "stream EVENTS", "does not exist")
}
