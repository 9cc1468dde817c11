package pipeline

import (
	"errors"
	"time"

	"github.com/ciobridge/ciobridge/internal/mistake"
	"github.com/ciobridge/ciobridge/pipeline/people"
)

// Order says what the pipeline believes of the order inside one request.
type Order string

const (
	// Strict lets a state-changing call travel alone for its person in a request, because Customer.io documents no
	// order inside a batch. It is the default.
	Strict Order = "strict"
	// Relaxed trusts the order of a batch, so that several state-changing calls of one person may share a request.
	Relaxed Order = "relaxed"
)

// Config sets how the pipeline batches and how much it may hold.
type Config struct {
	// Senders is the number of requests that may be on the wire at once.
	Senders int `yaml:"senders"`
	// BatchItems closes a batch at so many calls, at most Limits.Calls.
	BatchItems int `yaml:"batch_items"`
	// BatchBytes closes a batch at so many bytes of body, at most Limits.Bytes.
	BatchBytes int `yaml:"batch_bytes"`
	// Linger is how long the oldest ready call waits for company.
	Linger time.Duration `yaml:"linger"`
	// Order is strict or relaxed.
	Order Order `yaml:"order,lower"`
	// Memory bounds the bytes of the messages in flight and their calls, beside what a source fetches ahead.
	Memory int64 `yaml:"-"`
	// Limits says what the destination takes.
	Limits Limits `yaml:"-"`
	// StopShare stops a rule when more than this share of its last events failed; 0 turns the breaker off.
	// The breaker keeps a broken rule, or a producer's breaking change, from pouring a topic into the dead letters.
	StopShare float64 `yaml:"-"`
	// NewPeople is how many people all rules together may name who were not named before.
	NewPeople people.Limit `yaml:"-"`
}

// Limits are those of one request, as its destination takes it.
type Limits struct {
	Calls    int // in a batch
	Bytes    int // of a batch's body
	Envelope int // bytes around the calls of a batch
}

// DefaultConfig gives the values that a user who sets nothing gets: 16 senders × 500 calls hide an answer time of
// 100 ms up to 80,000 calls a second, and 200 ms of linger fill a request from 2,500 events a second on.
func DefaultConfig(limits Limits) Config {
	return Config{
		Senders: 16, BatchItems: 500, BatchBytes: limits.Bytes, Linger: 200 * time.Millisecond, Order: Strict,
		Memory: 24 << 20, StopShare: 0.5, Limits: limits,
	}
}

// Batch is a destination whose requests are filled as the configuration says.
func (c Config) Batch() Destination {
	return Destination{
		Senders: c.Senders, Calls: c.BatchItems, Bytes: c.BatchBytes - c.Limits.Envelope, Batch: true,
	}
}

// Validate reports every mistake, each with the field's name.
func (c Config) Validate() error {
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, mistake.Of(format, args...))
		}
	}
	check(c.Senders >= 1 && c.Senders <= 1024, "senders: %d is outside 1 to 1024", c.Senders)
	check(c.BatchItems >= 1 && c.BatchItems <= c.Limits.Calls,
		"batch_items: %d is outside 1 to %d", c.BatchItems, c.Limits.Calls)
	check(c.BatchBytes >= 40_000 && c.BatchBytes <= c.Limits.Bytes,
		"batch_bytes: %d is outside 40000 to %d, which is what Customer.io takes", c.BatchBytes, c.Limits.Bytes)
	check(c.Linger >= 0 && c.Linger <= time.Minute, "linger: %s is outside 0s to 1m", c.Linger)
	check(c.Order == Strict || c.Order == Relaxed, "order: is neither strict nor relaxed")
	check(c.Memory >= 1<<20, "memory: %d bytes are too few, give at least 1 MiB", c.Memory)
	check(c.StopShare >= 0 && c.StopShare <= 1, "stop_share: %g is outside 0 to 1", c.StopShare)
	return errors.Join(errs...)
}
