package kafka

import (
	"strings"
	"testing"
	"time"

	"github.com/ciobridge/ciobridge/internal/yamltree"
)

func validKafkaConfig() Config {
	c := DefaultConfig()
	c.Brokers, c.Group, c.Topics, c.StartAt = []string{"kafka:9092"}, "bridge", []string{"a", "b"}, "latest"
	return c
}

func TestKafkaConfig(t *testing.T) {
	if err := validKafkaConfig().Validate(); err != nil {
		t.Fatal(err)
	}
	for want, spoil := range map[string]func(c *Config){
		"brokers: is missing":             func(c *Config) { c.Brokers = nil },
		"group: is missing":               func(c *Config) { c.Group = "" },
		"topics: is missing":              func(c *Config) { c.Topics = nil },
		"topics[1]: has no name":          func(c *Config) { c.Topics[1] = "" },
		"topics[1]: cannot be":            func(c *Config) { c.Topics[1] = "orders.*" },
		"topics[1]: cannot be the name":   func(c *Config) { c.Topics[1] = ".." },
		"topics[1]: is named twice":       func(c *Config) { c.Topics[1] = "a" },
		"start_at: is missing":            func(c *Config) { c.StartAt = "" },
		"start_at: is not earliest":       func(c *Config) { c.StartAt = "newest" },
		"session_timeout: 0s is less":     func(c *Config) { c.SessionTimeout = 0 },
		"rebalance_timeout: 15s leaves":   func(c *Config) { c.RebalanceTimeout = 15 * time.Second },
		"drain_limit: 0s is not positive": func(c *Config) { c.DrainLimit = 0 },
		"max_uncommitted: 0 is not":       func(c *Config) { c.MaxUncommitted = 0 },
		"fetch_bytes: 1000 is less":       func(c *Config) { c.FetchBytes = 1000 },
		"max_batch_bytes: 1 is not":       func(c *Config) { c.MaxBatchBytes = 1 },
	} {
		c := validKafkaConfig()
		spoil(&c)
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), want) ||
			strings.Count(err.Error(), "\n") > 0 {
			t.Errorf("%v, want only %q", err, want)
		}
	}
	var nothing Config
	if err := nothing.Validate(); strings.Count(err.Error(), "\n") < 7 {
		t.Errorf("not every mistake is reported: %v", err)
	}
}

func TestKafkaConfigFromYAML(t *testing.T) {
	c := DefaultConfig()
	err := yamltree.Unmarshal("c.yaml", []byte(`
brokers: [kafka-0:9093]
tls: {}
sasl: {mechanism: scram-sha-512, username: bridge, password: {file: /run/secrets/kafka}}
group: ciobridge
start_at: 2026-01-31T00:00:00Z
session_timeout: 20s
`), &c)
	if err != nil {
		t.Fatal(err)
	}
	c.Topics = []string{"a"}
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	if c.SessionTimeout != 20*time.Second || c.DrainLimit != 15*time.Second || c.TLS == nil ||
		c.SASL.Password.File != "/run/secrets/kafka" {
		t.Errorf("%+v", c)
	}
}
