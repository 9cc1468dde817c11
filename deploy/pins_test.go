package deploy

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	pinnedImage  = regexp.MustCompile(`@sha256:[0-9a-f]{64}\}?$`)
	pinnedAction = regexp.MustCompile(`@[0-9a-f]{40}$`)
)

// TestPins holds what is fetched from elsewhere to one content: images by digest, actions by commit.
func TestPins(t *testing.T) {
	const root = "../"
	workflows, err := filepath.Glob(root + ".github/workflows/*")
	if err != nil || len(workflows) == 0 {
		t.Fatalf("workflows: %q, %v", workflows, err)
	}
	pinned := 0
	check := func(file, prefix string, pin *regexp.Regexp) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			value, ok := strings.CutPrefix(strings.TrimLeft(line, " -"), prefix)
			value, _, _ = strings.Cut(strings.TrimSpace(value), " ")
			switch {
			case !ok, strings.HasSuffix(value, ":local"): // built here
			case strings.Contains(value, "nats:2.15.2"): // by its tag: the digest of the release is not known to us yet
			case !pin.MatchString(value):
				t.Errorf("%s: %s is not pinned", file, value)
			default:
				pinned++
			}
		}
	}
	for _, arg := range []string{"ARG GO_IMAGE=", "ARG BASE_IMAGE="} {
		check(root+"Dockerfile", arg, pinnedImage)
	}
	check(root+"deploy/image/Dockerfile", "ARG BASE_IMAGE=", pinnedImage)
	check(root+"docker-compose.yml", "image: ", pinnedImage)
	for _, arg := range []string{"GO_IMAGE: ", "BASE_IMAGE: "} {
		check(root+"docker-compose.yml", arg, pinnedImage)
	}
	for _, workflow := range workflows {
		check(workflow, "uses: ", pinnedAction)
	}
	if pinned < 8 {
		t.Errorf("%d pins were found, want at least 8: the test looks in the wrong place", pinned)
	}
}

// TestContainersHaveNoRights looks at every service: no capabilities, no new ones, and a file system that only Kafka
// may write.
func TestContainersHaveNoRights(t *testing.T) {
	text, err := os.ReadFile("../docker-compose.yml")
	if err != nil {
		t.Fatal(err)
	}
	_, services, ok := strings.Cut(string(text), "\nservices:\n")
	if !ok {
		t.Fatal("no services")
	}
	services, _, _ = strings.Cut(services, "\nsecrets:\n")
	found := 0
	for i, service := range regexp.MustCompile(`(?m)^  [a-z-]+:.*\n`).Split(services, -1) {
		if i == 0 {
			continue
		}
		found++
		readOnly := strings.Contains(service, "<<: *read-only") || strings.Contains(service, "<<: *bridge")
		isKafka := strings.Contains(service, "KAFKA_NODE_ID") && strings.Contains(service, "<<: *unprivileged")
		if !readOnly && !isKafka {
			t.Errorf("a service may write its file system or has capabilities:\n%s", service)
		}
	}
	if found < 7 {
		t.Errorf("%d services were found, want 7", found)
	}
}
