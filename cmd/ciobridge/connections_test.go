package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kfake"
	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/broker"
	"github.com/ciobridge/ciobridge/config"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/consumertest"
	"github.com/ciobridge/ciobridge/internal/kafkafronttest"
	"github.com/ciobridge/ciobridge/internal/longtest"
	"github.com/ciobridge/ciobridge/internal/memory"
	"github.com/ciobridge/ciobridge/source"
)

// connection is one row of the matrix: what a server asks for, how a configuration answers, and an answer that the
// server must refuse.
type connection struct {
	asks         string
	right, wrong string // YAML of the section; wrong is empty where nothing can be wrong
	topic        string // events where it is empty
	// session is how long a session lasts: after the first half of the events the rest comes when it is over.
	session time.Duration
}

// TestConnections proves each kind of connection against a server that asks for it: what is published over it is read,
// and committed, and who does not have what the server asks for gets nothing. It prints the table.
func TestConnections(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	f := newConnectionFiles(t, dir)
	rows := append(f.kafka(t), f.nats(t)...)
	if !longtest.On() { // the others are read and committed as these are
		rows = slices.DeleteFunc(rows, func(c connection) bool { return !strings.Contains(c.asks, "mutual TLS") })
	}
	printConnections(t, rows)
}

func printConnections(t *testing.T, rows []connection) {
	t.Helper()
	lines := make([]string, len(rows))
	var all sync.WaitGroup
	for i, row := range rows {
		all.Go(func() { lines[i] = row.try(t) })
	}
	all.Wait()
	var table strings.Builder
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "the server asks for\twho has it\twho has it not")
	for _, line := range lines {
		fmt.Fprintln(w, line)
	}
	w.Flush()
	t.Log("\n" + table.String())
}

const connectionEvents = 10

// try is one line of the table.
func (c connection) try(t *testing.T) string {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	n, err := c.carry(ctx, t, c.right)
	if err != nil || n != connectionEvents {
		t.Errorf("%s: %d of %d events: %v", c.asks, n, connectionEvents, err)
	}
	line := fmt.Sprintf("%s\t%d of %d read and committed", c.asks, n, connectionEvents)
	if c.wrong == "" {
		return line + "\t–"
	}
	ctx, cancel = context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	n, err = c.carry(ctx, t, c.wrong)
	if n > 0 || !source.Refused(err) {
		t.Errorf("%s: with the wrong answer %d events, and %v", c.asks, n, err)
	}
	return line + "\t" + shortened(err)
}

// shortened is the end of an error, which says most.
func shortened(err error) string {
	text := strings.Join(strings.Split(fmt.Sprint(err), "\n"), "; ")
	if _, end, found := strings.Cut(text, "x509: "); found {
		text, _, _ = strings.Cut(end, " (")
	} else if i := strings.LastIndex(text, ": "); i > 0 {
		text = text[i+2:]
	}
	return text
}

// carry publishes over a connection, reads what was published, and looks at what is committed.
func (c connection) carry(ctx context.Context, t *testing.T, section string) (read int, err error) {
	parsed, err := config.Parse("test.yaml", []byte("source: "+section))
	if err != nil {
		return 0, err
	}
	if err := parsed.Source.Section().Validate(); err != nil {
		return 0, err
	}
	b, err := parsed.Source.Section().Connect(ctx, zap.NewNop())
	if err != nil {
		return 0, err
	}
	defer b.Close()
	if n, ok := b.(interface{ Connection() *broker.NATS }); ok {
		_, err := n.Connection().JetStream().CreateOrUpdateStream(ctx,
			jetstream.StreamConfig{Name: "EVENTS", Subjects: []string{"events.>"}})
		if err != nil {
			return 0, fmt.Errorf("make the stream: %w", err)
		}
	}
	reader, err := b.Reader(memory.New(1<<20), zap.NewNop(), prometheus.NewRegistry())
	if err != nil {
		return 0, err
	}
	err = reader.Check(ctx)
	for reader.Missing(err) && ctx.Err() == nil { // a topic that was just made is not known everywhere
		time.Sleep(100 * time.Millisecond)
		err = reader.Check(ctx)
	}
	if err != nil {
		return 0, err
	}
	publisher := b.Publisher()
	defer publisher.Close()
	var messages []event.Message
	for range connectionEvents {
		messages = append(messages, event.Message{Key: []byte("k"), Value: []byte("{}"),
			Origin: event.Origin{Topic: cmp.Or(c.topic, "events"), Subject: "events.a"}})
	}
	half := len(messages) / 2
	if err := publisher.Publish(ctx, messages[:half]); err != nil {
		return 0, err
	}
	r := consumertest.Read(t, reader.(consumertest.Source), consumertest.AckAll)
	consumertest.Eventually(t, c.asks, func() bool { return len(r.Values()) >= half || ctx.Err() != nil })
	time.Sleep(c.session)
	if err := publisher.Publish(ctx, messages[half:]); err != nil {
		return 0, err
	}
	consumertest.Eventually(t, c.asks, func() bool { return len(r.Values()) >= connectionEvents || ctx.Err() != nil })
	r.Cancel()
	if err := r.Wait(); err != nil {
		return len(r.Values()), err
	}
	offsets, err := b.Offsets(ctx)
	for _, o := range offsets {
		if o.Lag() != 0 {
			return len(r.Values()), fmt.Errorf("%s has a lag of %d", o.Topic, o.Lag())
		}
	}
	return len(r.Values()), err
}

// connectionFiles are the certificates and secrets that the rows name.
type connectionFiles struct {
	t         *testing.T
	dir       string
	authority *authority
	server    tls.Certificate
	clients   *x509.CertPool
}

func newConnectionFiles(t *testing.T, dir string) *connectionFiles {
	f := &connectionFiles{t: t, dir: dir, authority: newAuthority(t)}
	f.server = *f.authority.issue("127.0.0.1", time.Now().Add(time.Hour))
	f.clients = x509.NewCertPool()
	f.clients.AddCert(f.authority.cert)
	f.write("right", "right")
	f.write("wrong", "wrong")
	f.writeCertificate("ca.pem", "", f.authority.cert.Raw, nil)
	f.writeCertificate("other.pem", "", newAuthority(t).cert.Raw, nil)
	client := f.authority.issue("127.0.0.1", time.Now().Add(time.Hour))
	f.writeCertificate("client.pem", "client.key", client.Certificate[0], client)
	stranger := newAuthority(t).issue("127.0.0.1", time.Now().Add(time.Hour))
	f.writeCertificate("stranger.pem", "stranger.key", stranger.Certificate[0], stranger)
	return f
}

func (f *connectionFiles) write(name, text string) {
	f.t.Helper()
	if err := os.WriteFile(filepath.Join(f.dir, name), []byte(text), 0o600); err != nil {
		f.t.Fatal(err)
	}
}

func (f *connectionFiles) writeCertificate(cert, key string, der []byte, pair *tls.Certificate) {
	f.t.Helper()
	f.write(cert, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	if key != "" {
		der, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
		if err != nil {
			f.t.Fatal(err)
		}
		f.write(key, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
	}
}

// yaml puts the folder in the place of @ in a section.
func (f *connectionFiles) yaml(section string) string {
	return strings.ReplaceAll(section, "@", f.dir+"/")
}

// tls is a server's side; mutual asks for a certificate.
func (f *connectionFiles) tls(mutual bool) *tls.Config {
	c := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{f.server}}
	if mutual {
		c.ClientAuth, c.ClientCAs = tls.RequireAndVerifyClientCert, f.clients
	}
	return c
}

const (
	trusted   = ", tls: {ca_file: @ca.pem}"
	untrusted = ", tls: {ca_file: @other.pem}"
	known     = ", tls: {ca_file: @ca.pem, cert_file: @client.pem, key_file: @client.key}"
	stranger  = ", tls: {ca_file: @ca.pem, cert_file: @stranger.pem, key_file: @stranger.key}"
)

// kafka are the rows for a Kafka in this process.
func (f *connectionFiles) kafka(t *testing.T) []connection {
	rows := []connection{
		f.kafkaRow("Kafka: nothing", f.fake(t), "", ""),
		f.kafkaRow("Kafka: TLS", f.fake(t, kfake.TLS(f.tls(false))), trusted, untrusted),
		f.kafkaRow("Kafka: mutual TLS", f.fake(t, kfake.TLS(f.tls(true))), known, stranger),
	}
	for _, mechanism := range []string{"plain", "scram-sha-256", "scram-sha-512"} {
		sasl := ", sasl: {mechanism: " + mechanism + ", username: bridge, password: {file: @%s}}"
		rows = append(rows, f.kafkaRow("Kafka: "+mechanism+" over mutual TLS",
			f.fake(t, kfake.TLS(f.tls(true)), kfake.EnableSASL(),
				kfake.Superuser(strings.ToUpper(mechanism), "bridge", "right")),
			known+fmt.Sprintf(sasl, "right"), known+fmt.Sprintf(sasl, "wrong")))
	}
	front := func(good func(token string) bool) string {
		front := &kafkafronttest.Front{
			Check: func(token string, _ map[string]string) (time.Duration, bool) { return time.Hour, good(token) },
			Secure: func(c net.Conn) net.Conn {
				return tls.Server(c, f.tls(false))
			},
		}
		return f.fake(t, kfake.ListenFn(front.Listen))
	}
	right := func(token string) bool { return token == "right" }
	endpoint := f.tokenEndpoint(t, func() (status int, body string) {
		return 200, `{"access_token":"right","token_type":"Bearer","expires_in":300}`
	})
	aws := front(func(token string) bool {
		text, _ := base64.RawURLEncoding.DecodeString(token)
		u, err := url.Parse(string(text))
		return err == nil && strings.HasPrefix(u.Query().Get("X-Amz-Credential"), "AKIDBUS/")
	})
	f.write("aws", "[bus]\naws_access_key_id=AKIDBUS\naws_secret_access_key=s\n[other]\naws_access_key_id=AKIDOTHER\n"+
		"aws_secret_access_key=s\n")
	//nolint:usetesting // parallel tests cannot set variables, and nothing else reads this one
	os.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(f.dir, "aws"))
	bearer := trusted + ", sasl: {mechanism: oauthbearer, "
	asked := "token_endpoint: {url: " + endpoint + ", client_id: bridge, client_secret: {file: @%s}, " +
		"tls: {ca_file: @ca.pem}}}"
	msk := trusted + ", sasl: {mechanism: aws-msk-iam, aws: {region: eu-west-1, profile: %s}}"
	return append(rows,
		f.kafkaRow("Kafka: oauthbearer, token of a file", front(right), bearer+"token: {file: @right}}",
			bearer+"token: {file: @wrong}}"),
		f.kafkaRow("Kafka: oauthbearer, token of an endpoint", front(right), bearer+fmt.Sprintf(asked, "right"),
			bearer+fmt.Sprintf(asked, "wrong")),
		f.kafkaRow("Kafka: aws-msk-iam", aws, fmt.Sprintf(msk, "bus"), fmt.Sprintf(msk, "other")),
	)
}

func (f *connectionFiles) kafkaRow(asks, address, right, wrong string) connection {
	section := "{kafka: {brokers: [%q], group: %s, start_at: earliest, topics: [events]%s}}"
	group := strings.NewReplacer(" ", "", ":", "", ",", "").Replace(asks)
	c := connection{asks: asks, right: f.yaml(fmt.Sprintf(section, address, group, right))}
	if wrong != "" {
		c.wrong = f.yaml(fmt.Sprintf(section, address, group, wrong))
	}
	return c
}

func (f *connectionFiles) fake(t *testing.T, opts ...kfake.Opt) string {
	t.Helper()
	cluster, err := kfake.NewCluster(append(opts, kfake.NumBrokers(1), kfake.SeedTopics(1, "events"))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	return cluster.ListenAddrs()[0]
}

// tokenEndpoint starts an endpoint that answers the client bridge with the secret "right".
func (f *connectionFiles) tokenEndpoint(t *testing.T, answer func() (status int, body string)) string {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "bridge" || password != "right" {
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprint(w, `{"error":"invalid_client"}`)
			return
		}
		status, body := answer()
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}))
	s.TLS = f.tls(false)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s.URL
}
