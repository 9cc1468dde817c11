package broker

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"go.uber.org/zap/zaptest"
)

// A server that asks for a client certificate, and a client that trusts its authority and shows one of its own. A
// client that trusts another authority, or has no certificate, stays outside.
func TestNATSOverTLS(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ca, other := newAuthority(t), newAuthority(t)
	ca.write(t, filepath.Join(dir, "ca.pem"), "")
	other.write(t, filepath.Join(dir, "other.pem"), "")
	serverCert := ca.issue(t)
	ca.issue(t).write(t, filepath.Join(dir, "client.pem"), filepath.Join(dir, "client.key"))

	pool := x509.NewCertPool()
	pool.AddCert(ca.cert)
	srv := startServer(t, &server.Options{
		TLSTimeout: 2,
		TLSConfig: &tls.Config{
			MinVersion:   tls.VersionTLS12,
			Certificates: []tls.Certificate{{Certificate: [][]byte{serverCert.cert.Raw}, PrivateKey: serverCert.key}},
			ClientAuth:   tls.RequireAndVerifyClientCert, ClientCAs: pool,
		},
	})

	own := TLSConfig{CertFile: filepath.Join(dir, "client.pem"), KeyFile: filepath.Join(dir, "client.key")}
	for name, tc := range map[string]struct {
		conf TLSConfig
		ok   bool
	}{
		"all is well": {TLSConfig{CAFile: filepath.Join(dir, "ca.pem"), CertFile: own.CertFile,
			KeyFile: own.KeyFile}, true},
		"another authority": {TLSConfig{CAFile: filepath.Join(dir, "other.pem"), CertFile: own.CertFile,
			KeyFile: own.KeyFile}, false},
		"another name": {TLSConfig{CAFile: filepath.Join(dir, "ca.pem"), CertFile: own.CertFile,
			KeyFile: own.KeyFile, ServerName: "elsewhere"}, false},
		"no certificate":       {TLSConfig{CAFile: filepath.Join(dir, "ca.pem")}, false},
		"authority is missing": {TLSConfig{CAFile: filepath.Join(dir, "none.pem")}, false},
		"authority is empty":   {TLSConfig{CAFile: own.KeyFile}, false},
	} {
		timeout := 300 * time.Millisecond
		if tc.ok {
			timeout = 10 * time.Second
		}
		ctx, cancel := context.WithTimeout(t.Context(), timeout)
		conn, err := NewNATS(ctx, NATSConfig{URLs: []string{srv.ClientURL()}, TLS: &tc.conf}, zaptest.NewLogger(t))
		cancel()
		if (err == nil) != tc.ok {
			t.Errorf("%s: %v", name, err)
		}
		if err == nil {
			wantEcho(t, conn)
			conn.Close()
		}
	}
}

// issued is a certificate and its key.
type issued struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *issued {
	t.Helper()
	return sign(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: "test authority"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign,
	}, nil)
}

// issue makes a certificate for 127.0.0.1, good for either end of a connection.
func (i *issued) issue(t *testing.T) *issued {
	t.Helper()
	return sign(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: "test"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}, i)
}

func sign(t *testing.T, template *x509.Certificate, by *issued) *issued {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	if by == nil {
		by = &issued{template, key}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, by.cert, &key.PublicKey, by.key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &issued{cert, key}
}

func (i *issued) write(t *testing.T, certFile, keyFile string) {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(i.key)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{
		certFile: {Type: "CERTIFICATE", Bytes: i.cert.Raw},
		keyFile:  {Type: "PRIVATE KEY", Bytes: der},
	} {
		if file != "" {
			if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}
