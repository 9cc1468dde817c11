package broker

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl"

	"github.com/ciobridge/ciobridge/internal/choice"
	"github.com/ciobridge/ciobridge/internal/mistake"
	"github.com/ciobridge/ciobridge/secret"
)

// clientID is how the bridge names itself to brokers; it shows in their quotas and request logs.
const clientID = "ciobridge"

// KafkaConfig says how to reach a Kafka cluster.
type KafkaConfig struct {
	// Brokers are the addresses (host:port) that are tried to find the cluster. Any one that answers is enough.
	Brokers []string `yaml:"brokers"`
	// TLS is set for connections over TLS; an empty section means TLS with the system's certificate authorities.
	TLS *TLSConfig `yaml:"tls,omitempty"`
	// SASL is set for clusters that ask for a user and a password.
	SASL *SASLConfig `yaml:"sasl,omitempty"`
	// AllowPlaintext permits a password to be sent over a connection without TLS.
	AllowPlaintext bool `yaml:"allow_plaintext,omitempty"`
}

// SASLConfig is a user and a password. The password is read anew for every connection, so that it can be replaced while
// the bridge runs.
type SASLConfig struct {
	// Mechanism is plain, scram-sha-256 or scram-sha-512.
	Mechanism string     `yaml:"mechanism,lower"`
	Username  string     `yaml:"username"`
	Password  secret.Ref `yaml:"password"`
}

// Validate reports everything that is wrong with the configuration, each with the path of its field. It connects to
// nothing.
func (c KafkaConfig) Validate() error {
	var errs []error
	if len(c.Brokers) == 0 {
		errs = append(errs, mistake.Of("brokers: is missing: give at least one host:port"))
	}
	for i, addr := range c.Brokers {
		if host, port, err := net.SplitHostPort(addr); err != nil || host == "" || port == "" ||
			strings.ContainsAny(addr, "/@ ") {
			errs = append(errs, mistake.Of("brokers[%d]: is not host:port, such as kafka-0:9092%s", i, instead(addr)))
		}
	}
	if c.TLS != nil {
		errs = append(errs, c.TLS.Validate("tls"))
	}
	if c.SASL != nil {
		errs = append(errs, c.SASL.validate(c.TLS != nil || c.AllowPlaintext)...)
	}
	return errors.Join(errs...)
}

// instead says what to change in what is not an address. It quotes nothing: a password may stand there.
func instead(addr string) string {
	switch {
	case strings.Contains(addr, "://"):
		return ": leave out what stands before it; tls and sasl say how to connect"
	case strings.Contains(addr, ","):
		return ": give each broker an item of its own, or write all of them as one text without brackets"
	case !strings.Contains(addr, ":"):
		return ": its port is missing"
	}
	return ""
}

// Hint says what Kafka's own settings are called here.
func (KafkaConfig) Hint(key string) string {
	switch strings.NewReplacer(".", "_", "-", "_").Replace(strings.ToLower(key)) {
	case "bootstrap_servers", "bootstrap_server", "servers", "hosts":
		return "write brokers: [host:port]"
	case "security_protocol":
		return "PLAINTEXT needs no key; for SSL write tls: {}, for SASL_SSL tls: {} and sasl: {mechanism, username, " +
			"password}"
	case "sasl_mechanism", "sasl_mechanisms", "sasl_jaas_config":
		return "write sasl: {mechanism, username, password}"
	case "group_id", "consumer_group":
		return "write group: NAME"
	case "auto_offset_reset", "offset":
		return "write start_at: earliest or latest"
	case "topic":
		return "write topics: [NAME]"
	}
	return ""
}

var mechanisms = []string{"plain", "scram-sha-256", "scram-sha-512"}

func (c SASLConfig) validate(private bool) []error {
	var errs []error
	switch c.Mechanism {
	case "plain":
		if !private {
			errs = append(errs, mistake.Of("sasl.mechanism: plain sends the password readable: add tls, or set "+
				"allow_plaintext: true"))
		}
	case "scram-sha-256", "scram-sha-512":
	case "":
		errs = append(errs, mistake.Of("sasl.mechanism: is missing: give plain, scram-sha-256 or scram-sha-512"))
	default:
		errs = append(errs, mistake.Of("sasl.mechanism: %s", c.otherMechanism()))
	}
	if c.Username == "" {
		errs = append(errs, mistake.Of("sasl.username: is missing"))
	}
	if err := c.Password.Validate(); err != nil {
		errs = append(errs, mistake.Of("sasl.password: %w", err))
	}
	return errs
}

func (c SASLConfig) otherMechanism() string {
	switch c.Mechanism {
	case "plaintext":
		return "PLAINTEXT is a protocol without a password: leave sasl out, or give plain"
	case "ssl":
		return "SSL is a protocol without a password: leave sasl out and give tls: {}"
	case "sasl_ssl", "sasl_plaintext":
		return "SASL_SSL and SASL_PLAINTEXT are protocols: give plain, scram-sha-256 or scram-sha-512, and tls: {} " +
			"for SSL"
	case "oauthbearer", "gssapi", "aws_msk_iam":
		return "this mechanism is not supported: give plain, scram-sha-256 or scram-sha-512"
	}
	return "is not plain, scram-sha-256 or scram-sha-512" + choice.Near(c.Mechanism, mechanisms)
}

// Kafka opens connections to one Kafka cluster. It is safe for concurrent use.
type Kafka struct {
	config    KafkaConfig
	tls       *tls.Config
	sasl      sasl.Mechanism // nil for none
	transport *kafka.Transport
	cancel    context.CancelFunc
}

// NewKafka reads the files that the configuration names and checks that the password can be read. It connects to
// nothing yet.
func NewKafka(c KafkaConfig) (*Kafka, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	k := &Kafka{config: c}
	if c.TLS != nil {
		loaded, err := c.TLS.Client()
		if err != nil {
			return nil, fmt.Errorf("tls: %w", err)
		}
		k.tls = loaded
	}
	ctx, cancel := context.WithCancel(context.Background())
	k.cancel = cancel
	k.transport = &kafka.Transport{
		Dial:        k.dialPooled,
		DialTimeout: dialTimeout,
		MetadataTTL: 5 * time.Second, // a leader that has moved is found within this time
		ClientID:    clientID,
		Context:     ctx,
	}
	if c.SASL != nil {
		if _, err := c.SASL.Password.Read(); err != nil {
			cancel()
			return nil, fmt.Errorf("sasl.password: %w", err)
		}
		k.sasl = credentials{*c.SASL}
	}
	return k, nil
}

// Brokers are the configured addresses.
func (k *Kafka) Brokers() []string { return k.config.Brokers }

// Transport is the connection pool of kafka-go, for its Writer and Client. It finds the cluster by itself; its
// knowledge of partition leaders can be five seconds old.
func (k *Kafka) Transport() *kafka.Transport { return k.transport }

// Client makes single requests through Transport.
func (k *Kafka) Client() *kafka.Client {
	return &kafka.Client{Addr: kafka.TCP(k.config.Brokers...), Timeout: dialTimeout, Transport: k.transport}
}

// Close closes the connections of Transport. Those made by Dial belong to their callers.
func (k *Kafka) Close() {
	k.cancel()
	k.transport.CloseIdleConnections()
}
