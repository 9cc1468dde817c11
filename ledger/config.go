package ledger

import (
	"errors"
	"regexp"
	"time"

	"github.com/ciobridge/ciobridge/internal/mistake"
	"github.com/ciobridge/ciobridge/internal/topicpattern"
)

// Config says where the send ledger is kept. At most one of Topic, Bucket and File is set.
type Config struct {
	Topic  string `yaml:"topic"`  // a Kafka topic
	Bucket string `yaml:"bucket"` // a key-value bucket of JetStream
	File   string `yaml:"file"`   // a local file of JSON lines

	// Create makes a missing topic at the start. A bucket and a file are always made.
	Create bool `yaml:"create"`
	// Replicas of a topic or bucket that is made. 0 leaves it to the broker, which for NATS means one.
	Replicas int `yaml:"replicas"`

	// Retention is how long a record is kept: 30 days unless set.
	Retention time.Duration `yaml:"retention"`
	// MaxRecords bounds the records that are held in memory for a topic or a file: 500,000 unless set. A bucket is
	// asked for each call.
	MaxRecords int `yaml:"max_records"`
	// Timeout bounds one attempt to read or write, 5 s unless set.
	Timeout time.Duration `yaml:"timeout"`
}

const (
	defaultRetention  = 30 * 24 * time.Hour
	minRetention      = time.Hour
	defaultMaxRecords = 500_000
	minMaxRecords     = 1000
	defaultTimeout    = 5 * time.Second
)

// WithDefaults is the configuration with the defaults in place of what is not set.
func (c Config) WithDefaults() Config {
	if c.Retention == 0 {
		c.Retention = defaultRetention
	}
	if c.MaxRecords == 0 {
		c.MaxRecords = defaultMaxRecords
	}
	if c.Timeout == 0 {
		c.Timeout = defaultTimeout
	}
	return c
}

// Placed reports whether the configuration says where the ledger is.
func (c Config) Placed() bool { return c.Topic != "" || c.Bucket != "" || c.File != "" }

// Place names where the ledger is, such as "topic ciobridge.ledger".
func (c Config) Place() string {
	switch {
	case c.Topic != "":
		return "topic " + c.Topic
	case c.Bucket != "":
		return "bucket " + c.Bucket
	}
	return "file " + c.File
}

var bucketName = regexp.MustCompile(`^[a-zA-Z0-9_-]+$`)

// Validate reports every mistake, each beginning with the path of the field.
func (c Config) Validate() error {
	var errs []error
	bad := func(field, format string, args ...any) {
		errs = append(errs, mistake.Of(field+": "+format, args...))
	}
	places := 0
	for _, place := range []string{c.Topic, c.Bucket, c.File} {
		if place != "" {
			places++
		}
	}
	if places > 1 {
		errs = append(errs, mistake.Of("set one of topic (Kafka), bucket (NATS) and file, or none of them"))
	}
	if c.Topic != "" && !topicpattern.IsName(c.Topic) {
		bad("topic", "is not a Kafka topic name: use letters, digits, '.', '_' and '-', at most 249 of them")
	}
	if c.Bucket != "" && !bucketName.MatchString(c.Bucket) {
		bad("bucket", "is not the name of a key-value bucket: use letters, digits, '_' and '-'")
	}
	if c.Replicas < 0 {
		bad("replicas", "%d is negative: use 0 for the broker's default", c.Replicas)
	}
	if c.Retention != 0 && c.Retention < minRetention {
		bad("retention", "%s is too short to know a call again: use at least %s", c.Retention, minRetention)
	}
	if c.MaxRecords != 0 && c.MaxRecords < minMaxRecords {
		bad("max_records", "%d is too few to know a call again: use at least %d", c.MaxRecords, minMaxRecords)
	}
	if c.Timeout < 0 {
		bad("timeout", "%s is negative", c.Timeout)
	}
	return errors.Join(errs...)
}
