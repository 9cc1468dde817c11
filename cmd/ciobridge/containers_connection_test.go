package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/sasl/plain"

	"github.com/ciobridge/ciobridge/internal/containertest"
	"github.com/ciobridge/ciobridge/internal/exit"
)

// The same table against an Apache Kafka, whose sessions end after three seconds: each is renewed meanwhile.
func TestRealKafkaConnections(t *testing.T) {
	containertest.NeedDocker(t)
	f := newConnectionFiles(t, t.TempDir())
	key, err := x509.MarshalPKCS8PrivateKey(f.server.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	f.write("server.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}))+
		string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: f.server.Certificate[0]})))
	address := containertest.Start(t, "secured-kafka", f.dir).Address()
	f.write("token", unsignedToken(time.Now().Add(time.Hour)))
	f.write("ended", unsignedToken(time.Now().Add(-time.Hour)))
	admin := &bus{world: &world{t: t}, client: publisherTo(t, address,
		kgo.SASL(plain.Auth{User: "bridge", Pass: "right"}.AsMechanism()),
		kgo.DialTLSConfig(&tls.Config{RootCAs: f.clients,
			Certificates: []tls.Certificate{*f.authority.issue("127.0.0.1", time.Now().Add(time.Hour))}}))}
	admin.setPassword("right")
	admin.setPasswordOf("bridge", "SCRAM-SHA-512", "right")
	var rows []connection
	for mechanism, shown := range map[string][2]string{
		"plain":         {"username: bridge, password: {file: @right}", "username: bridge, password: {file: @wrong}"},
		"scram-sha-256": {"username: bridge, password: {file: @right}", "username: bridge, password: {file: @wrong}"},
		"scram-sha-512": {"username: bridge, password: {file: @right}", "username: bridge, password: {file: @wrong}"},
		"oauthbearer":   {"token: {file: @token}", "token: {file: @ended}"},
	} {
		admin.makeSecured(mechanism)
		sasl := known + ", sasl: {mechanism: " + mechanism + ", "
		row := f.kafkaRow("Apache Kafka: "+mechanism+" over mutual TLS", address, sasl+shown[0]+"}", sasl+shown[1]+"}")
		row.topic, row.session = mechanism, 4*time.Second
		row.right = strings.Replace(row.right, "topics: [events]", "topics: ["+mechanism+"]", 1)
		row.wrong = strings.Replace(row.wrong, "topics: [events]", "topics: ["+mechanism+"]", 1)
		rows = append(rows, row)
	}
	printConnections(t, rows)
	rightsChange(t, f, admin, address)
}

// rightsChange has a user read who may do nothing at first, and what is needed after that. Then rights are taken away
// while events flow: the bridge says which, waits, and loses nothing.
func rightsChange(t *testing.T, f *connectionFiles, admin *bus, address string) {
	const user = "reader"
	b := &bus{world: newWorld(t), client: admin.client, brokers: []string{address}}
	b.setPasswordOf(user, "SCRAM-SHA-512", "right")
	b.makeSecured(eventsTopic)
	b.makeSecured(deadTopic)
	path := b.configure(f.yaml(fmt.Sprintf("{kafka: {brokers: [%q], group: readers, start_at: earliest, "+
		"session_timeout: 10s, topics: [%s]%s, sasl: {mechanism: scram-sha-512, username: %s, "+
		"password: {file: @right}}}}", address, eventsTopic, known, user)), "{topic: "+deadTopic+"}")
	refused := start(t, "run", "-c", path)
	if code := <-refused.code; code != exit.Broker ||
		!strings.Contains(refused.log.String(), "the right Describe on the topic events is missing") {
		t.Errorf("exit code %d, and\n%s", code, refused.log)
	}
	b.allow(user, "topic "+eventsTopic+" read", "topic "+deadTopic+" read write", "group readers read")
	told := func(what, right string) change {
		return change{what: what, says: "the right " + right + " is missing",
			happens: func() { b.deny(user, what) }, mended: b.mayAgain}
	}
	live(t, b.world, path, b.produce,
		told("topic "+eventsTopic+" read", "Read on the topic "+eventsTopic),
		told("group readers read", "Read on the group readers"))

	p := start(t, "run", "-c", path)
	b.deny(user, "topic "+deadTopic+" write")
	b.client.ProduceSync(t.Context(), &kgo.Record{Topic: eventsTopic, Value: []byte("no JSON")})
	eventually(t, "the bridge says that a letter cannot be stored", 30*time.Second, func() bool {
		return strings.Contains(p.log.String(), "the right Write on the topic "+deadTopic+" is missing")
	})
	letters := func() bool {
		return strings.Contains(get(t, p.admin(t)+"/metrics"), `ciobridge_dead_letters_total{reason="undecodable"} 1`)
	}
	if letters() {
		t.Error("a letter is stored without the right to")
	}
	b.mayAgain()
	eventually(t, "the letter is stored", 30*time.Second, letters)
	if code := p.stop(); code != exit.OK {
		t.Errorf("exit code %d", code)
	}
}

func (b *bus) makeSecured(name string) {
	b.t.Helper()
	topic := kmsg.NewCreateTopicsRequestTopic()
	topic.Topic, topic.NumPartitions, topic.ReplicationFactor = name, 1, 1
	req := kmsg.NewPtrCreateTopicsRequest()
	req.Topics = append(req.Topics, topic)
	res, err := req.RequestWith(b.t.Context(), b.client)
	if err != nil || res.Topics[0].ErrorCode != 0 {
		b.t.Fatal(err, res)
	}
}

// unsignedToken is a token of the kind that Kafka takes where it is not told whose signatures to trust.
func unsignedToken(until time.Time) string {
	part := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	return part(`{"alg":"none"}`) + "." + part(fmt.Sprintf(`{"sub":"bridge","iat":%d,"exp":%d}`,
		time.Now().Add(-2*time.Hour).Unix(), until.Unix())) + "."
}
