package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/ciobridge/ciobridge/bench/traffic"
)

// bridgeProgram is the real binary, configured as a user would: rules, credentials from files, dead letters on.
type bridgeProgram struct {
	binary   string
	label    string
	settings settings
}

// settings are what a row changes in the bridge's configuration. What is zero is left out of it.
type settings struct {
	rules             []string // the rules for the ten types where it is empty
	envelope          string   // of the topic; the shop's where it is empty
	registry          string   // the address of the schema registry, if there is one
	linger            time.Duration
	batchItems        int
	requestsPerSecond int
	sections          string // further ones
	appKey            string // of the App API; none where it is empty
	siteID            string // tells the replicas apart where they post to
}

// buildBridge builds the binary of a checkout as the image does.
func buildBridge(ctx context.Context, checkout, binary string) (bridgeProgram, error) {
	b := bridgeProgram{binary: binary, label: programBridge}
	const command = "github.com/ciobridge/ciobridge/cmd/ciobridge"
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", b.binary, command)
	cmd.Dir = checkout
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return b, fmt.Errorf("build the bridge: %w\n%s", err, strings.TrimSpace(string(out)))
	}
	return b, nil
}

// with gives the bridge under another configuration, and the name under which it is reported.
func (b bridgeProgram) with(label string, s settings) bridgeProgram {
	b.label, b.settings = label, s
	return b
}

func (b bridgeProgram) name() string { return b.label }

func (b bridgeProgram) command(dir, reader, sink string, src source) (*exec.Cmd, error) {
	site := b.settings.siteID
	if site == "" {
		site = "bench-site"
	}
	for name, content := range map[string]string{
		"site_id": site, "api_key": "bench-key", "app_key": b.settings.appKey,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			return nil, fmt.Errorf("write the credentials: %w", err)
		}
	}
	text, err := b.settings.config(dir, reader, sink, src)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, "ciobridge.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return nil, fmt.Errorf("write the configuration: %w", err)
	}
	return exec.Command(b.binary, "run", "--config", path), nil
}

// shopEnvelope is where the events of the shop have what an envelope tells.
const shopEnvelope = `envelope: {type: .type, time: .time, id: .id}`

// address is the URL of a sink, which tells its scheme where that is not http.
func address(sink string) string {
	if strings.Contains(sink, "://") {
		return sink
	}
	return "http://" + sink
}

func (s settings) config(dir, reader, sink string, src source) (string, error) {
	var b strings.Builder
	envelope := s.envelope
	if envelope == "" {
		envelope = shopEnvelope
	}
	switch src := src.(type) {
	case *kafkaSource:
		fmt.Fprintf(&b, "source:\n  kafka:\n    brokers: [%s]\n    group: %s\n    start_at: earliest\n"+
			"%s    topics:\n      - {name: %s, %s}\n",
			src.brokers, reader, src.section(), src.topic, envelope)
		fmt.Fprintf(&b, "dead_letters: {topic: %s}\n", src.deadTopic())
	case *natsSource:
		stream := natsStream
		if src.partitions > 0 {
			stream += ", partitions: [" + strings.Join(src.subjects(), ", ") + "]"
		}
		fmt.Fprintf(&b, "source:\n  nats:\n    urls: [%q]\n    durable: %s\n    start_at: earliest\n"+
			"    streams:\n      - {name: %s, %s}\n",
			src.url, reader, stream, envelope)
		fmt.Fprintf(&b, "dead_letters: {subject: %s}\n", natsDead)
	default:
		return "", fmt.Errorf("the bridge cannot read %s", src.name())
	}
	rate := s.requestsPerSecond
	if rate == 0 {
		rate = 100000
	}
	fmt.Fprintf(&b, "customerio:\n  region: eu\n  url: %s\n  site_id_file: %s\n"+
		"  api_key_file: %s\n  requests_per_second: %d\n",
		address(sink), filepath.Join(dir, "site_id"), filepath.Join(dir, "api_key"), rate)
	if s.appKey != "" {
		fmt.Fprintf(&b, "  app_key_file: %s\n", filepath.Join(dir, "app_key"))
	}
	if s.linger > 0 || s.batchItems > 0 {
		b.WriteString("delivery:\n")
	}
	if s.linger > 0 {
		fmt.Fprintf(&b, "  linger: %s\n", s.linger)
	}
	if s.batchItems > 0 {
		fmt.Fprintf(&b, "  batch_items: %d\n", s.batchItems)
	}
	if s.registry != "" {
		fmt.Fprintf(&b, "schema_registry: {url: %q}\n", s.registry)
	}
	b.WriteString(s.sections)
	b.WriteString("admin: {listen: 127.0.0.1:0}\nrules:\n")
	rules := s.rules
	if len(rules) == 0 {
		rules = rulesFor(traffic.EventTypes[:], toldByPaths)
	}
	for _, rule := range rules {
		b.WriteString(rule)
	}
	return b.String(), nil
}
