package main

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v3"

	"github.com/ciobridge/ciobridge/internal/exit"
)

// manifest is what the test looks at of a resource of Kubernetes.
type manifest struct {
	Kind     string
	Metadata struct{ Name string }
	Data     map[string]string
	Spec     struct {
		Template struct {
			Spec struct {
				Containers []struct {
					Args   []string
					Mounts []struct {
						Name string
						Path string `yaml:"mountPath"`
					} `yaml:"volumeMounts"`
				}
				Volumes []struct {
					Name      string
					ConfigMap struct{ Name string } `yaml:"configMap"`
				}
			}
		}
	}
}

// TestWhatTheChartRendersIsAccepted lays out the files of each rendered Deployment as the kubelet does, and has check
// read them as the container's arguments say. Rules that Helm has written anew still pass their own tests.
func TestWhatTheChartRendersIsAccepted(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../deploy/helm/ci/*.golden.yaml")
	if err != nil || len(files) != 3 {
		t.Fatalf("%d rendered charts (%v)", len(files), err)
	}
	for _, file := range append(files, "../../deploy/kubernetes/ciobridge.yaml") {
		maps, deployment := readManifests(t, file)
		container := deployment.Spec.Template.Spec.Containers[0]
		root := t.TempDir()
		for _, v := range deployment.Spec.Template.Spec.Volumes {
			for _, m := range container.Mounts {
				if m.Name != v.Name || v.ConfigMap.Name == "" {
					continue
				}
				content, ok := maps[v.ConfigMap.Name]
				if !ok { // somebody else's
					content = map[string]string{"team.yaml": "rules: [{name: theirs, event: x, do: [{identify: " +
						"{person: .id}}]}]"}
				}
				layOut(t, filepath.Join(root, m.Path), content)
			}
		}
		testdata := filepath.Join(root, "etc/ciobridge/rules/testdata") // what the tests of the rules read
		if err := os.CopyFS(testdata, os.DirFS("../../config/rules/testdata")); err != nil {
			t.Fatal(err)
		}
		args := []string{"check"}
		for _, arg := range container.Args[1:] {
			args = append(args, strings.Replace(arg, "/etc/ciobridge", root+"/etc/ciobridge", 1))
		}
		var out bytes.Buffer
		if code := run(t.Context(), args, stdio{out: &out, err: &out}); code != exit.OK ||
			!regexp.MustCompile(`, ([2-9]|1\d) tests passed: ok`).Match(out.Bytes()) {
			t.Errorf("%s: check ended with %d\n%s", file, code, &out)
		}
	}
}

// readManifests returns the data of the ConfigMaps in a file, and its Deployment.
func readManifests(t *testing.T, file string) (map[string]map[string]string, manifest) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	data, deployment := map[string]map[string]string{}, manifest{}
	for doc := range strings.SplitSeq("\n"+string(text), "\n---\n") {
		var m manifest
		if err := yaml.Unmarshal([]byte(doc), &m); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		switch m.Kind {
		case "ConfigMap":
			data[m.Metadata.Name] = m.Data
		case "Deployment":
			deployment = m
		}
	}
	if len(deployment.Spec.Template.Spec.Containers) != 1 {
		t.Fatalf("%s: no Deployment with one container", file)
	}
	return data, deployment
}

// layOut writes a volume as the kubelet does: files by way of a link that it swaps.
func layOut(t *testing.T, dir string, content map[string]string) {
	t.Helper()
	hidden := filepath.Join(dir, "..2026_10_05")
	if err := os.MkdirAll(hidden, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Base(hidden), filepath.Join(dir, "..data")); err != nil {
		t.Fatal(err)
	}
	for name, text := range content {
		if err := os.WriteFile(filepath.Join(hidden, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(filepath.Join("..data", name), filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
}

// TestMonitoringAsksForMetricsThatThereAre holds every metric, label and value of a label that the alerts and the
// dashboard name to what bridges answer at /metrics, one on Kafka and one on NATS, before much has happened: a counter
// that begins with its first event would not be seen to grow by it.
func TestMonitoringAsksForMetricsThatThereAre(t *testing.T) {
	beside(t)
	b := newBus(t, 1)
	m := b.mail(1)
	b.write("erasure_key", "0123456789abcdef0123456789abcdef")
	createTopics(t, b.brokers[0], 1, webhookTopic)
	args := append([]string{"run", "--set", b.withWebhooks("topic: " + webhookTopic),
		"--set", "landing_probe={every: 5m}", "--set", "erasure={key_file: " + b.path("erasure_key") +
			", topic: fences, create: true}",
		"--set", "schema_registry.url=http://127.0.0.1:1"}, m.set...)
	onKafka := start(t, args...)
	admin := onKafka.admin(t)
	m.order(1)
	r := withReports(t, "reports: [{name: r, type: campaigns, schedule: daily at 06:00, to: {subject: "+
		reportsSubject+"}}]")
	onNATS := start(t, r.args("run")...)
	other := onNATS.admin(t)
	r.produce(10)
	seen := map[string]map[string]map[string]bool{}
	eventually(t, "both have carried an event", 30*time.Second, func() bool {
		maps.Copy(seen, scrape(t, get(t, admin+"/metrics")))
		maps.Copy(seen, scrape(t, get(t, other+"/metrics")))
		return seen["ciobridge_calls_total"] != nil && seen["kafka_consumer_lag"] != nil &&
			seen["ciobridge_stream_lag"] != nil && len(b.sent()) > 0
	})
	for _, file := range []string{"alerts.yaml", "dashboard.json"} {
		text, err := os.ReadFile("../../deploy/monitoring/" + file)
		if err != nil {
			t.Fatal(err)
		}
		expectMetrics(t, file, strings.ReplaceAll(string(text), `\"`, `"`), seen)
	}
	if one, two := onKafka.stop(), onNATS.stop(); one != exit.OK || two != exit.OK {
		t.Errorf("exit codes %d and %d", one, two)
	}
}

// scrape returns the labels of every metric in an answer of /metrics, and their values.
func scrape(t *testing.T, text string) map[string]map[string]map[string]bool {
	t.Helper()
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]map[string]map[string]bool{}
	for name, f := range families {
		labels := map[string]map[string]bool{}
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if labels[l.GetName()] == nil {
					labels[l.GetName()] = map[string]bool{}
				}
				labels[l.GetName()][l.GetValue()] = true
			}
		}
		seen[name] = labels
	}
	return seen
}

var (
	asked   = regexp.MustCompile(`\b((?:ciobridge|kafka_consumer|process|go)_[a-z_]+)\b(?:\{([^}]*)\})?`)
	matcher = regexp.MustCompile(`([a-z_]+)(=~|!~|!=|=)"([^"]*)"`)
)

// ofTheScrape are labels that Prometheus adds.
var ofTheScrape = []string{"job", "instance", "namespace"}

// ofTrouble are metrics that are there only while something is wrong. An alert that asks for their value, and not for
// how they grow, sees them.
var ofTrouble = []string{"ciobridge_kafka_partition_lost_records", "ciobridge_kafka_partition_stopped",
	"ciobridge_stopped", "ciobridge_landing_failures_total", "ciobridge_rule_values_unfit_total"}

func expectMetrics(t *testing.T, file, text string, seen map[string]map[string]map[string]bool) {
	t.Helper()
	found := 0
	for _, m := range asked.FindAllStringSubmatch(text, -1) {
		name := m[1]
		for _, suffix := range []string{"_bucket", "_sum", "_count"} {
			if seen[name] == nil {
				name = strings.TrimSuffix(name, suffix)
			}
		}
		labels, ok := seen[name]
		if !ok && slices.Contains(ofTrouble, name) {
			continue
		}
		if !ok {
			t.Errorf("%s asks for %s, and no bridge has it", file, m[1])
			continue
		}
		found++
		for _, c := range matcher.FindAllStringSubmatch(m[2], -1) {
			if slices.Contains(ofTheScrape, c[1]) {
				continue
			}
			for value := range strings.SplitSeq(c[3], "|") {
				if !labels[c[1]][value] {
					t.Errorf("%s asks for %s with %s=%q, of which there are %q", file, m[1], c[1], value,
						slices.Sorted(maps.Keys(labels[c[1]])))
				}
			}
		}
	}
	if found < 20 {
		t.Errorf("%s: %d metrics were found, want at least 20: the test looks in the wrong place", file, found)
	}
}
