package report

import (
	"cmp"
	"errors"
	"regexp"

	"github.com/ciobridge/ciobridge/internal/mistake"
	"github.com/ciobridge/ciobridge/internal/topicpattern"
)

// StateConfig says where a Store is. At most one of Topic, Bucket and File is set.
type StateConfig struct {
	Topic  string `yaml:"topic"`  // a Kafka topic with cleanup.policy=compact
	Bucket string `yaml:"bucket"` // a key-value bucket of JetStream
	File   string `yaml:"file"`   // a local file of JSON lines

	// Create makes a missing topic at the start. A bucket and a file are always made.
	Create bool `yaml:"create"`
	// Replicas of a topic or bucket that is made. 0 leaves it to the broker, which for NATS means one.
	Replicas int `yaml:"replicas"`
}

// Placed reports whether the configuration says where the state is.
func (c StateConfig) Placed() bool { return c.Topic != "" || c.Bucket != "" || c.File != "" }

// Place names where the state is, such as "topic ciobridge.reports".
func (c StateConfig) Place() string {
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
func (c StateConfig) Validate() error {
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, mistake.Of(format, args...))
		}
	}
	check(count(c.Topic, c.Bucket, c.File) <= 1, "set one of topic (Kafka), bucket (NATS) and file, or none of them")
	check(c.Topic == "" || topicpattern.IsName(c.Topic),
		"topic: is not a Kafka topic name: use letters, digits, '.', '_' and '-', at most 249 of them")
	check(c.Bucket == "" || bucketName.MatchString(c.Bucket),
		"bucket: is not the name of a key-value bucket: use letters, digits, '_' and '-'")
	check(c.Replicas >= 0, "replicas: %d is negative: use 0 for the broker's default", c.Replicas)
	return errors.Join(errs...)
}

// Place names where rows go, such as "topic customerio.reports"; empty where nobody says.
func (t To) Place() string {
	switch {
	case t.Topic != "":
		return "topic " + t.Topic
	case t.Subject != "":
		return "subject " + t.Subject
	case t.File == "-":
		return "standard output"
	case t.File != "":
		return "file " + t.File
	}
	return ""
}

var subjectName = regexp.MustCompile(`^[^\s.*>]+(\.[^\s.*>]+)*$`)

// Validate reports every mistake, each beginning with the path of the field.
func (t To) Validate() error {
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, mistake.Of(format, args...))
		}
	}
	check(count(t.Topic, t.Subject, t.File) == 1, "give exactly one of topic (Kafka), subject (NATS) and file")
	check(t.Topic == "" || topicpattern.IsName(t.Topic),
		"topic: is not a Kafka topic name: use letters, digits, '.', '_' and '-', at most 249 of them")
	check(t.Subject == "" || subjectName.MatchString(t.Subject),
		"subject: is not what NATS subjects begin with: use tokens with dots between them, without spaces, * and >")
	check(t.Format == "" || t.File != "", "format: is for a file: events on a topic or subject are CloudEvents in JSON")
	form := cmp.Or(t.Format, "ndjson")
	check(form == "ndjson" || form == "csv", "format: is neither ndjson nor csv")
	return errors.Join(errs...)
}

func count(texts ...string) (n int) {
	for _, t := range texts {
		if t != "" {
			n++
		}
	}
	return n
}
