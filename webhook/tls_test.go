package webhook_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ciobridge/ciobridge/emulator/certificate"
	"github.com/ciobridge/ciobridge/internal/canarytest"
	"github.com/ciobridge/ciobridge/webhook"
)

// The server's certificate is read at each connection, and the last good one goes on while its files are replaced.
func TestCertificateIsReplaced(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	at := &webhook.TLS{CertFile: filepath.Join(dir, "crt"), KeyFile: filepath.Join(dir, "key")}
	write := func(path string, blocks ...*pem.Block) {
		t.Helper()
		var text []byte
		for _, b := range blocks {
			text = append(text, pem.EncodeToMemory(b)...)
		}
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	renew := func() *x509.CertPool {
		t.Helper()
		trusted, made, err := certificate.Make([]string{"127.0.0.1"}, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		key, err := x509.MarshalPKCS8PrivateKey(made.PrivateKey)
		if err != nil {
			t.Fatal(err)
		}
		var chain []*pem.Block
		for _, der := range made.Certificate {
			chain = append(chain, &pem.Block{Type: "CERTIFICATE", Bytes: der})
		}
		write(at.CertFile, chain...)
		write(at.KeyFile, &pem.Block{Type: "PRIVATE KEY", Bytes: key})
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM(trusted)
		return pool
	}
	first := renew()
	s := newStation(t, &shelf{}, func(c *webhook.Config) { c.TLS = at })
	get := func(pool *x509.CertPool) error {
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, ForceAttemptHTTP2: true,
			TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}}
		res, err := client.Get("https" + s.url[len("http"):])
		if err == nil {
			res.Body.Close()
			if res.ProtoMajor != 1 || res.StatusCode != http.StatusMethodNotAllowed {
				t.Errorf("%s, status %d", res.Proto, res.StatusCode)
			}
		}
		return err
	}
	if err := get(first); err != nil {
		t.Error(err)
	}
	write(at.KeyFile)
	if err := get(first); err != nil {
		t.Errorf("while the key is being replaced: %v", err)
	}
	second := renew()
	if err := get(second); err != nil {
		t.Errorf("after that: %v", err)
	}
	if get(first) == nil {
		t.Error("the old certificate goes on")
	}
}

// Every file that cannot be read is told of at once, by its field.
func TestEveryMissingFileIsNamed(t *testing.T) {
	t.Parallel()
	c := webhook.DefaultConfig()
	missing, empty := filepath.Join(t.TempDir(), "none"), filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c.Listen, c.Topic, c.TLS = "127.0.0.1:0", "webhooks", &webhook.TLS{CertFile: missing, KeyFile: missing}
	c.SigningKeys = []webhook.SigningKey{{File: missing}, {File: empty}, {Env: "CIOBRIDGE_TEST_NOT_SET"}}
	_, err := webhook.New(c, canarytest.Logger(t), canarytest.Registry(t))
	if err == nil {
		t.Fatal("it starts")
	}
	lines := strings.Split(err.Error(), "\n")
	for i, want := range []string{"signing_keys[0]: ", "signing_keys[1]: ", "signing_keys[2]: ", "tls: "} {
		if len(lines) != 4 || !strings.HasPrefix(lines[i], want) || strings.Contains(lines[i], missing) {
			t.Errorf("error\n%v", err)
		}
	}
}
