package broker

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"time"

	"github.com/segmentio/kafka-go"
	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/internal/mistake"
)

// clientID is how the bridge names itself to brokers; it shows in their quotas and request logs.
const clientID = "ciobridge"

// KafkaConfig says how to reach a Kafka cluster.
type KafkaConfig struct {
	// Brokers are the addresses (host:port) that are tried to find the cluster. Any one that answers is enough.
	Brokers []string `yaml:"brokers"`
	// TLS is set for connections over TLS; an empty section means TLS with the system's certificate authorities.
	TLS *TLSConfig `yaml:"tls,omitempty"`
	// SASL is set for clusters that ask who is there.
	SASL *SASLConfig `yaml:"sasl,omitempty"`
	// AllowPlaintext permits a password or a token to be sent over a connection without TLS.
	AllowPlaintext bool `yaml:"allow_plaintext,omitempty"`
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
		errs = append(errs, c.SASL.validate(c.TLS != nil, c.AllowPlaintext)...)
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
	case "sasl_oauthbearer_token_endpoint_url", "sasl_oauthbearer_config", "sasl_login_callback_handler_class":
		return "write sasl: {mechanism: oauthbearer, token_endpoint: {url, client_id, client_secret}}"
	case "group_id", "consumer_group":
		return "write group: NAME"
	case "auto_offset_reset", "offset":
		return "write start_at: earliest or latest"
	case "topic":
		return "write topics: [NAME]"
	}
	return ""
}

// Kafka opens connections to one Kafka cluster. It is safe for concurrent use.
type Kafka struct {
	config    KafkaConfig
	tls       atomic.Pointer[tls.Config] // as it was read last; nil for none
	tokens    Tokens                     // nil where none is shown
	log       *zap.Logger
	transport *kafka.Transport
	cancel    context.CancelFunc
}

// A KafkaOption is something that a connection can do without.
type KafkaOption func(*kafkaOptions)

type kafkaOptions struct {
	log *zap.Logger
	aws func(AWSConfig) (Tokens, error)
}

// WithLog has sessions that cannot be renewed told to a log.
func WithLog(log *zap.Logger) KafkaOption { return func(o *kafkaOptions) { o.log = log } }

// WithAWS is where the tokens of the mechanism aws-msk-iam come from: package msk, which programs that do not need it
// are not linked with.
func WithAWS(tokens func(AWSConfig) (Tokens, error)) KafkaOption {
	return func(o *kafkaOptions) { o.aws = tokens }
}

// NewKafka reads the files that the configuration names and checks that the password can be read. It connects to
// nothing yet.
func NewKafka(c KafkaConfig, options ...KafkaOption) (*Kafka, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	given := kafkaOptions{log: zap.NewNop()}
	for _, option := range options {
		option(&given)
	}
	k := &Kafka{config: c, log: given.log}
	if c.TLS != nil {
		loaded, err := c.TLS.Client()
		if err != nil {
			return nil, fmt.Errorf("tls: %w", err)
		}
		k.tls.Store(loaded)
	}
	if c.SASL != nil {
		if err := k.readIdentity(*c.SASL, given); err != nil {
			return nil, err
		}
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
	return k, nil
}

// readIdentity makes sure at the start that what is to be shown can be read.
func (k *Kafka) readIdentity(c SASLConfig, given kafkaOptions) (err error) {
	switch c.Mechanism {
	case mechanismBearer, mechanismAWS:
		k.tokens, err = c.newTokens(given)
	default:
		if _, err = c.Password.Read(); err != nil {
			err = fmt.Errorf("sasl.password: %w", err)
		}
	}
	return err
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
