package main

import (
	"fmt"
	"net/url"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nkeys"

	"github.com/ciobridge/ciobridge/internal/consumertest"
)

// nats are the rows for NATS servers in this process.
func (f *connectionFiles) nats(t *testing.T) []connection {
	keys := newNATSKeys(f)
	trusting := keys.trusting(f.t)
	open := ", allow_plaintext: true"
	password := open + ", user: bridge, password: {file: @%s}"
	return []connection{
		f.natsRow("NATS: nothing", f.natsServer(t, &server.Options{}), "", ""),
		f.natsRow("NATS: token", f.natsServer(t, &server.Options{Authorization: "right"}),
			open+", token: {file: @right}", open+", token: {file: @wrong}"),
		f.natsRow("NATS: user and password", f.natsServer(t, &server.Options{Username: "bridge", Password: "right"}),
			fmt.Sprintf(password, "right"), fmt.Sprintf(password, "wrong")),
		f.natsRow("NATS: nkey", f.natsServer(t, &server.Options{Nkeys: []*server.NkeyUser{{Nkey: keys.user}}}),
			", nkey_file: @user.nk", ", nkey_file: @other.nk"),
		f.natsRow("NATS: credentials file", f.natsServer(t, trusting), ", creds_file: @user.creds",
			", creds_file: @ended.creds"),
		f.natsRow("NATS: TLS", f.natsServer(t, &server.Options{TLSConfig: f.tls(false), TLSTimeout: 2}),
			trusted, untrusted),
		f.natsRow("NATS: mutual TLS and a token", f.natsServer(t, &server.Options{TLSConfig: f.tls(true), TLSTimeout: 2,
			Authorization: "right"}), known+", token: {file: @right}", known+", token: {file: @wrong}"),
		f.natsRow("NATS: several servers, of which the first is down",
			"nats://127.0.0.1:1, "+f.natsServer(t, &server.Options{}), "", ""),
		f.natsRow("NATS: a JetStream domain across a leaf node", f.leafNode(t), ", domain: hub", ""),
		f.natsRow("NATS: the API of another account", f.otherAccount(t), fmt.Sprintf(password, "right")+
			", api_prefix: hub.API", ""),
	}
}

func (f *connectionFiles) natsRow(asks, address, right, wrong string) connection {
	section := "{nats: {urls: [%s], start_at: earliest, streams: [{name: EVENTS}]%s}}"
	c := connection{asks: asks, right: f.yaml(fmt.Sprintf(section, address, right))}
	if wrong != "" {
		c.wrong = f.yaml(fmt.Sprintf(section, address, wrong))
	}
	return c
}

// natsServer starts a server with JetStream, and returns its address.
func (f *connectionFiles) natsServer(t *testing.T, opts *server.Options) string {
	opts.JetStream, opts.StoreDir = true, t.TempDir()
	return runNATS(t, opts).ClientURL()
}

func runNATS(t *testing.T, opts *server.Options) *server.Server {
	t.Helper()
	opts.Host, opts.Port, opts.NoSigs, opts.NoLog = "127.0.0.1", server.RANDOM_PORT, true, true
	srv, err := server.NewServer(opts)
	if err != nil {
		t.Fatal(err)
	}
	started := make(chan struct{})
	go func() { defer close(started); srv.Start() }()
	t.Cleanup(func() { srv.Shutdown(); srv.WaitForShutdown(); <-started })
	if !srv.ReadyForConnections(10 * time.Second) {
		t.Fatal("the server does not start")
	}
	return srv
}

// leafNode starts a server that has the domain hub, and one beside it that has no JetStream.
func (f *connectionFiles) leafNode(t *testing.T) string {
	opts := &server.Options{JetStream: true, StoreDir: t.TempDir(), JetStreamDomain: "hub"}
	opts.LeafNode.Host, opts.LeafNode.Port = "127.0.0.1", server.RANDOM_PORT
	runNATS(t, opts)
	remote, err := url.Parse(fmt.Sprintf("nats-leaf://127.0.0.1:%d", opts.LeafNode.Port))
	if err != nil {
		t.Fatal(err)
	}
	beside := &server.Options{}
	beside.LeafNode.Remotes = []*server.RemoteLeafOpts{{URLs: []*url.URL{remote}}}
	outer := runNATS(t, beside)
	consumertest.Eventually(t, "the leaf node is connected", func() bool { return outer.NumLeafNodes() == 1 })
	return outer.ClientURL()
}

// otherAccount starts a server whose users have no JetStream but import that of another account.
func (f *connectionFiles) otherAccount(t *testing.T) string {
	f.write("accounts.conf", f.yaml(`
jetstream {store_dir: "@accounts"}
accounts {
  HUB {
    jetstream: enabled
    users: [{user: hub, password: hub}]
    exports: [{service: "$JS.API.>", response: stream}, {service: "$JS.ACK.>"}, {service: "$KV.>"}, {service: "events.>"}]
  }
  APP {
    users: [{user: bridge, password: right}]
    imports: [
      {service: {account: HUB, subject: "$JS.API.>"}, to: "hub.API.>"}
      {service: {account: HUB, subject: "$KV.>"}, to: "hub.API.$KV.>"}
      {service: {account: HUB, subject: "$JS.ACK.>"}}
      {service: {account: HUB, subject: "events.>"}}
    ]
  }
}`))
	opts, err := server.ProcessConfigFile(filepath.Join(f.dir, "accounts.conf"))
	if err != nil {
		t.Fatal(err)
	}
	return runNATS(t, opts).ClientURL()
}

// natsKeys are an operator, its account and a user, whose credentials stand in user.creds, and a second time in
// ended.creds as they were good until an hour ago.
type natsKeys struct {
	f                 *connectionFiles
	operator, account nkeys.KeyPair
	users             nkeys.KeyPair
	user              string
}

func newNATSKeys(f *connectionFiles) *natsKeys {
	f.t.Helper()
	k := &natsKeys{f: f}
	pair := func(make func() (nkeys.KeyPair, error)) nkeys.KeyPair {
		made, err := make()
		if err != nil {
			f.t.Fatal(err)
		}
		return made
	}
	k.operator, k.account, k.users = pair(nkeys.CreateOperator), pair(nkeys.CreateAccount), pair(nkeys.CreateUser)
	k.user, _ = k.users.PublicKey()
	for name, user := range map[string]nkeys.KeyPair{"user.nk": k.users, "other.nk": pair(nkeys.CreateUser)} {
		seed, _ := user.Seed()
		f.write(name, string(seed))
	}
	k.credentials("user.creds", time.Now().Add(time.Hour))
	k.credentials("ended.creds", time.Now().Add(-time.Hour))
	return k
}

// credentials writes the user's, good until a time.
func (k *natsKeys) credentials(name string, until time.Time) {
	k.f.t.Helper()
	claims := jwt.NewUserClaims(k.user)
	claims.Expires = until.Unix()
	token, err := claims.Encode(k.account)
	if err != nil {
		k.f.t.Fatal(err)
	}
	seed, _ := k.users.Seed()
	text, err := jwt.FormatUserConfig(token, seed)
	if err != nil {
		k.f.t.Fatal(err)
	}
	k.f.write(name, string(text))
}

// trusting are the options of a server that lets users of the account in.
func (k *natsKeys) trusting(t *testing.T) *server.Options {
	t.Helper()
	accounts := &server.MemAccResolver{}
	store := func(pair nkeys.KeyPair, limits jwt.JetStreamLimits) string {
		account, _ := pair.PublicKey()
		claims := jwt.NewAccountClaims(account)
		claims.Limits.JetStreamLimits = limits
		token, err := claims.Encode(k.operator)
		if err == nil {
			err = accounts.Store(account, token)
		}
		if err != nil {
			t.Fatal(err)
		}
		return account
	}
	store(k.account, jwt.JetStreamLimits{MemoryStorage: -1, DiskStorage: -1, Streams: -1, Consumer: -1})
	system, err := nkeys.CreateAccount()
	if err != nil {
		t.Fatal(err)
	}
	operator, _ := k.operator.PublicKey()
	return &server.Options{TrustedKeys: []string{operator}, AccountResolver: accounts,
		SystemAccount: store(system, jwt.JetStreamLimits{})}
}
