package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// bridgeProgram is the real binary, configured as a user would: ten rules, credentials from files, dead letters on.
type bridgeProgram struct{ binary string }

func buildBridge(ctx context.Context, dir string) (bridgeProgram, error) {
	b := bridgeProgram{binary: filepath.Join(dir, "ciobridge")}
	out, err := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", b.binary, "github.com/ciobridge/ciobridge/cmd/ciobridge").CombinedOutput()
	if err != nil {
		return b, fmt.Errorf("build the bridge: %w\n%s", err, strings.TrimSpace(string(out)))
	}
	return b, nil
}

func (bridgeProgram) name() string { return programBridge }

func (b bridgeProgram) command(dir, reader, sink string, src source) (*exec.Cmd, error) {
	for name, content := range map[string]string{"site_id": "bench-site", "api_key": "bench-key"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			return nil, fmt.Errorf("write the credentials: %w", err)
		}
	}
	text, err := bridgeConfig(dir, reader, sink, src)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, "ciobridge.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return nil, fmt.Errorf("write the configuration: %w", err)
	}
	return exec.Command(b.binary, "run", "--config", path), nil
}

const envelope = `envelope: {type: .type, time: .time, id: .id}`

func bridgeConfig(dir, reader, sink string, src source) (string, error) {
	var b strings.Builder
	switch s := src.(type) {
	case *kafkaSource:
		fmt.Fprintf(&b, "source:\n  kafka:\n    brokers: [%s]\n    group: %s\n    start_at: earliest\n    topics:\n      - {name: %s, %s}\n",
			s.brokers, reader, s.topic, envelope)
		fmt.Fprintf(&b, "dead_letters: {topic: %s}\n", s.deadTopic())
	case *natsSource:
		fmt.Fprintf(&b, "source:\n  nats:\n    urls: [%q]\n    durable: %s\n    start_at: earliest\n    streams:\n      - {name: %s, %s}\n",
			s.url, reader, natsStream, envelope)
		fmt.Fprintf(&b, "dead_letters: {subject: %s}\n", natsDead)
	default:
		return "", fmt.Errorf("the bridge cannot read %s", src.name())
	}
	fmt.Fprintf(&b, "customerio:\n  region: eu\n  url: http://%s\n  site_id_file: %s\n  api_key_file: %s\n  requests_per_second: 1000\n",
		sink, filepath.Join(dir, "site_id"), filepath.Join(dir, "api_key"))
	b.WriteString("admin: {listen: 127.0.0.1:0}\nrules:\n")
	for _, kind := range eventTypes {
		b.WriteString(bridgeRule(kind))
	}
	return b.String(), nil
}

// bridgeRule is the rule for one type of event, with the checks that a careful team writes. It sends all that the event tells.
func bridgeRule(kind string) string {
	const told = "{sequence: .data.sequence, total: .data.total, currency: .data.currency, channel: .data.channel, items: .data.items, note: .data.note}"
	name := strings.ReplaceAll(strings.TrimPrefix(kind, "shop."), ".", "_")
	head := fmt.Sprintf("  - name: %s\n    event: %s\n    if: .data.total > 0\n    require: [.data.customer_id]\n    do:\n", name, kind)
	if kind == profileType {
		return head + "      - identify: {person: .data.customer_id, attributes: " + told + "}\n"
	}
	return head + fmt.Sprintf("      - track: {person: .data.customer_id, name: %s, data: %s}\n", name, told)
}
