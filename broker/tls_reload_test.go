package broker

import (
	"bytes"
	"crypto/tls"
	"net"
	"path/filepath"
	"testing"
)

// A certificate that was renewed in its file is shown from the next handshake on, without a new configuration.
func TestTLSClientCertificateIsReadAtEveryHandshake(t *testing.T) {
	dir := t.TempDir()
	c := TLSConfig{CertFile: filepath.Join(dir, "cert.pem"), KeyFile: filepath.Join(dir, "key.pem")}
	ca := newAuthority(t)
	ca.issue(t).write(t, c.CertFile, c.KeyFile)
	conf, err := c.Client()
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		renewed := ca.issue(t)
		renewed.write(t, c.CertFile, c.KeyFile)
		pair, err := conf.GetClientCertificate(&tls.CertificateRequestInfo{})
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(pair.Certificate[0], renewed.cert.Raw) {
			t.Error("the certificate that is shown is not the one in the file")
		}
	}
}

// A server that offers TLS 1.1 at most is refused.
func TestTLSOldVersionsAreRefused(t *testing.T) {
	dir := t.TempDir()
	ca := newAuthority(t)
	ca.write(t, filepath.Join(dir, "ca.pem"), "")
	issued := ca.issue(t)
	for version, ok := range map[uint16]bool{tls.VersionTLS11: false, tls.VersionTLS12: true} {
		listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{
			MinVersion: tls.VersionTLS10, MaxVersion: version,
			Certificates: []tls.Certificate{{Certificate: [][]byte{issued.cert.Raw}, PrivateKey: issued.key}},
		})
		if err != nil {
			t.Fatal(err)
		}
		served := make(chan struct{})
		go func() {
			defer close(served)
			if conn, err := listener.Accept(); err == nil {
				_ = conn.(*tls.Conn).Handshake()
				conn.Close()
			}
		}()
		conf, err := (&TLSConfig{CAFile: filepath.Join(dir, "ca.pem"), ServerName: "127.0.0.1"}).Client()
		if err != nil {
			t.Fatal(err)
		}
		plain, err := net.Dial("tcp", listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		if err := tls.Client(plain, conf).Handshake(); (err == nil) != ok {
			t.Errorf("%s: %v", tls.VersionName(version), err)
		}
		plain.Close()
		<-served
		listener.Close()
	}
}
