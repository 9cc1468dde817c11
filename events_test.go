package ciobridge_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/ciobridge/ciobridge/config"
	"github.com/ciobridge/ciobridge/mapping/ruletest"
)

var fenced = regexp.MustCompile("(?s)```yaml\n(.*?)```")

// The worked rules of docs/events.md are right: each section's rule file passes its own tests where events arrive as
// its setting says.
func TestWorkedRules(t *testing.T) {
	text, err := os.ReadFile("docs/events.md")
	if err != nil {
		t.Fatal(err)
	}
	sections := strings.Split(string(text), "\n## ")[1:]
	if len(sections) < 9 {
		t.Fatalf("%d sections are found", len(sections))
	}
	for _, section := range sections {
		title, body, _ := strings.Cut(section, "\n")
		t.Run(title, func(t *testing.T) {
			blocks := fenced.FindAllStringSubmatch(body, -1)
			if len(blocks) != 2 {
				t.Fatalf("it has %d blocks of YAML; want the setting and the rule file", len(blocks))
			}
			runWorkedRule(t, blocks[0][1], blocks[1][1])
		})
	}
}

// runWorkedRule fills in what a configuration needs beside the setting.
func runWorkedRule(t *testing.T, setting, rules string) {
	dir := t.TempDir()
	setting = strings.NewReplacer(
		"  kafka:\n", "  kafka:\n    brokers: [\"localhost:9092\"]\n    group: g\n    start_at: earliest\n",
		"  nats:\n", "  nats:\n    urls: [\"nats://localhost:4222\"]\n    start_at: earliest\n",
	).Replace(setting) + `
customerio: {region: eu, site_id_env: S, api_key_env: K, allow: [delete]}
dead_letters: {file: dead.jsonl}
rules_from: [rules.yaml]
`
	path := filepath.Join(dir, "ciobridge.yaml")
	for name, text := range map[string]string{path: setting, filepath.Join(dir, "rules.yaml"): rules} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, err := config.Load(config.File(path))
	if err != nil {
		t.Fatal(err)
	}
	compiled, err := c.Compile()
	if err != nil {
		t.Fatal(err)
	}
	for _, warning := range compiled.Warnings() {
		t.Error(warning)
	}
	results := ruletest.Run(compiled, c.Files[0].Tests, dir)
	if len(results) == 0 {
		t.Error("it has no test")
	}
	for _, r := range results {
		if len(r.Diffs) > 0 {
			t.Errorf("%s:\n%s", r.Name, strings.Join(r.Diffs, "\n"))
		}
	}
}
