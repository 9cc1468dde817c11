// Package deploy checks what ciobridge is run with: the Helm chart and the manifests that are made from it, the unit of
// systemd, the containers of docker-compose.yml, and what monitors it. The tests that need a tool of .ci/tools are
// skipped where it is missing; with CIOBRIDGE_DEPLOY=1, as in .ci/run, it must be there.
package deploy

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

var update = flag.Bool("update", false, "write what the chart renders into the golden files and the plain manifests")

// renders are what the chart makes of each file of values.
var renders = []struct {
	values, golden string
	plain          bool // without what tells of Helm
}{
	{"helm/ci/kafka-values.yaml", "helm/ci/kafka.golden.yaml", false},
	{"helm/ci/jetstream-values.yaml", "helm/ci/jetstream.golden.yaml", false},
	{"helm/ci/embedded-values.yaml", "helm/ci/embedded.golden.yaml", false},
	{"kubernetes/values.yaml", "kubernetes/ciobridge.yaml", true},
}

// ruleFiles are given to each render as the texts they are.
var ruleFiles = []string{"people.yaml", "pages.yaml"}

// TestRenders lints the chart with each file of values, and holds what it renders to what is kept.
func TestRenders(t *testing.T) {
	helm := tool(t, "helm")
	for _, r := range renders {
		t.Run(filepath.Base(r.golden), func(t *testing.T) {
			t.Parallel()
			if out, err := exec.CommandContext(t.Context(), helm, "lint", "--strict", "helm", "-f", r.values).
				CombinedOutput(); err != nil {
				t.Errorf("helm lint: %v\n%s", err, out)
			}
			got := render(t, helm, r.values)
			if r.plain {
				got = plain(got)
			}
			if *update {
				if err := os.WriteFile(r.golden, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(r.golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("the chart does not render %s any more; look at the difference after: "+
					"go test ./deploy -run TestRenders -update", r.golden)
			}
			expectRules(t, got)
		})
	}
}

// expectRules looks for the texts of the rule files, which must come out as they went in.
func expectRules(t *testing.T, rendered string) {
	t.Helper()
	for _, name := range ruleFiles {
		want, err := os.ReadFile("../config/rules/" + name)
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for _, m := range manifests(t, rendered) {
			found = found || m.Kind == "ConfigMap" && m.Data[name] == string(want)
		}
		if !found {
			t.Errorf("no ConfigMap has %s as it is", name)
		}
	}
}

// TestChartRefuses sees values that cannot be meant refused with a word of which they are.
func TestChartRefuses(t *testing.T) {
	helm := tool(t, "helm")
	for set, want := range map[string]string{
		"replica=3":                           "replica",
		"replicas=two":                        "replicas",
		"image.digest=latest":                 "digest",
		"service.port=0":                      "port",
		"rules.orders=x":                      "'orders' does not match",
		"terminationGracePeriodSeconds=5":     "terminationGracePeriodSeconds",
		"persistence.enabled=true":            "persistence is for one replica",
		"autoscaling.enabled=true":            "autoscaling.triggers",
		"customerio.apiKey=secret":            "apiKey",
		"monitoring.serviceMonitor.every=30s": "every",
	} {
		out, err := exec.CommandContext(t.Context(), helm, "template", "x", "helm", "--kube-version", "1.31.0", "--set",
			set).CombinedOutput()
		if err == nil || !strings.Contains(string(out), want) {
			t.Errorf("--set %s: %v, want an error with %q\n%s", set, err, want, out)
		}
	}
}

// TestChartBringsMonitoring finds the dashboard and the alerts of deploy/monitoring in what the chart renders.
func TestChartBringsMonitoring(t *testing.T) {
	rendered := render(t, tool(t, "helm"), "helm/ci/kafka-values.yaml", "--set", "monitoring.dashboard.enabled=true")
	dashboard, err := os.ReadFile("monitoring/dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	var kept struct{ Groups []any }
	read(t, "monitoring/alerts.yaml", &kept)
	want, err := yaml.Marshal(kept.Groups)
	if err != nil {
		t.Fatal(err)
	}
	var boards, rules int
	for _, m := range manifests(t, rendered) {
		if m.Data["ciobridge.json"] == string(dashboard) {
			boards++
		}
		if got, err := yaml.Marshal(m.Spec["groups"]); m.Kind == "PrometheusRule" && err == nil &&
			string(got) == string(want) {
			rules++
		}
	}
	if boards != 1 || rules != 1 {
		t.Errorf("%d dashboards and %d sets of alerts as they are in deploy/monitoring, want one each", boards, rules)
	}
}

// TestRolloutFollowsTheConfiguration changes values, and looks at the annotations by which pods are replaced.
func TestRolloutFollowsTheConfiguration(t *testing.T) {
	helm := tool(t, "helm")
	sums := func(sets ...string) string {
		var args []string
		for _, set := range sets {
			args = append(args, "--set", set)
		}
		out := render(t, helm, "helm/ci/embedded-values.yaml", args...)
		return strings.Join(regexp.MustCompile(`checksum/\w+: \w+`).FindAllString(out, -1), " ")
	}
	for set, same := range map[string]bool{
		"image.tag=v2":                     true,
		"config.log.level=debug":           false,
		"customerio.appKeyKey=app":         false,
		`rules.more\.yaml.rules[0].name=x`: false,
	} {
		before, after := sums(), sums(set)
		if (after == before) != same || !strings.Contains(after, "checksum/config: ") {
			t.Errorf("--set %s: the checksums are %q, and were %q", set, after, before)
		}
	}
	const changed = `rules.signup\.yaml.rules[0].name=x`
	if sums() != sums(changed) {
		t.Error("a changed rule file replaces the pods, although they take the change by themselves")
	}
	if restart := "restartOnRules=true"; sums(restart) == sums(restart, changed) {
		t.Error("a changed rule file does not replace the pods, although that was asked for")
	}
}

// TestManifestsMeetTheirSchemas asks the schemas of Kubernetes, in the oldest version that the chart is for and in the
// newest, and those of KEDA and of the Prometheus operator.
func TestManifestsMeetTheirSchemas(t *testing.T) {
	t.Parallel()
	validate, node := tool(t, "kubernetes-validate"), tool(t, "node")
	var files []string
	for _, r := range renders {
		files = append(files, r.golden)
	}
	commands := [][]string{
		append([]string{validate, "--strict", "--no-warn", "-k", "1.27"}, files...),
		append([]string{validate, "--strict", "--no-warn"}, files...),
		append([]string{node, "kubernetes/custom-resources.mjs"}, files...),
	}
	for _, c := range commands {
		out, err := exec.CommandContext(t.Context(), c[0], c[1:]...).CombinedOutput()
		if err != nil || len(out) == 0 {
			t.Errorf("%s: %v\n%s", filepath.Base(c[0]), err, out)
		}
	}
}

// tool finds a tool that .ci/tools installs.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err == nil {
		return path
	}
	if os.Getenv("CIOBRIDGE_DEPLOY") != "" {
		t.Fatal(err)
	}
	t.Skipf("%v: .ci/run deploy installs it", err)
	return ""
}

// render is what the chart makes of a file of values and of the rule files.
func render(t *testing.T, helm, values string, more ...string) string {
	t.Helper()
	args := []string{"template", "ciobridge", "helm", "--namespace", "ciobridge", "--kube-version", "1.31.0", "-f",
		values}
	for _, name := range ruleFiles {
		args = append(args, "--set-file", "rules."+strings.ReplaceAll(name, ".", `\.`)+"=../config/rules/"+name)
	}
	out, err := exec.CommandContext(t.Context(), helm, append(args, more...)...).Output()
	if err != nil {
		t.Fatalf("helm template -f %s: %v", values, err)
	}
	return string(out)
}

var ofHelm = regexp.MustCompile(`(?m)^(# Source: .*| +helm\.sh/.*| +app\.kubernetes\.io/managed-by: .*)\n`)

// plain takes away what tells of Helm and its tests.
func plain(rendered string) string {
	var kept []string
	for doc := range strings.SplitSeq(rendered, "---\n") {
		if doc == "" || strings.Contains(doc, "helm.sh/hook: test") {
			continue
		}
		kept = append(kept, ofHelm.ReplaceAllString(doc, ""))
	}
	return "# Made from deploy/helm with values.yaml beside this file: go test ./deploy -run TestRenders -update\n" +
		strings.Join(kept, "---\n")
}

// manifest is what the tests look at of a resource.
type manifest struct {
	Kind string
	Data map[string]string
	Spec map[string]any
}

func manifests(t *testing.T, rendered string) []manifest {
	t.Helper()
	var list []manifest
	for doc := range strings.SplitSeq("\n"+rendered, "\n---\n") {
		var m manifest
		if err := yaml.Unmarshal([]byte(doc), &m); err != nil {
			t.Fatal(err)
		}
		list = append(list, m)
	}
	return list
}

func read(t *testing.T, path string, into any) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err == nil {
		err = yaml.Unmarshal(data, into)
	}
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}
