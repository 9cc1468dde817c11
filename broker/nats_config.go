package broker

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"

	"github.com/ciobridge/ciobridge/internal/mistake"
	"github.com/ciobridge/ciobridge/secret"
	"github.com/nats-io/nats.go"
)

// NATSConfig says which NATS servers to connect to and as whom. At most one way of authentication is given.
type NATSConfig struct {
	// URLs are the servers, such as nats://nats-0:4222 or tls://nats.example.com. The first that answers names the
	// others of its cluster.
	URLs []string `yaml:"urls"`
	// TLS encrypts the connection; a tls:// address does the same with the system's certificate authorities.
	TLS *TLSConfig `yaml:"tls"`

	// CredsFile is a file of a user's JWT and seed, as nsc and most hosted services give them out.
	CredsFile string `yaml:"creds_file"`
	// NkeyFile is a file that holds the seed of a user's nkey.
	NkeyFile string `yaml:"nkey_file"`
	// User and Password authenticate by name.
	User     string     `yaml:"user"`
	Password secret.Ref `yaml:"password"`
	// Token authenticates without a name.
	Token secret.Ref `yaml:"token"`

	// Domain is the JetStream domain that has the streams, where it is not the server's own. APIPrefix is for an
	// account that imports the API of another under a name of its own.
	Domain    string `yaml:"domain"`
	APIPrefix string `yaml:"api_prefix"`

	// AllowPlaintext lets a password or a token travel over a connection without TLS.
	AllowPlaintext bool `yaml:"allow_plaintext"`
}

// Hint says what the settings of other clients are called here.
func (NATSConfig) Hint(key string) string {
	switch strings.ToLower(key) {
	case "servers", "server", "hosts", "brokers":
		return "write urls: [nats://host:4222]"
	case "credentials", "creds":
		return "write creds_file: PATH"
	case "username":
		return "write user: NAME"
	case "js_domain", "jetstream_domain":
		return "write domain: NAME"
	case "js_api_prefix", "jetstream_prefix", "prefix":
		return "write api_prefix: SUBJECT"
	}
	return ""
}

// Validate reports all that is wrong with the configuration. It reads no file and connects to nothing.
func (c NATSConfig) Validate() error {
	var errs []error
	if len(c.URLs) == 0 {
		errs = append(errs, mistake.Of("urls: is empty: name at least one server, such as nats://nats-0:4222"))
	}
	encrypted := c.TLS != nil
	for i, raw := range c.URLs {
		u, err := url.Parse(raw)
		switch {
		case err != nil || u.Host == "": // the parser's own text would quote the address, and with it a password
			errs = append(errs, mistake.Of("urls[%d]: is not an address: write it as nats://host:4222", i))
		case u.User != nil:
			errs = append(errs, mistake.Of("urls[%d]: holds a user or a token: "+
				"give them by user and password, or token", i))
		case u.Scheme != "nats" && u.Scheme != "tls":
			errs = append(errs, mistake.Of("urls[%d]: its scheme is not supported: use nats or tls", i))
		case u.Scheme == "tls":
			encrypted = true // one tls:// address makes the client ask every server for TLS
		}
	}
	if c.TLS != nil {
		errs = append(errs, c.TLS.Validate("tls"))
	}
	return errors.Join(append(errs, c.validateAuth(encrypted), c.validateAPI())...)
}

// defaultAPI is what the subjects of JetStream's API begin with.
const defaultAPI = "$JS.API"

// api is what they begin with as configured.
func (c NATSConfig) api() string {
	switch {
	case c.Domain != "":
		return "$JS." + c.Domain + ".API"
	case c.APIPrefix != "":
		return strings.TrimSuffix(c.APIPrefix, ".")
	}
	return defaultAPI
}

func (c NATSConfig) validateAPI() error {
	switch {
	case c.Domain != "" && c.APIPrefix != "":
		return mistake.Of("api_prefix: stands beside domain, which is a prefix too: give one of them")
	case strings.ContainsAny(c.Domain, ".*> \t\r\n"):
		return mistake.Of("domain: is not the name of a JetStream domain: it has no dots, wildcards or spaces")
	case strings.ContainsAny(c.APIPrefix, "*> \t\r\n") || strings.HasPrefix(c.APIPrefix, ".") ||
		strings.Contains(c.APIPrefix, ".."):
		return mistake.Of("api_prefix: is not a subject such as hub.JS.API: leave out wildcards and spaces")
	}
	return nil
}

func (c NATSConfig) validateAuth(encrypted bool) error {
	var errs []error
	var ways []string
	if c.CredsFile != "" {
		ways = append(ways, "creds_file")
	}
	if c.NkeyFile != "" {
		ways = append(ways, "nkey_file")
	}
	if c.User != "" || !c.Password.IsZero() {
		ways = append(ways, "user and password")
		if c.User == "" {
			errs = append(errs, mistake.Of("user: is missing beside password"))
		}
		if err := c.Password.Validate(); err != nil {
			errs = append(errs, mistake.Of("password: %w", err))
		}
	}
	if !c.Token.IsZero() {
		ways = append(ways, "token")
		if err := c.Token.Validate(); err != nil {
			errs = append(errs, mistake.Of("token: %w", err))
		}
	}
	if len(ways) > 1 {
		errs = append(errs, mistake.At("", "%s: only one way of authentication can be given", strings.Join(ways, ", ")))
	}
	if (!c.Password.IsZero() || !c.Token.IsZero()) && !encrypted && !c.AllowPlaintext {
		errs = append(errs, mistake.Of("allow_plaintext: a password or token would travel unencrypted: "+
			"configure tls, or set allow_plaintext: true"))
	}
	return errors.Join(errs...)
}

// options turns the configuration into the client's options. Files are read now, so that a wrong path is an error at
// the start. They are read again at every connect, so that rotated credentials are used.
func (c NATSConfig) options() ([]nats.Option, error) {
	var opts []nats.Option
	if c.TLS != nil {
		conf, err := c.TLS.Client()
		if err != nil {
			return nil, fmt.Errorf("tls: %w", err)
		}
		opts = append(opts, nats.Secure(conf))
		if c.TLS.CAFile != "" {
			opts = append(opts, c.TLS.followRoots(conf.RootCAs))
		}
	}
	switch {
	case c.CredsFile != "":
		file, err := os.Open(c.CredsFile)
		if err != nil {
			return nil, fmt.Errorf("creds_file: %w", secret.WithoutPath(err))
		}
		file.Close()
		opts = append(opts, nats.UserCredentials(c.CredsFile))
	case c.NkeyFile != "":
		opt, err := nats.NkeyOptionFromSeed(c.NkeyFile)
		if err != nil {
			return nil, fmt.Errorf("nkey_file: %w", secret.WithoutPath(err))
		}
		opts = append(opts, opt)
	case c.User != "":
		if _, err := c.Password.Read(); err != nil {
			return nil, fmt.Errorf("password: %w", err)
		}
		opts = append(opts, nats.UserInfoHandler(func() (string, string) { return c.User, reveal(c.Password) }))
	case !c.Token.IsZero():
		if _, err := c.Token.Read(); err != nil {
			return nil, fmt.Errorf("token: %w", err)
		}
		opts = append(opts, nats.TokenHandler(func() string { return reveal(c.Token) }))
	}
	return opts, nil
}

// reveal reads a secret for one connect. It is empty while its file is being replaced. The server then refuses the
// connect, which is tried again.
func reveal(ref secret.Ref) string {
	value, err := ref.Read()
	if err != nil {
		return ""
	}
	return value.Reveal()
}
