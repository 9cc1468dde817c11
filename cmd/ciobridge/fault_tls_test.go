package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/ciobridge/ciobridge/internal/exit"
	"github.com/ciobridge/ciobridge/internal/longtest"
)

// authority issues certificates.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t, cert: &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "an authority"},
		NotBefore: time.Now().Add(-time.Hour),
		NotAfter:  time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}}
	var err error
	if a.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, a.cert, a.cert, &a.key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return a
}

// issue makes a certificate of a server at an address, good until a time.
func (a *authority) issue(address string, until time.Time) *tls.Certificate {
	a.t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(2), NotBefore: time.Now().Add(-time.Hour), NotAfter: until,
		IPAddresses: []net.IP{net.ParseIP(address)},
	}, a.cert, &a.key.PublicKey, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: a.key}
}

// Customer.io's certificate becomes one that has expired, is for another host, or is of an authority that nobody
// knows: nothing is sent and nothing lost, and the flow goes on by itself when the certificate is right again.
func TestFaultCertificates(t *testing.T) {
	longtest.Only(t)
	beside(t)
	b := newBus(t, 4)
	known := newAuthority(t)
	b.write("ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: known.cert.Raw})))
	soon := time.Now().Add(time.Hour)
	good := known.issue("127.0.0.1", soon)
	bad := []*tls.Certificate{
		known.issue("127.0.0.1", time.Now().Add(-time.Minute)), known.issue("127.0.0.2",
			soon), newAuthority(t).issue("127.0.0.1", soon),
	}
	var broken atomic.Bool
	var shown atomic.Int64
	server := httptest.NewUnstartedServer(b.cio)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.TLS = &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
		shows := good
		if broken.Load() {
			shows = bad[int(shown.Add(1))%len(bad)]
		}
		return &tls.Config{Certificates: []tls.Certificate{*shows}}, nil
	}}
	server.StartTLS()
	t.Cleanup(server.Close)
	b.server = server

	b.session = longSession
	path := b.configureKafka()
	b.produce(500)
	out := &logBuffer{}
	bridge := watch(t, launchWith(t, out, []string{"SSL_CERT_FILE=" + b.path("ca.pem"),
		"SSL_CERT_DIR=" + b.path("none")}, "run", "-c", path), out)
	b.arrive(20 * time.Second)

	broken.Store(true)
	server.CloseClientConnections()
	before := b.cio.Stats().Requests
	b.produce(500)
	eventually(t, "every bad certificate is shown", 20*time.Second,
		func() bool { return shown.Load() >= int64(len(bad)) })
	eventually(t, "the bridge says so", 20*time.Second,
		func() bool { return strings.Contains(out.String(), `"trouble":"tls"`) })
	if n := b.cio.Stats().Requests - before; n > 0 {
		t.Errorf("%d requests were made over connections that cannot be trusted", n)
	}
	broken.Store(false)
	b.arrive(30 * time.Second)
	bridge.signal(syscall.SIGTERM)
	if bridge.endedBy(syscall.SIGTERM, 20*time.Second) || bridge.ProcessState.ExitCode() != exit.OK {
		t.Errorf("%s\n%s", bridge.ProcessState, out)
	}
	b.judge(again)
}
