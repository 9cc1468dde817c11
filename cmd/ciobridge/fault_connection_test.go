package main

import (
	"bytes"
	"context"
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/sasl/oauth"
	"github.com/twmb/franz-go/pkg/sasl/plain"

	"github.com/ciobridge/ciobridge/internal/exit"
	"github.com/ciobridge/ciobridge/internal/kafkafronttest"
	"github.com/ciobridge/ciobridge/internal/longtest"
)

// change is something that changes while events flow, what the bridge says of it, and what mends it.
type change struct {
	what        string
	happens     func()
	says        string
	mended      func()
	goesOnAfter bool // events are delivered for a while, before it shows
}

// live has changes happen to a bridge one after the other: each is told, nothing is lost, and the flow goes on by
// itself when it is mended.
func live(t *testing.T, w *world, path string, publish func(n int), changes ...change) {
	t.Helper()
	p := start(t, "run", "-c", path)
	publish(200)
	w.arrive(30 * time.Second)
	for _, c := range changes {
		told := len(p.log.String())
		c.happens()
		if c.goesOnAfter {
			publish(50)
			w.arrive(30 * time.Second)
		}
		eventually(t, "the bridge says: "+c.what, 30*time.Second,
			func() bool { return strings.Contains(p.log.String()[told:], c.says) })
		publish(200)
		if w.delivered() >= w.wanted() {
			t.Errorf("%s: everything was delivered all the same", c.what)
		}
		c.mended()
		w.arrive(30 * time.Second)
	}
	if code := p.stop(); code != exit.OK {
		t.Errorf("exit code %d", code)
	}
	w.judge(again)
}

// The token ends, the broker's certificate is one that cannot be trusted, and the bridge's own is not taken any more.
func TestFaultKafkaIdentityChanges(t *testing.T) {
	beside(t)
	w := newWorld(t)
	f := newConnectionFiles(t, w.dir)
	var token atomic.Value
	token.Store("right")
	var shown, refused atomic.Pointer[tls.Certificate]
	shown.Store(&f.server)
	front := &kafkafronttest.Front{
		Check: func(got string, _ map[string]string) (time.Duration, bool) {
			return 500 * time.Millisecond, got == "publisher" || got == token.Load()
		},
		Secure: func(c net.Conn) net.Conn {
			conf := f.tls(true)
			conf.Certificates = []tls.Certificate{*shown.Load()}
			conf.VerifyConnection = func(s tls.ConnectionState) error {
				if r := refused.Load(); r != nil && bytes.Equal(r.Certificate[0], s.PeerCertificates[0].Raw) {
					return errors.New("revoked")
				}
				return nil
			}
			return tls.Server(c, conf)
		},
	}
	address := kafkaBehind(t, front)
	until := time.Now().Add(time.Hour)
	client := f.authority.issue("127.0.0.1", until)
	f.writeCertificate("client.pem", "client.key", client.Certificate[0], client)
	b := &bus{world: w, client: publisherTo(t, address,
		kgo.SASL(oauth.Auth{Token: "publisher"}.AsMechanism()),
		kgo.DialTLSConfig(&tls.Config{InsecureSkipVerify: true,
			Certificates: []tls.Certificate{*f.authority.issue("127.0.0.1", until)}}))}
	path := w.configure(f.yaml(fmt.Sprintf("{kafka: {brokers: [%q], group: bridge, start_at: earliest, "+
		"topics: [events]%s, sasl: {mechanism: oauthbearer, token: {file: @right}}}}", address, known)),
		"{topic: "+deadTopic+"}")
	shows := func(c *tls.Certificate) func() { return func() { shown.Store(c); front.CloseAll() } }
	renewed := f.authority.issue("127.0.0.1", until)
	live(t, w, path, b.produce,
		change{what: "the token has ended", says: `"reason":"auth"`,
			happens: func() { token.Store("renewed") }, mended: func() { f.write("right", "renewed") }},
		change{what: "the broker's certificate has expired", says: "certificate has expired",
			happens: shows(f.authority.issue("127.0.0.1", time.Now().Add(-time.Minute))), mended: shows(&f.server)},
		change{what: "the broker's certificate is of another authority", says: `"reason":"tls"`,
			happens: shows(newAuthority(t).issue("127.0.0.1", until)), mended: shows(&f.server)},
		change{what: "the bridge's certificate is refused", says: `"reason":"tls"`,
			happens: func() { refused.Store(client); front.CloseAll() },
			mended:  func() { f.writeCertificate("client.pem", "client.key", renewed.Certificate[0], renewed) }},
	)
}

func kafkaBehind(t *testing.T, front *kafkafronttest.Front) string {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(4, eventsTopic, deadTopic),
		kfake.ListenFn(front.Listen))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	return cluster.ListenAddrs()[0]
}

func publisherTo(t *testing.T, address string, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	client, err := kgo.NewClient(append(opts, kgo.SeedBrokers(address), kgo.DefaultProduceTopic(eventsTopic))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// The endpoint of tokens is down: events go on until the session ends, and then wait for it.
func TestFaultTokenEndpointDown(t *testing.T) {
	longtest.Only(t)
	beside(t)
	w := newWorld(t)
	f := newConnectionFiles(t, w.dir)
	var given atomic.Int64 // when the last token was given
	front := &kafkafronttest.Front{Check: func(got string, _ map[string]string) (time.Duration, bool) {
		if got == "publisher" {
			return 0, true
		}
		left := time.Until(time.UnixMilli(given.Load()).Add(2 * time.Second))
		return left, left > 0
	}}
	address := kafkaBehind(t, front)
	b := &bus{world: w, client: publisherTo(t, address, kgo.SASL(oauth.Auth{Token: "publisher"}.AsMechanism()))}
	var down atomic.Bool
	endpoint := f.tokenEndpoint(t, func() (status int, body string) {
		if down.Load() {
			return 503, "away"
		}
		given.Store(time.Now().UnixMilli())
		return 200, fmt.Sprintf(`{"access_token":"t%d","expires_in":2}`, given.Load())
	})
	path := w.configure(f.yaml(fmt.Sprintf("{kafka: {brokers: [%q], group: bridge, start_at: earliest, "+
		"topics: [events], "+
		"allow_plaintext: true, sasl: {mechanism: oauthbearer, token_endpoint: {url: %s, client_id: bridge, "+
		"client_secret: {file: @right}, tls: {ca_file: @ca.pem}}}}}", address, endpoint)), "{topic: "+deadTopic+"}")
	live(t, w, path, b.produce, change{what: "there is no token", goesOnAfter: true,
		says: "no token from sasl.token_endpoint: it answers 503", happens: func() { down.Store(true) },
		mended: func() { down.Store(false) }})
}

// A right is revoked, and the password is changed at the broker.
func TestFaultKafkaRightsChange(t *testing.T) {
	beside(t)
	w := newWorld(t)
	f := newConnectionFiles(t, w.dir)
	var rights []kfake.ACL
	for _, of := range []kmsg.ACLResourceType{kmsg.ACLResourceTypeTopic, kmsg.ACLResourceTypeGroup} {
		rights = append(rights, kfake.ACL{Resource: of, Name: "*", Pattern: kmsg.ACLResourcePatternTypeLiteral,
			Operation: kmsg.ACLOperationAll, Allow: true})
	}
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(4, eventsTopic, deadTopic),
		kfake.EnableSASL(), kfake.EnableACLs(), kfake.Superuser("PLAIN", "admin", "admin"),
		kfake.User("SCRAM-SHA-256", "bridge", "right", rights...),
		kfake.BrokerConfigs(map[string]string{"connections.max.reauth.ms": "500"}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	address := cluster.ListenAddrs()[0]
	b := &bus{world: w, client: publisherTo(t, address,
		kgo.SASL(plain.Auth{User: "admin", Pass: "admin"}.AsMechanism()))}
	path := w.configure(f.yaml(fmt.Sprintf("{kafka: {brokers: [%q], group: bridge, start_at: earliest, "+
		"topics: [events], "+
		"sasl: {mechanism: scram-sha-256, username: bridge, password: {file: @right}}}}", address)),
		"{topic: "+deadTopic+"}")
	live(t, w, path, b.produce,
		change{what: "the right to read is revoked", says: "the right Read on the topic events is missing",
			happens: func() { b.deny("bridge", "topic "+eventsTopic+" read") }, mended: b.mayAgain},
		change{what: "the password is changed", says: `"reason":"auth"`,
			happens: func() { b.setPassword("changed") }, mended: func() { f.write("right", "changed") }},
	)
}

// allow gives a user rights on topics and groups, each written as the kind, the name and operations.
func (b *bus) allow(user string, rights ...string) {
	b.setRights(kmsg.ACLPermissionTypeAllow, user, rights...)
}

// deny takes a right away, whatever gives it, until mayAgain.
func (b *bus) deny(user, right string) { b.setRights(kmsg.ACLPermissionTypeDeny, user, right) }

func (b *bus) setRights(permission kmsg.ACLPermissionType, user string, rights ...string) {
	b.t.Helper()
	req := kmsg.NewPtrCreateACLsRequest()
	for _, right := range rights {
		words := strings.Fields(right)
		for _, operation := range words[2:] {
			creation := kmsg.NewCreateACLsRequestCreation()
			creation.ResourceName, creation.ResourcePatternType = words[1], kmsg.ACLResourcePatternTypeLiteral
			creation.Principal, creation.Host, creation.PermissionType = "User:"+user, "*", permission
			kind, err := kmsg.ParseACLResourceType(words[0])
			if err == nil {
				creation.ResourceType = kind
				creation.Operation, err = kmsg.ParseACLOperation(operation)
			}
			if err != nil {
				b.t.Fatal(err)
			}
			req.Creations = append(req.Creations, creation)
		}
	}
	res, err := req.RequestWith(b.t.Context(), b.client)
	if err != nil || slices.ContainsFunc(res.Results, func(r kmsg.CreateACLsResponseResult) bool {
		return r.ErrorCode != 0
	}) {
		b.t.Fatal(err, res)
	}
}

// mayAgain removes all denials.
func (b *bus) mayAgain() {
	b.t.Helper()
	filter := kmsg.NewDeleteACLsRequestFilter()
	filter.ResourceType, filter.ResourcePatternType = kmsg.ACLResourceTypeAny, kmsg.ACLResourcePatternTypeAny
	filter.Operation, filter.PermissionType = kmsg.ACLOperationAny, kmsg.ACLPermissionTypeDeny
	req := kmsg.NewPtrDeleteACLsRequest()
	req.Filters = append(req.Filters, filter)
	if _, err := req.RequestWith(b.t.Context(), b.client); err != nil {
		b.t.Fatal(err)
	}
}

// setPassword changes the password of the bridge's user at the broker.
func (b *bus) setPassword(password string) { b.setPasswordOf("bridge", "SCRAM-SHA-256", password) }

func (b *bus) setPasswordOf(user, mechanism, password string) {
	b.t.Helper()
	change := kmsg.NewAlterUserSCRAMCredentialsRequestUpsertion()
	change.Name, change.Mechanism, change.Iterations = user, 1, 4096
	change.Salt = []byte("0123456789abcdef")
	salted, err := pbkdf2.Key(sha256.New, password, change.Salt, 4096, sha256.Size)
	if mechanism == "SCRAM-SHA-512" {
		change.Mechanism = 2
		salted, err = pbkdf2.Key(sha512.New, password, change.Salt, 4096, sha512.Size)
	}
	if err != nil {
		b.t.Fatal(err)
	}
	change.SaltedPassword = salted
	req := kmsg.NewPtrAlterUserSCRAMCredentialsRequest()
	req.Upsertions = append(req.Upsertions, change)
	res, err := req.RequestWith(b.t.Context(), b.client)
	if err != nil || res.Results[0].ErrorCode != 0 {
		b.t.Fatal(err, res)
	}
}

// The password is changed at the server, and a right is revoked.
func TestFaultNATSRightsChange(t *testing.T) {
	longtest.Only(t)
	beside(t)
	w := newWorld(t)
	f := newConnectionFiles(t, w.dir)
	opts := func(password string, denied ...string) *server.Options {
		users := []*server.User{{Username: "publisher", Password: "p"}, {Username: "bridge", Password: password}}
		if len(denied) > 0 {
			users[1].Permissions = &server.Permissions{Publish: &server.SubjectPermission{Deny: denied}}
		}
		return &server.Options{Users: users, JetStream: true, StoreDir: w.path("nats"), Host: "127.0.0.1", NoSigs: true,
			NoLog: true, Port: server.RANDOM_PORT}
	}
	srv := runNATS(t, opts("right"))
	reload := func(o *server.Options) {
		if err := srv.ReloadOptions(o); err != nil {
			t.Error(err)
		}
	}
	s := joinedAs(t, w, srv.ClientURL(), nats.UserInfo("publisher", "p"))
	path := w.configure(f.yaml(fmt.Sprintf("{nats: {urls: [%q], start_at: earliest, streams: [{name: EVENTS}], "+
		"user: bridge, password: {file: @right}, allow_plaintext: true}}", s.url)),
		"{subject: dead.events, stream: DEAD, create: true}")
	live(t, w, path, s.produce,
		change{what: "the password is changed", says: `"kind":"auth"`,
			happens: func() { reload(opts("changed")) }, mended: func() { f.write("right", "changed") }},
		change{what: "the right to ask for messages is revoked", says: "ermissions",
			happens: func() { reload(opts("changed", "$JS.API.CONSUMER.MSG.NEXT.EVENTS.>")) },
			mended:  func() { reload(opts("changed")) }},
	)
}

// The user's JWT ends while events flow.
func TestFaultNATSCredentialsEnd(t *testing.T) {
	longtest.Only(t)
	beside(t)
	w := newWorld(t)
	f := newConnectionFiles(t, w.dir)
	keys := newNATSKeys(f)
	opts := keys.trusting(t)
	opts.JetStream, opts.StoreDir = true, w.path("nats")
	srv := runNATS(t, opts)
	keys.credentials("publisher.creds", time.Now().Add(time.Hour))
	s := joinedAs(t, w, srv.ClientURL(), nats.UserCredentials(w.path("publisher.creds")))
	keys.credentials("user.creds", time.Now().Add(4*time.Second))
	path := w.configure(f.yaml(fmt.Sprintf("{nats: {urls: [%q], start_at: earliest, streams: [{name: EVENTS}], "+
		"creds_file: @user.creds}}", s.url)), "{subject: dead.events, stream: DEAD, create: true}")
	live(t, w, path, s.produce, change{what: "the credentials have ended", says: `"kind":"auth"`, happens: func() {},
		mended: func() { keys.credentials("user.creds", time.Now().Add(time.Hour)) }})
}

// The NATS server's certificate expires and is exchanged, comes from another authority, which the bridge is told to
// trust, and the bridge's own is not taken any more and is exchanged.
func TestFaultNATSIdentityChanges(t *testing.T) {
	longtest.Only(t)
	beside(t)
	w := newWorld(t)
	f := newConnectionFiles(t, w.dir)
	var shown, refused atomic.Pointer[tls.Certificate]
	shown.Store(&f.server)
	secured := f.tls(true)
	secured.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
		conf := f.tls(true)
		conf.Certificates = []tls.Certificate{*shown.Load()}
		conf.VerifyConnection = func(s tls.ConnectionState) error {
			if r := refused.Load(); r != nil && bytes.Equal(r.Certificate[0], s.PeerCertificates[0].Raw) {
				return errors.New("revoked")
			}
			return nil
		}
		return conf, nil
	}
	srv := runNATS(t, &server.Options{TLSConfig: secured, TLSTimeout: 2, JetStream: true, StoreDir: w.path("nats")})
	until := time.Now().Add(time.Hour)
	s := joinedAs(t, w, srv.ClientURL(), nats.Secure(&tls.Config{InsecureSkipVerify: true,
		Certificates: []tls.Certificate{*f.authority.issue("127.0.0.1", until)}}))
	publisher, err := s.js.Conn().GetClientID()
	if err != nil {
		t.Fatal(err)
	}
	disconnect := func() {
		all, err := srv.Connz(nil)
		if err != nil {
			t.Error(err)
			return
		}
		for _, c := range all.Conns {
			if c.Cid != publisher {
				_ = srv.DisconnectClientByID(c.Cid) // it may have gone by itself
			}
		}
	}
	shows := func(c *tls.Certificate) func() { return func() { shown.Store(c); disconnect() } }
	client, renewed := f.authority.issue("127.0.0.1", until), f.authority.issue("127.0.0.1", until)
	f.writeCertificate("client.pem", "client.key", client.Certificate[0], client)
	another := newAuthority(t)
	path := w.configure(f.yaml(fmt.Sprintf("{nats: {urls: [%q], start_at: earliest, streams: [{name: EVENTS}]%s}}",
		s.url, known)), "{subject: dead.events, stream: DEAD, create: true}")
	live(t, w, path, s.produce,
		change{what: "the server's certificate has expired", says: "certificate has expired",
			happens: shows(f.authority.issue("127.0.0.1", time.Now().Add(-time.Minute))),
			mended:  shows(f.authority.issue("127.0.0.1", until))},
		change{what: "the server's certificate is of another authority", says: "signed by unknown authority",
			happens: shows(another.issue("127.0.0.1", until)),
			mended:  func() { f.writeCertificate("ca.pem", "", another.cert.Raw, nil) }},
		change{what: "the bridge's certificate is refused", says: "bad certificate",
			happens: func() { refused.Store(client); disconnect() },
			mended:  func() { f.writeCertificate("client.pem", "client.key", renewed.Certificate[0], renewed) }},
	)
}

// joinedAs is a NATS server that a world publishes to as a user of its own.
func joinedAs(t *testing.T, w *world, url string, as nats.Option) *subjects {
	t.Helper()
	conn, err := nats.Connect(url, as)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	_, err = js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "EVENTS", Subjects: []string{"events.>"}})
	if err != nil {
		t.Fatal(err)
	}
	return &subjects{world: w, url: url, js: js}
}

// A broker that refuses the bridge at the start ends it, with a sentence that says why.
func TestRefusedAtTheStart(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ source, dead, says string }{
		"kafka": {"{kafka: {brokers: [%q], group: g, start_at: earliest, topics: [events], " +
			"sasl: {mechanism: scram-sha-256, username: bridge, password: {file: @wrong}}}}", "{topic: events.dead}",
			"SASL Authentication failed"},
		"nats": {"{nats: {urls: [%q], start_at: earliest, streams: [{name: EVENTS}], user: bridge, " +
			"password: {file: @wrong}, allow_plaintext: true}}", "{subject: dead.events, stream: DEAD, create: true}",
			"Authorization Violation"},
	} {
		t.Run(name, func(t *testing.T) {
			if name == "nats" {
				longtest.Only(t) // the client of NATS asks several times
			}
			t.Parallel()
			w := newWorld(t)
			f := newConnectionFiles(t, w.dir)
			address := ""
			if name == "nats" {
				address = f.natsServer(t, &server.Options{Username: "bridge", Password: "right"})
			} else {
				address = f.fake(t, kfake.EnableSASL(), kfake.Superuser("SCRAM-SHA-256", "bridge", "right"))
			}
			p := start(t, "run", "-c", w.configure(f.yaml(fmt.Sprintf(tc.source, address)), tc.dead))
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			select {
			case code := <-p.code:
				if code != exit.Broker || !strings.Contains(p.log.String(), tc.says) {
					t.Errorf("exit code %d, and\n%s", code, p.log)
				}
			case <-ctx.Done():
				t.Errorf("it does not end:\n%s", p.log)
			}
		})
	}
}
