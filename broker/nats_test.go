package broker

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ciobridge/ciobridge/secret"
	"github.com/nats-io/nats-server/v2/server"
	"go.uber.org/zap/zaptest"
)

func TestNATSConfigValidate(t *testing.T) {
	ref := secret.Ref{File: "/run/secrets/nats"}
	for name, tc := range map[string]struct {
		cfg  NATSConfig
		want []string
	}{
		"nothing": {NATSConfig{}, []string{"urls: is empty"}},
		"password in address": {NATSConfig{URLs: []string{"nats://joe:hunter2@host:4222"}},
			[]string{"urls[0]: holds a user"}},
		"not an address": {NATSConfig{URLs: []string{"hunter2@:host"}}, []string{"urls[0]: is not an address"}},
		"wrong scheme": {NATSConfig{URLs: []string{"http://host"}},
			[]string{"urls[0]: its scheme is not supported"}},
		"plain password": {NATSConfig{URLs: []string{"nats://h"}, User: "u", Password: ref},
			[]string{"allow_plaintext: "}},
		"two ways": {NATSConfig{URLs: []string{"tls://h"}, Token: ref, NkeyFile: "n"},
			[]string{"nkey_file, token: only one"}},
		"half a user": {NATSConfig{URLs: []string{"tls://h"}, User: "u"}, []string{"password: is missing"}},
		"half a certificate": {NATSConfig{URLs: []string{"tls://h"}, TLS: &TLSConfig{CertFile: "c"}},
			[]string{"tls: cert_file and key_file"}},
	} {
		err := tc.cfg.Validate()
		for _, want := range tc.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %q is missing in: %v", name, want, err)
			}
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: the error quotes a password", name)
		}
	}
	ok := NATSConfig{URLs: []string{"nats://h:4222"}, User: "u", Password: ref, AllowPlaintext: true}
	if err := ok.Validate(); err != nil {
		t.Error(err)
	}
}

func TestNATSRefusesOldServers(t *testing.T) {
	t.Parallel()
	for version, ok := range map[string]bool{"2.13.9": false, "1.99.0": false, "2.14.0": true, "2.15.2-beta": true,
		"3.0.0": true} {
		err := checkNATSVersion(version)
		if (err == nil) != ok {
			t.Errorf("%s gives %v", version, err)
		}
	}
}

// A wrong path is told at once, not at every attempt to connect.
func TestNATSFilesThatAreMissing(t *testing.T) {
	none := filepath.Join(t.TempDir(), "none")
	for field, cfg := range map[string]NATSConfig{
		"creds_file": {CredsFile: none},
		"nkey_file":  {NkeyFile: none},
		"password":   {User: "u", Password: secret.Ref{File: none}},
		"token":      {Token: secret.Ref{File: none}},
		"tls":        {TLS: &TLSConfig{CAFile: none}},
	} {
		cfg.URLs = []string{"tls://127.0.0.1:1"}
		if _, err := NewNATS(t.Context(), cfg, zaptest.NewLogger(t)); err == nil ||
			!strings.HasPrefix(err.Error(), field+": ") {
			t.Errorf("%s: %v", field, err)
		}
	}
}

// While the server does not exist the connect is tried until the context ends, and the error says what was met.
func TestNATSWaitsForTheServer(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(context.Background(), 700*time.Millisecond)
	defer cancel()
	_, err := NewNATS(ctx, NATSConfig{URLs: []string{"nats://127.0.0.1:1"}}, zaptest.NewLogger(t))
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("got %v", err)
	}
}

// A password is read again at every connect, so that a rotated one is used without a restart.
func TestNATSPasswordIsReadAgain(t *testing.T) {
	t.Parallel()
	srv := startServer(t, &server.Options{Username: "bridge", Password: "right"})
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte("wrong\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := NATSConfig{URLs: []string{srv.ClientURL()}, User: "bridge", Password: secret.Ref{File: file},
		AllowPlaintext: true}
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	if _, err := NewNATS(ctx, cfg, zaptest.NewLogger(t)); err == nil {
		t.Fatal("a wrong password is accepted")
	}

	rotated := time.AfterFunc(200*time.Millisecond, func() { _ = os.WriteFile(file, []byte("right\n"), 0o600) })
	defer rotated.Stop()
	ctx, cancel = context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	conn, err := NewNATS(ctx, cfg, zaptest.NewLogger(t))
	if err != nil {
		t.Fatalf("the rotated password is not used: %v", err)
	}
	conn.Close()
}
