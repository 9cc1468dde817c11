package jetstream

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ciobridge/ciobridge/consumer"
	"github.com/ciobridge/ciobridge/internal/mistake"
)

// Config says which streams are read, and how. DefaultConfig fills in what has a default.
type Config struct {
	// Streams are read side by side, each in its own order. They stand in the configuration file together with each
	// stream's envelope, which is not the consumer's business.
	Streams []StreamConfig `yaml:"-"`
	// Durable is the name of the consumer on every stream. Of the replicas that have the same, one reads a stream, and
	// the others are on standby.
	Durable string `yaml:"durable"`
	// StartAt says where reading begins on a stream that has no consumer of that name yet: earliest, latest, or a
	// time in RFC 3339. It has no effect once the consumer exists.
	StartAt string `yaml:"start_at"`
	// OnGap says what happens where a stream that is read whole has discarded messages that were not read.
	OnGap consumer.GapPolicy `yaml:"on_gap,lower"`
	// SessionTimeout is how long a replica may be silent before another takes its streams over.
	SessionTimeout time.Duration `yaml:"session_timeout"`
	// DrainLimit is how long messages in flight may take to be finished at shutdown.
	DrainLimit time.Duration `yaml:"drain_limit"`
	// MaxUncommitted is how many messages of a stream may be read past the committable offset. It bounds how many may
	// come again after a crash.
	MaxUncommitted int `yaml:"max_uncommitted"`
	// FetchBytes bounds the memory for what is fetched and not finished, over all streams.
	FetchBytes int64 `yaml:"fetch_bytes"`
	// CommitInterval is how long what is finished may wait until it is stored and acked. Under load it waits less.
	CommitInterval time.Duration `yaml:"commit_interval"`

	tuning tuning
}

// StreamConfig is one stream.
type StreamConfig struct {
	Name string
	// Subjects narrows what is read, with the wildcards of NATS. Empty reads everything.
	Subjects []string
	// Partitions divide the stream by subject. Each has the subjects of one partition. They are read side by side,
	// each in its own order and each by one replica. No message may belong to two of them. Their number and subjects
	// stay as they are for as long as the durables exist. The stream is read whole if there are none.
	Partitions [][]string
}

// tuning holds what only tests change.
type tuning struct {
	ackWait   time.Duration // when the server delivers again on its own, which the bridge ignores
	heartbeat time.Duration // how often the server shows that it has nothing
	expires   time.Duration // how long one request for messages stands
	answer    time.Duration // how long the server may take to answer a request
	retry     time.Duration // the pause before reading is tried again
	prefetch  int           // how many messages are asked for ahead, over all partitions; more makes nothing faster
}

var defaultTuning = tuning{
	ackWait:   24 * time.Hour,
	heartbeat: 5 * time.Second,
	expires:   30 * time.Second,
	answer:    3 * time.Second,
	retry:     time.Second,
	prefetch:  2000,
}

// DefaultConfig holds the defaults.
func DefaultConfig() Config {
	return Config{
		OnGap:          consumer.GapStop,
		Durable:        "ciobridge",
		SessionTimeout: 10 * time.Second,
		DrainLimit:     15 * time.Second,
		MaxUncommitted: 10_000,
		FetchBytes:     24 << 20,
		CommitInterval: 400 * time.Millisecond,
		tuning:         defaultTuning,
	}
}

// Validate reports everything that is wrong with the configuration, each with the path of its field. It connects to
// nothing.
func (c Config) Validate() error {
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, mistake.Of(format, args...))
		}
	}
	check(len(c.Streams) > 0, "streams: is missing: name at least one stream")
	seen := map[string]bool{}
	for i, s := range c.Streams {
		if err := checkName(s.Name); err != nil {
			errs = append(errs, mistake.Of("streams[%d].name: %w", i, err))
		}
		check(s.Name == "" || !seen[s.Name], "streams[%d].name: is named twice: put all its subjects into one entry", i)
		seen[s.Name] = true
		for k, subject := range s.Subjects {
			if err := checkSubject(subject); err != nil {
				errs = append(errs, mistake.Of("streams[%d].subjects[%d]: %w", i, k, err))
			}
		}
		errs = append(errs, s.validatePartitions(fmt.Sprintf("streams[%d]", i)))
	}
	if err := checkName(c.Durable); err != nil {
		errs = append(errs, mistake.Of("durable: %w", err))
	}
	if _, err := consumer.ParseStartAt(c.StartAt); err != nil {
		errs = append(errs, mistake.Of("start_at: %w", err))
	}
	errs = append(errs, c.OnGap.Validate())
	check(c.SessionTimeout >= time.Second, "session_timeout: %v is less than 1s", c.SessionTimeout)
	check(c.DrainLimit > 0, "drain_limit: %v is not positive", c.DrainLimit)
	check(c.MaxUncommitted >= 1 && c.MaxUncommitted <= 1_000_000,
		"max_uncommitted: %d is not between 1 and 1000000", c.MaxUncommitted)
	check(c.FetchBytes >= 1<<20, "fetch_bytes: %d is less than 1 MiB (1048576)", c.FetchBytes)
	check(c.CommitInterval >= 200*time.Millisecond, "commit_interval: %v is less than 200ms", c.CommitInterval)
	return errors.Join(errs...)
}

func checkName(name string) error {
	if name == "" {
		return errors.New("is empty")
	}
	if strings.ContainsAny(name, " .*>/\\\t\r\n") {
		return errors.New("has a space, a dot, a star, a slash or >, which names in JetStream cannot have")
	}
	return nil
}
