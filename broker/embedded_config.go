package broker

import (
	"errors"
	"github.com/ciobridge/ciobridge/internal/mistake"
	"net"
	"strconv"
	"time"
)

// EmbeddedConfig describes the NATS server that runs inside the process when there is no other broker. It is a whole
// server: whatever speaks NATS can publish to it, from the same machine.
type EmbeddedConfig struct {
	// Dir holds the streams. It is made with mode 0700 and belongs to one process at a time.
	Dir string `yaml:"dir"`
	// Listen is the address for publishers, on loopback because the server asks for no credentials. Default
	// 127.0.0.1:4222; port 0 takes a free one.
	Listen string `yaml:"listen"`
	// Streams are made when the server starts. Default: one named EVENTS with the subjects events.>, kept for a week.
	Streams []EmbeddedStream `yaml:"streams"`
}

// EmbeddedStream is one stream of the embedded server. A message is acknowledged to its publisher when it is on disk.
type EmbeddedStream struct {
	Name     string   `yaml:"name"`
	Subjects []string `yaml:"subjects"`
	// MaxAge is how long messages are kept, read or not. Default 168h.
	MaxAge time.Duration `yaml:"max_age"`
}

// WithDefaults fills in what the configuration leaves out.
func (c EmbeddedConfig) WithDefaults() EmbeddedConfig {
	if c.Listen == "" {
		c.Listen = "127.0.0.1:4222"
	}
	if len(c.Streams) == 0 {
		c.Streams = []EmbeddedStream{{Name: "EVENTS", Subjects: []string{"events.>"}}}
	}
	streams := make([]EmbeddedStream, len(c.Streams))
	for i, s := range c.Streams {
		if s.MaxAge == 0 {
			s.MaxAge = 7 * 24 * time.Hour
		}
		streams[i] = s
	}
	c.Streams = streams
	return c
}

// Validate reports all that is wrong with the configuration.
func (c EmbeddedConfig) Validate() error {
	c = c.WithDefaults()
	var errs []error
	if c.Dir == "" {
		errs = append(errs, mistake.Of("dir: is empty: name a directory for the streams"))
	}
	if _, _, err := c.address(); err != nil {
		errs = append(errs, mistake.Of("listen: %w", err))
	}
	for i, s := range c.Streams {
		if s.Name == "" {
			errs = append(errs, mistake.Of("streams[%d].name: is empty", i))
		}
		if len(s.Subjects) == 0 {
			errs = append(errs, mistake.Of("streams[%d].subjects: is empty: name what the stream keeps, such as "+
				"events.>", i))
		}
		if s.MaxAge < 0 {
			errs = append(errs, mistake.Of("streams[%d].max_age: is negative", i))
		}
	}
	return errors.Join(errs...)
}

func (c EmbeddedConfig) address() (host string, port int, err error) {
	host, portText, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return "", 0, errors.New("is not host:port, such as 127.0.0.1:4222")
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return "", 0, errors.New("is not on loopback: the embedded server asks for no credentials, so others must " +
			"not reach it: use 127.0.0.1, or run a nats-server of its own")
	}
	port, err = strconv.Atoi(portText)
	if err != nil || port < 0 || port > 65535 {
		return "", 0, errors.New("has no port between 0 and 65535")
	}
	return host, port, nil
}
