package config

import (
	"errors"
	"fmt"
	"net"
	"slices"

	"github.com/ciobridge/ciobridge/customerio"
)

// Validate reports every mistake, each beginning with its path in the file. It compiles no rules and connects to
// nothing.
func (c *Config) Validate() error {
	m := c.Mapping()
	m.Allow, m.ReservedIDs = nil, customerio.ReservedIDs{} // customerio reports them
	return errors.Join(
		c.Source.validate(),
		under("customerio", c.CustomerIO.Validate()),
		under("delivery", c.Pipeline().Validate()),
		c.DeadLetters.Validate(),
		c.crossed(),
		under("", m.Validate()),
		under("admin", c.Admin.validate()),
		under("log", c.Log.validate()),
	)
}

func (s *Source) validate() error {
	sections := s.sections()
	if len(sections) != 1 {
		return errors.New("source: give exactly one of kafka, nats and embedded; " +
			"there is no default, because a bridge that reads a private empty broker looks healthy and moves nothing")
	}
	return under("source."+sections[0].Kind(), sections[0].Validate())
}

// crossed reports settings that contradict each other although each is right by itself.
func (c *Config) crossed() error {
	if section := c.Source.Section(); section != nil {
		return section.CheckLetters(c.DeadLetters.Config)
	}
	return nil
}

func (a Admin) validate() error {
	if a.Listen == "" {
		return nil
	}
	if _, _, err := net.SplitHostPort(a.Listen); err != nil {
		return errors.New("listen: is not host:port, such as 127.0.0.1:8080 or :8080")
	}
	return nil
}

func (l Log) validate() error {
	var errs []error
	if !slices.Contains([]string{"debug", "info", "warn", "error"}, l.Level) {
		errs = append(errs, errors.New("level: is none of debug, info, warn, error"))
	}
	if l.Format != "json" && l.Format != "console" {
		errs = append(errs, errors.New("format: is neither json nor console"))
	}
	return errors.Join(errs...)
}

// under puts the path of a section before each of the errors that were joined.
func under(path string, err error) error {
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		if path == "" {
			return err
		}
		return fmt.Errorf("%s.%w", path, err)
	}
	var errs []error
	for _, e := range joined.Unwrap() {
		errs = append(errs, under(path, e))
	}
	return errors.Join(errs...)
}
