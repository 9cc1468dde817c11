package place

import (
	"errors"

	"github.com/ciobridge/ciobridge/internal/mistake"
	"github.com/ciobridge/ciobridge/internal/topicpattern"
)

// Settings are a place and how it is made. At most one of Topic, Bucket and File is set.
type Settings struct {
	Topic  string `yaml:"topic"`  // a Kafka topic
	Bucket string `yaml:"bucket"` // a key-value bucket of JetStream
	File   string `yaml:"file"`   // a local file of JSON lines

	// Create makes a missing topic at the start. A bucket and a file are always made.
	Create bool `yaml:"create"`
	// Replicas of a topic or bucket that is made. 0 leaves it to the broker, which for NATS means one.
	Replicas int `yaml:"replicas"`
}

// Placed reports whether the configuration says where it is.
func (s Settings) Placed() bool { return s.Topic != "" || s.Bucket != "" || s.File != "" }

// Place names where it is, such as "topic ciobridge.ledger".
func (s Settings) Place() string {
	switch {
	case s.Topic != "":
		return "topic " + s.Topic
	case s.Bucket != "":
		return "bucket " + s.Bucket
	}
	return "file " + s.File
}

// Validate reports every mistake, each beginning with the path of the field.
func (s Settings) Validate() error {
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, mistake.Of(format, args...))
		}
	}
	given := 0
	for _, name := range []string{s.Topic, s.Bucket, s.File} {
		if name != "" {
			given++
		}
	}
	check(given <= 1, "set one of topic (Kafka), bucket (NATS) and file, or none of them")
	check(s.Topic == "" || topicpattern.IsName(s.Topic),
		"topic: is not a Kafka topic name: use letters, digits, '.', '_' and '-', at most 249 of them")
	check(s.Bucket == "" || topicpattern.IsBucket(s.Bucket),
		"bucket: is not the name of a key-value bucket: use letters, digits, '_' and '-'")
	check(s.Replicas >= 0, "replicas: %d is negative: use 0 for the broker's default", s.Replicas)
	return errors.Join(errs...)
}
