package kafka

import (
	"errors"
	"time"

	"github.com/ciobridge/ciobridge/broker"
	"github.com/ciobridge/ciobridge/consumer"
	"github.com/ciobridge/ciobridge/internal/mistake"
	"github.com/ciobridge/ciobridge/internal/topicpattern"
)

// Config says what is read from Kafka, and how. DefaultConfig fills in what has a default.
type Config struct {
	broker.KafkaConfig `yaml:",inline"`

	// Group is the consumer group. Replicas of the bridge that share the work have the same one.
	Group string `yaml:"group"`
	// Topics are the names of the topics to read. They stand in the configuration file together with each topic's
	// envelope, which is not the consumer's business.
	Topics []string `yaml:"-"`
	// Patterns are regular expressions of the names of more topics to read, in the syntax of RE2. The whole name has to
	// match. A topic that is made later is read within 30 seconds, from its beginning.
	Patterns []string `yaml:"-"`
	// StartAt says where reading begins on a partition for which the group has committed nothing: earliest, latest, or
	// a time in RFC 3339. A partition that is added to a topic later is always read from its beginning.
	StartAt string `yaml:"start_at"`
	// OnGap says what happens where retention has passed the committed offset.
	OnGap consumer.GapPolicy `yaml:"on_gap,lower"`
	// SessionTimeout is how long a replica may be silent before the others take over its partitions. Brokers allow 6s
	// to 30m unless they are set up otherwise.
	SessionTimeout time.Duration `yaml:"session_timeout"`
	// RebalanceTimeout is how long replicas have to give up their partitions when one comes or goes.
	RebalanceTimeout time.Duration `yaml:"rebalance_timeout"`
	// DrainLimit is how long messages in flight may take to be finished at a rebalance or at shutdown.
	DrainLimit time.Duration `yaml:"drain_limit"`
	// MaxUncommitted is how many messages of one partition may be in flight past the oldest unfinished one, and with it
	// how many come again after a crash.
	MaxUncommitted int `yaml:"max_uncommitted"`
	// FetchBytes bounds the memory for what is fetched and not finished, over all partitions.
	FetchBytes int64 `yaml:"fetch_bytes"`
	// MaxBatchBytes bounds one batch of records as a producer wrote it, packed and unpacked. A partition with a larger
	// one stops there.
	MaxBatchBytes int `yaml:"max_batch_bytes"`
}

// DefaultConfig holds the defaults.
func DefaultConfig() Config {
	return Config{
		OnGap:            consumer.GapStop,
		SessionTimeout:   10 * time.Second,
		RebalanceTimeout: 30 * time.Second,
		DrainLimit:       15 * time.Second,
		MaxUncommitted:   10_000,
		FetchBytes:       18 << 20,
		MaxBatchBytes:    16 << 20,
	}
}

// Validate reports everything that is wrong with the configuration, each with the path of its field. It connects to
// nothing.
func (c Config) Validate() error {
	errs := []error{c.KafkaConfig.Validate()}
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, mistake.Of(format, args...))
		}
	}
	check(c.Group != "", "group: is missing: name the consumer group")
	check(len(c.Topics)+len(c.Patterns) > 0, "topics: is missing: name at least one topic")
	seen := map[string]bool{}
	for i, topic := range c.Topics {
		check(topic != "", "topics[%d]: has no name", i)
		check(topic == "" || topicpattern.IsName(topic),
			"topics[%d]: cannot be the name of a topic: those have letters, digits, dots, hyphens and underscores; "+
				`write {pattern: "…"} for a regular expression of names`, i)
		check(topic == "" || !seen[topic], "topics[%d]: is named twice", i)
		seen[topic] = true
	}
	if _, err := consumer.ParseStartAt(c.StartAt); err != nil {
		errs = append(errs, mistake.Of("start_at: %w", err))
	}
	errs = append(errs, c.OnGap.Validate())
	check(c.SessionTimeout >= time.Second, "session_timeout: %v is less than 1s", c.SessionTimeout)
	check(c.DrainLimit > 0, "drain_limit: %v is not positive", c.DrainLimit)
	check(c.RebalanceTimeout > c.DrainLimit+c.heartbeat(),
		"rebalance_timeout: %v leaves no room for draining: "+
			"make it longer than drain_limit (%v) and three tenths of session_timeout (%v) together",
		c.RebalanceTimeout, c.DrainLimit, c.heartbeat())
	check(c.MaxUncommitted >= 1 && c.MaxUncommitted <= 1_000_000, "max_uncommitted: %d is not between 1 and 1000000",
		c.MaxUncommitted)
	check(c.FetchBytes >= 1<<20, "fetch_bytes: %d is less than 1 MiB (1048576)", c.FetchBytes)
	check(c.MaxBatchBytes >= 1<<20 && c.MaxBatchBytes <= 512<<20,
		"max_batch_bytes: %d is not between 1 MiB and 512 MiB", c.MaxBatchBytes)
	return errors.Join(errs...)
}

// heartbeat is how often a sign of life is given: three times within a session.
func (c *Config) heartbeat() time.Duration { return c.SessionTimeout * 3 / 10 }
