package webhook

import (
	"errors"
	"net"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/ciobridge/ciobridge/internal/mistake"
	"github.com/ciobridge/ciobridge/internal/topicpattern"
	"github.com/ciobridge/ciobridge/secret"
)

// Config says where webhooks are taken, by which keys they are known, and where they are published. Without a Listen
// there are none.
type Config struct {
	// Listen is the address of the server, which has no other task.
	Listen string `yaml:"listen"`
	// Path is that of the URL which is given to Customer.io.
	Path string `yaml:"path"`
	// TLS has the certificate of the server. Without it a proxy must stand in front, for Customer.io sends personal
	// data.
	TLS *TLS `yaml:"tls"`
	// SigningKeys are those by which a webhook is known to be Customer.io's. Several are for rotation, and for
	// several workspaces.
	SigningKeys []SigningKey `yaml:"signing_keys"`
	// Topic or Subject is where events are published. The object and the metric of each are added to the subject.
	Topic   string `yaml:"topic"`
	Subject string `yaml:"subject"`
	// MaxAge is how far the time of a signature may be from now.
	MaxAge time.Duration `yaml:"max_age"`
}

// TLS has the server's own certificate and its key, in PEM. They are read at each handshake.
type TLS struct {
	CertFile string `yaml:"cert_file"`
	KeyFile  string `yaml:"key_file"`
}

// SigningKey says where a key is read, and which workspace signs with it.
type SigningKey struct {
	File      string `yaml:"file"`
	Env       string `yaml:"env"`
	Workspace string `yaml:"workspace"`
}

const (
	defaultPath   = "/webhooks/customerio"
	defaultMaxAge = 5 * time.Minute
	leastMaxAge   = 10 * time.Second
	mostMaxAge    = 24 * time.Hour
)

// DefaultConfig gives the values of what may be left out.
func DefaultConfig() Config { return Config{Path: defaultPath, MaxAge: defaultMaxAge} }

// Enabled reports whether webhooks are taken.
func (c Config) Enabled() bool { return c.Listen != "" }

// To is the topic, or what the subjects begin with.
func (c Config) To() string { return c.Topic + c.Subject }

var urlPath = regexp.MustCompile(`^(/[A-Za-z0-9._~-]+)+$`)

// Validate reports every mistake, each beginning with the path of the field. Workspaces are the names of those that
// there are beside the one without a name. It reads no files.
func (c Config) Validate(workspaces []string) error {
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, mistake.Of(format, args...))
		}
	}
	if !c.Enabled() {
		check(len(c.SigningKeys) == 0 && c.To() == "" && c.TLS == nil, "listen: is missing: give host:port, such as "+
			":8443, or leave webhooks out")
		return errors.Join(errs...)
	}
	_, _, err := net.SplitHostPort(c.Listen)
	check(err == nil, "listen: is not host:port, such as :8443")
	check(urlPath.MatchString(c.Path), "path: is not the path of a URL, such as %s", defaultPath)
	check(c.TLS == nil || c.TLS.CertFile != "" && c.TLS.KeyFile != "", "tls: give both cert_file and key_file")
	check(len(c.SigningKeys) > 0, "signing_keys: is missing: Customer.io shows the key where the webhook is made; "+
		"without it anybody could publish on your bus")
	for i, k := range c.SigningKeys {
		check((k.File == "") != (k.Env == ""), "signing_keys[%d]: give either file or env", i)
		check(k.Workspace == "" || slices.Contains(workspaces, k.Workspace),
			"signing_keys[%d].workspace: there is no workspace %q under customerio.workspaces", i, k.Workspace)
	}
	check((c.Topic == "") != (c.Subject == ""), "topic: give exactly one of topic (Kafka) and subject (NATS)")
	check(c.Topic == "" || topicpattern.IsName(c.Topic) && strings.Trim(c.Topic, ".") != "",
		"topic: is not a Kafka topic name: use letters, digits, '.', '_' and '-', at most 249 of them")
	check(c.Subject == "" || topicpattern.IsSubject(c.Subject),
		"subject: is not what NATS subjects begin with: use tokens with dots between them, without spaces, * and >")
	check(c.MaxAge >= leastMaxAge && c.MaxAge <= mostMaxAge, "max_age: %s is outside %s to %s", c.MaxAge, leastMaxAge,
		mostMaxAge)
	return errors.Join(errs...)
}

// keys reads the signing keys. The error has every mistake.
func (c Config) keys() ([]key, error) {
	list := make([]key, len(c.SigningKeys))
	var errs []error
	for i, k := range c.SigningKeys {
		value, err := secret.Ref{File: k.File, Env: k.Env}.Read()
		if err != nil {
			errs = append(errs, mistake.Of("signing_keys[%d]: %w", i, err))
		}
		list[i] = key{value, k.Workspace}
	}
	return list, errors.Join(errs...)
}
