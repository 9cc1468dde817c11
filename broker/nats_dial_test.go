package broker

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"go.uber.org/zap/zaptest"

	"github.com/ciobridge/ciobridge/secret"
)

// The keys in testdata/nats were made for this test: of an operator, of its account, and of two users.
const (
	testOperator = "OCT4BNIYWMPRXXE4V6QYNYUNOPHRUV5MFC2N6O42VGAQYXYOIVVKO3QV"
	testAccount  = "AAUBGHVFK5RGS7GU26WAOFW73T6AGR5N2TLWOSVD6Z462V23DFBOGZJE"
	testNkey     = "UCQMWI7CASB5WYG7C5DFZ5BTN5O25IQYX66K46Y6IQXD27SMMXIUVZUX"
)

// The second connection is let in by every server that let the first one in, and carries messages.
func TestNATSDial(t *testing.T) {
	t.Parallel()
	keys := filepath.Join("testdata", "nats")
	jwt, err := os.ReadFile(filepath.Join(keys, "account.jwt"))
	if err != nil {
		t.Fatal(err)
	}
	accounts := &server.MemAccResolver{}
	if err := accounts.Store(testAccount, string(jwt)); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte("right\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	right := secret.Ref{File: file}
	for name, tc := range map[string]struct {
		server server.Options
		client NATSConfig
	}{
		"nobody asks": {},
		"password": {server.Options{Username: "bridge", Password: "right"},
			NATSConfig{User: "bridge", Password: right}},
		"token": {server.Options{Authorization: "right"}, NATSConfig{Token: right}},
		"nkey": {server.Options{Nkeys: []*server.NkeyUser{{Nkey: testNkey}}},
			NATSConfig{NkeyFile: filepath.Join(keys, "user.nkey")}},
		"credentials": {server.Options{TrustedKeys: []string{testOperator}, AccountResolver: accounts},
			NATSConfig{CredsFile: filepath.Join(keys, "user.creds")}},
	} {
		t.Run(name, func(t *testing.T) {
			srv := startServer(t, &tc.server)
			cfg := tc.client
			cfg.URLs, cfg.AllowPlaintext = []string{srv.ClientURL()}, true
			n, err := NewNATS(t.Context(), cfg, zaptest.NewLogger(t))
			if err != nil {
				t.Fatal(err)
			}
			defer n.Close()
			wantEcho(t, n)
		})
	}
}

// A refusal is an error that says so.
func TestNATSDialRefused(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte("right"), 0o600); err != nil {
		t.Fatal(err)
	}
	srv := startServer(t, &server.Options{Username: "bridge", Password: "right"})
	cfg := NATSConfig{URLs: []string{srv.ClientURL()}, User: "bridge", Password: secret.Ref{File: file},
		AllowPlaintext: true}
	n, err := NewNATS(t.Context(), cfg, zaptest.NewLogger(t))
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	if err := os.WriteFile(file, []byte("wrong"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := n.Dial(t.Context()); err == nil || !strings.Contains(err.Error(), "Authorization Violation") {
		t.Errorf("a wrong password gives %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := n.Dial(ctx); err == nil {
		t.Error("it connects after its context")
	}
}

func startServer(t *testing.T, opts *server.Options) *server.Server {
	t.Helper()
	opts.Host, opts.Port, opts.NoSigs, opts.NoLog = "127.0.0.1", server.RANDOM_PORT, true, true
	srv, err := server.NewServer(opts)
	if err != nil {
		t.Fatal(err)
	}
	started := make(chan struct{})
	go func() { defer close(started); srv.Start() }()
	t.Cleanup(func() { srv.Shutdown(); srv.WaitForShutdown(); <-started })
	if !srv.ReadyForConnections(5 * time.Second) {
		t.Fatal("the server does not start")
	}
	return srv
}

// wantEcho has a message come back over a second connection of n.
func wantEcho(t *testing.T, n *NATS) {
	t.Helper()
	conn, err := n.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprint(conn, "SUB echo 1\r\nPUB echo 5\r\nhello\r\n"); err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for b := make([]byte, 256); !strings.Contains(got.String(), "MSG echo 1 5\r\nhello\r\n"); {
		k, err := conn.Read(b)
		if err != nil {
			t.Fatalf("got %q, then %v", got.String(), err)
		}
		got.Write(b[:k])
	}
}
