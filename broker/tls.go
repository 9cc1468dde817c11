package broker

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"sync/atomic"

	"github.com/nats-io/nats.go"

	"github.com/ciobridge/ciobridge/internal/mistake"
	"github.com/ciobridge/ciobridge/secret"
)

// TLSConfig says how a connection is encrypted. An empty one trusts the system's certificate authorities and shows no
// certificate of its own. There is no way to switch the verification of the server off.
type TLSConfig struct {
	// CAFile holds the PEM certificates that the server's certificate must descend from, instead of the system's. It is
	// read for every connection to a broker.
	CAFile string `yaml:"ca_file"`
	// CertFile and KeyFile are the client's own certificate and its key, in PEM. They are read at every handshake, so
	// that a renewed certificate is used from the next connection on.
	CertFile string `yaml:"cert_file"`
	KeyFile  string `yaml:"key_file"`
	// ServerName is the name that the server's certificate must carry. Empty means the host of the address.
	ServerName string `yaml:"server_name"`
}

// Validate reports what is wrong with the configuration itself; it reads no file. Its errors begin with path.
func (c *TLSConfig) Validate(path string) error {
	if (c.CertFile == "") != (c.KeyFile == "") {
		return mistake.Of("%s: cert_file and key_file go together: give both or neither", path)
	}
	return nil
}

// Client makes the configuration for a client's handshakes: TLS 1.2 or newer.
func (c *TLSConfig) Client() (*tls.Config, error) {
	conf := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: c.ServerName}
	if c.CAFile != "" {
		var err error
		if conf.RootCAs, err = c.roots(); err != nil {
			return nil, err
		}
	}
	if c.CertFile != "" {
		if _, err := c.keyPair(); err != nil {
			return nil, err
		}
		conf.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return c.keyPair() }
	}
	return conf, nil
}

func (c *TLSConfig) roots() (*x509.CertPool, error) {
	pem, err := os.ReadFile(c.CAFile)
	if err != nil {
		return nil, fmt.Errorf("read ca_file: %w", secret.WithoutPath(err))
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, errors.New("read ca_file: it holds no PEM certificate")
	}
	return pool, nil
}

// followRoots has the client of NATS read ca_file at every connect. While it is being replaced, it is what it was.
func (c *TLSConfig) followRoots(first *x509.CertPool) nats.Option {
	var last atomic.Pointer[x509.CertPool]
	last.Store(first)
	return func(o *nats.Options) error {
		o.RootCAsCB = func() (*x509.CertPool, error) {
			if roots, err := c.roots(); err == nil {
				last.Store(roots)
			}
			return last.Load(), nil
		}
		return nil
	}
}

func (c *TLSConfig) keyPair() (*tls.Certificate, error) {
	pair, err := tls.LoadX509KeyPair(c.CertFile, c.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("read cert_file and key_file: %w", secret.WithoutPath(err))
	}
	return &pair, nil
}
