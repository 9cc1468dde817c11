package broker

import (
	"bytes"
	"crypto/tls"
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
