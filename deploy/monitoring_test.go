package deploy

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// TestAlerts has promtool read the alerts and play through their tests, of which each alert must have one.
func TestAlerts(t *testing.T) {
	t.Parallel()
	promtool := tool(t, "promtool")
	for _, args := range [][]string{
		{"check", "rules", "monitoring/alerts.yaml"}, {"test", "rules", "monitoring/alerts_test.yaml"},
	} {
		if out, err := exec.CommandContext(t.Context(), promtool, args...).CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}

// TestEveryAlertIsTestedAndExplained looks for each alert among the tests of promtool and in docs/deploying.md.
func TestEveryAlertIsTestedAndExplained(t *testing.T) {
	var alerts struct {
		Groups []struct {
			Rules []struct{ Alert string }
		}
	}
	read(t, "monitoring/alerts.yaml", &alerts)
	tests, err := os.ReadFile("monitoring/alerts_test.yaml")
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../docs/deploying.md")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, g := range alerts.Groups {
		for _, r := range g.Rules {
			found++
			if !strings.Contains(string(tests), fmt.Sprintf(`{alertname="%s"}`, r.Alert)) {
				t.Errorf("no test of promtool has %s fire", r.Alert)
			}
			if !strings.Contains(string(page), "| `"+r.Alert+"` |") {
				t.Errorf("docs/deploying.md does not say what to do about %s", r.Alert)
			}
		}
	}
	if found < 20 {
		t.Errorf("%d alerts, want at least 20: the test looks in the wrong place", found)
	}
}

// TestDashboard has promtool read every expression of the dashboard as if it were a rule.
func TestDashboard(t *testing.T) {
	promtool := tool(t, "promtool")
	data, err := os.ReadFile("monitoring/dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	var board struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(data, &board); err != nil {
		t.Fatal(err)
	}
	type rule struct{ Record, Expr string }
	var rules []rule
	for _, p := range board.Panels {
		for _, target := range p.Targets {
			rules = append(rules, rule{fmt.Sprintf("panel:%d", len(rules)),
				strings.ReplaceAll(target.Expr, "$__rate_interval", "5m")})
		}
	}
	if len(rules) < 40 {
		t.Errorf("%d expressions, want at least 40: the test looks in the wrong place", len(rules))
	}
	text, err := yaml.Marshal(map[string]any{"groups": []any{map[string]any{"name": "dashboard", "rules": rules}}})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "dashboard.yaml")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), promtool, "check", "rules", path).CombinedOutput(); err != nil {
		t.Errorf("promtool check rules: %v\n%s", err, out)
	}
}
