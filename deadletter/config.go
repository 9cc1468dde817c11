package deadletter

import (
	"errors"
	"github.com/ciobridge/ciobridge/internal/mistake"
	"github.com/ciobridge/ciobridge/internal/topicpattern"
	"strings"
	"time"
)

// Config says where dead letters are kept. Exactly one of Topic, Subject and File is set.
type Config struct {
	Topic string `yaml:"topic"` // a Kafka topic

	Subject string `yaml:"subject"` // a NATS subject without wildcards, kept by a JetStream stream
	Stream  string `yaml:"stream"`  // the stream that must keep it; empty means whichever does

	File string `yaml:"file"` // a local file of JSON lines

	// KeysFile has the keys under which letters are sealed, and opened when they are read; empty seals nothing. See
	// package seal.
	KeysFile string `yaml:"keys_file"`

	// Create makes a missing topic or stream at start. A file is always made.
	Create bool `yaml:"create"`
	// Partitions of a topic that is made. 0 leaves it to the broker. As many as the source has keeps its order best.
	Partitions int `yaml:"partitions"`
	// Replicas of a topic or stream that is made. 0 leaves it to the broker, which for NATS means one.
	Replicas int `yaml:"replicas"`
	// Retention of a topic or stream that is made. Dead letters hold personal data, so it is not endless: 30 days
	// unless set.
	Retention time.Duration `yaml:"retention"`

	// MaxBytes is the largest record that is stored whole; a larger one is truncated and flagged. The default is
	// 1,000,000, just under the limit of Kafka and NATS as they come; a stream's own lower limit is found by itself. A
	// file has room for 16,000,000.
	MaxBytes int `yaml:"max_bytes"`
	// Timeout bounds one attempt to store, 10 s unless set.
	Timeout time.Duration `yaml:"timeout"`
}

// FileMaxBytes is MaxBytes of a file unless it is set.
const FileMaxBytes = 16_000_000

const (
	defaultRetention = 30 * 24 * time.Hour
	defaultMaxBytes  = 1_000_000
	minMaxBytes      = 16_384
	defaultTimeout   = 10 * time.Second
)

// MinRetention is the shortest retention that outlasts a weekend and a holiday.
const MinRetention = 7 * 24 * time.Hour

// WithDefaults is the configuration with the defaults in place of what is not set.
func (c Config) WithDefaults() Config {
	if c.Retention == 0 {
		c.Retention = defaultRetention
	}
	if c.MaxBytes == 0 {
		c.MaxBytes = defaultMaxBytes
		if c.File != "" {
			c.MaxBytes = FileMaxBytes
		}
	}
	if c.Timeout == 0 {
		c.Timeout = defaultTimeout
	}
	return c
}

// Validate reports every mistake, each beginning with the path of the field.
func (c Config) Validate() error {
	var errs []error
	bad := func(field, format string, args ...any) {
		errs = append(errs, mistake.Of("dead_letters."+field+": "+format, args...))
	}
	places := 0
	for _, place := range []string{c.Topic, c.Subject, c.File} {
		if place != "" {
			places++
		}
	}
	if places != 1 {
		errs = append(errs, mistake.Of("dead_letters: set exactly one of topic (Kafka), subject (NATS) and file"))
	}
	if c.Topic != "" && !topicpattern.IsName(c.Topic) {
		bad("topic", "is not a Kafka topic name: use letters, digits, '.', '_' and '-', at most 249 of them")
	}
	if c.Subject != "" && !validSubject(c.Subject) {
		bad("subject", "is not one NATS subject: use tokens with dots between them, without spaces, * and >")
	}
	if c.Stream != "" && c.Subject == "" {
		bad("stream", "works only together with dead_letters.subject")
	}
	if strings.ContainsAny(c.Stream, " .*>/\\\t\r\n") {
		bad("stream", "is not a stream name: leave out spaces, dots, slashes, * and >")
	}
	if c.Create && c.Subject != "" && c.Stream == "" {
		bad("stream", "name the stream that create should make")
	}
	if c.Partitions < 0 {
		bad("partitions", "%d is negative: use 0 for the broker's default", c.Partitions)
	}
	if c.Replicas < 0 {
		bad("replicas", "%d is negative: use 0 for the broker's default", c.Replicas)
	}
	if c.Retention < 0 {
		bad("retention", "%s is negative", c.Retention)
	}
	if c.MaxBytes != 0 && c.MaxBytes < minMaxBytes {
		bad("max_bytes", "%d leaves no room for a record: use at least %d", c.MaxBytes, minMaxBytes)
	}
	if c.Timeout < 0 {
		bad("timeout", "%s is negative", c.Timeout)
	}
	return errors.Join(errs...)
}

func validSubject(s string) bool {
	for token := range strings.SplitSeq(s, ".") {
		if token == "" || strings.ContainsAny(token, " *>\t\r\n") {
			return false
		}
	}
	return true
}
