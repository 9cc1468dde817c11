package ledger

import (
	"errors"
	"time"

	"github.com/ciobridge/ciobridge/internal/mistake"
	"github.com/ciobridge/ciobridge/internal/place"
)

// Config says where the send ledger is kept, and how.
type Config struct {
	place.Settings `yaml:",inline"`

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

// Validate reports every mistake, each beginning with the path of the field.
func (c Config) Validate() error {
	errs := []error{c.Settings.Validate()}
	bad := func(field, format string, args ...any) {
		errs = append(errs, mistake.Of(field+": "+format, args...))
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
