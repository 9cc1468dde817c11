package emulator_test

import (
	"crypto/x509"
	"encoding/pem"
	"testing"
	"time"

	"github.com/ciobridge/ciobridge/emulator/certificate"
)

// Whoever trusts the authority trusts the server under its own names, as long as it lives, and nothing else.
func TestWhatTheAuthorityVouchesFor(t *testing.T) {
	now := time.Now()
	trusted, server, err := certificate.Make([]string{"localhost", "127.0.0.1", "::1"}, now)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(trusted) {
		t.Fatal("the authority is no PEM")
	}
	if block, rest := pem.Decode(trusted); block.Type != "CERTIFICATE" || len(rest) > 0 {
		t.Errorf("beside the certificate there is a %s and %q", block.Type, rest)
	}
	for name, ok := range map[string]bool{"localhost": true, "127.0.0.1": true, "::1": true, "example.com": false} {
		_, err := server.Leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: name, CurrentTime: now})
		if (err == nil) != ok {
			t.Errorf("%s: %v", name, err)
		}
	}
	late := x509.VerifyOptions{Roots: roots, DNSName: "localhost", CurrentTime: now.AddDate(1, 0, 0)}
	if _, err := server.Leaf.Verify(late); err == nil {
		t.Error("after a year the certificate is still good")
	}
	other, _, err := certificate.Make([]string{"localhost"}, now)
	if err != nil {
		t.Fatal(err)
	}
	others := x509.NewCertPool()
	others.AppendCertsFromPEM(other)
	if _, err := server.Leaf.Verify(x509.VerifyOptions{Roots: others, DNSName: "localhost"}); err == nil {
		t.Error("another authority vouches for it")
	}
}
