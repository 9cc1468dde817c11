package erasure

import (
	"errors"
	"strings"
	"time"

	"github.com/ciobridge/ciobridge/internal/mistake"
	"github.com/ciobridge/ciobridge/internal/topicpattern"
	"github.com/ciobridge/ciobridge/secret"
)

// Config says where erasure fences are kept, and under which key. Without any of it there are none.
type Config struct {
	// KeyFile or KeyEnv say where the key is read under which identifiers are digested. Fences hold only under the key
	// with which they were written.
	KeyFile string `yaml:"key_file"`
	KeyEnv  string `yaml:"key_env"`

	// Fences is false where the key is only for the digests in dead letters.
	Fences bool `yaml:"fences"`
	// Exactly one of these says where the fences are kept.
	Topic  string `yaml:"topic"`  // a compacted topic of Kafka
	Bucket string `yaml:"bucket"` // a key-value bucket of JetStream
	File   string `yaml:"file"`   // a local file

	// Create makes a missing topic at the start. A bucket and a file are always made.
	Create bool `yaml:"create"`
	// Replicas of a topic or bucket that is made. 0 leaves it to the broker, which for NATS means one.
	Replicas int `yaml:"replicas"`

	// Settle is how long a delete or suppress waits after its fence was raised, for requests that others have on the
	// wire.
	Settle time.Duration `yaml:"settle"`
	// Skew is by how much the clocks of those who publish to different topics may differ.
	Skew time.Duration `yaml:"clock_skew"`

	// PurgeLetters removes the dead letters of earlier events of whoever is erased.
	PurgeLetters bool `yaml:"purge_letters"`

	// ReportTopic or ReportSubject is where an event is published for each erasure that Customer.io has accepted.
	ReportTopic   string `yaml:"report_topic"`
	ReportSubject string `yaml:"report_subject"`
}

// The defaults. A request ends within the 10 s of its own time-out.
const (
	defaultSettle = 20 * time.Second
	defaultSkew   = time.Minute
	maxSettle     = time.Hour
	maxSkew       = 24 * time.Hour
	minKeyBytes   = 16
)

// Notice is for how long others may begin requests that do not know of a fence, counted from when it is raised: it is
// written within five seconds, and what they have read is at most as old.
const Notice = writeLimit + fresh

// DefaultConfig gives the values of what may be left out.
func DefaultConfig() Config { return Config{Fences: true, Settle: defaultSettle, Skew: defaultSkew} }

// Enabled reports whether fences are kept.
func (c Config) Enabled() bool { return c.Fences && c != DefaultConfig() }

// HasKey reports whether there is a key.
func (c Config) HasKey() bool { return c.KeyFile+c.KeyEnv != "" }

// Validate reports every mistake, each beginning with the path of the field. It reads no files.
func (c Config) Validate() error {
	if c == DefaultConfig() {
		return nil
	}
	if !c.Fences {
		return c.validateKey()
	}
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, mistake.Of(format, args...))
		}
	}
	check(one(c.KeyFile, c.KeyEnv), "key_file: give it, or key_env: the key under which identifiers are digested")
	check(one(c.Topic, c.Bucket, c.File), "set exactly one of topic (Kafka), bucket (NATS) and file")
	check(c.Topic == "" || topicpattern.IsName(c.Topic),
		"topic: is not a Kafka topic name: use letters, digits, '.', '_' and '-', at most 249 of them")
	check(c.Bucket == "" || topicpattern.IsBucket(c.Bucket),
		"bucket: is not the name of a key-value bucket: use letters, digits, '_' and '-'")
	check(c.Replicas >= 0, "replicas: %d is negative: use 0 for the broker's default", c.Replicas)
	check(c.Settle >= 0 && c.Settle <= maxSettle, "settle: %s is outside 0s to %s", c.Settle, maxSettle)
	check(c.Skew >= 0 && c.Skew <= maxSkew, "clock_skew: %s is outside 0s to %s", c.Skew, maxSkew)
	check(c.ReportTopic == "" || c.ReportSubject == "", "report_topic: there is report_subject too; give one of them")
	check(c.ReportTopic == "" || topicpattern.IsName(c.ReportTopic),
		"report_topic: is not a Kafka topic name: use letters, digits, '.', '_' and '-', at most 249 of them")
	check(!strings.ContainsAny(c.ReportSubject, " *>\t\r\n"),
		"report_subject: is not one NATS subject: use tokens with dots between them, without spaces, * and >")
	return errors.Join(errs...)
}

// validateKey is Validate where there is only the key.
func (c Config) validateKey() error {
	rest := c
	rest.KeyFile, rest.KeyEnv, rest.Fences = "", "", true
	switch {
	case rest != DefaultConfig():
		return mistake.Of("fences: is false, and there is more than a key: leave the rest out, or fences")
	case !one(c.KeyFile, c.KeyEnv):
		return mistake.Of("key_file: give it, or key_env: without fences the key is all there is")
	}
	return nil
}

// one reports whether one of the values is given.
func one(values ...string) bool {
	given := 0
	for _, v := range values {
		if v != "" {
			given++
		}
	}
	return given == 1
}

// Key reads the key.
func (c Config) Key() (secret.Value, error) {
	key, err := secret.Ref{File: c.KeyFile, Env: c.KeyEnv}.Read()
	if err == nil && len(key.Reveal()) < minKeyBytes {
		err = errors.New("the key is too short to keep a secret: give 16 characters or more, such as those of " +
			"openssl rand -hex 32")
	}
	return key, err
}

// ReportTo is the topic or subject of the reports; empty where nobody asks for them.
func (c Config) ReportTo() string { return c.ReportTopic + c.ReportSubject }

// NeedsBroker reports whether something of it is kept by the broker.
func (c Config) NeedsBroker() bool { return c.Topic+c.Bucket+c.ReportTo() != "" }
