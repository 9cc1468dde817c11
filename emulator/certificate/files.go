package certificate

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"time"
)

// Files say how an emulator shows who it is: with a certificate of its own making, whose authority it writes to CA, or
// with one that it was given. Without any it does not speak TLS.
type Files struct{ CA, Cert, Key string }

// Given reports whether there is a certificate to show.
func (f *Files) Given() bool { return f.CA != "" || f.Cert != "" }

// Validate reports files that do not go together, by the flags that name them.
func (f *Files) Validate() error {
	switch {
	case (f.Cert == "") != (f.Key == ""):
		return errors.New("--tls-cert and --tls-key: give both or neither")
	case f.CA != "" && f.Cert != "":
		return errors.New("--tls-ca: makes a certificate, and cannot stand beside --tls-cert")
	}
	return nil
}

// Listen makes connections of a listener speak TLS, if they are to.
func (f *Files) Listen(listener net.Listener, hosts []string) (net.Listener, error) {
	if !f.Given() {
		return listener, nil
	}
	shown, err := f.certificate(hosts)
	if err != nil {
		return nil, err
	}
	return tls.NewListener(listener, &tls.Config{
		Certificates: []tls.Certificate{shown}, NextProtos: []string{"h2", "http/1.1"},
	}), nil
}

func (f *Files) certificate(hosts []string) (tls.Certificate, error) {
	if f.Cert != "" {
		given, err := tls.LoadX509KeyPair(f.Cert, f.Key)
		if err != nil {
			return given, fmt.Errorf("--tls-cert, --tls-key: %w", err)
		}
		return given, nil
	}
	// Customer.io's own names too, for those who let them lead here.
	names := append([]string{"localhost", "*.localhost", "127.0.0.1", "::1", "*.customer.io"}, hosts...)
	trusted, made, err := Make(names, time.Now())
	if err != nil {
		return made, fmt.Errorf("--tls-ca: %w", err)
	}
	if err := os.WriteFile(f.CA, trusted, 0o644); err != nil { //nolint:gosec // a certificate is public
		return made, fmt.Errorf("--tls-ca: %w", err)
	}
	return made, nil
}

// Advice says how clients come to trust the certificate.
func (f *Files) Advice() string {
	if f.CA == "" {
		return ""
	}
	return fmt.Sprintf(`
  trust its certificate with  SSL_CERT_FILE=%[1]s (ciobridge, Go, OpenSSL), NODE_EXTRA_CA_CERTS=%[1]s,
                              REQUESTS_CA_BUNDLE=%[1]s (Python), or curl --cacert %[1]s
`, f.CA)
}
