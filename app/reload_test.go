package app

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/ciobridge/ciobridge/config"
	"github.com/ciobridge/ciobridge/internal/canarytest"
	"github.com/ciobridge/ciobridge/mapping/live"
)

const reloadConfig = `
source: {embedded: {dir: data, start_at: earliest, streams: [{name: shop, subjects: [shop.>]}]}}
customerio: {region: us, site_id_env: KEY, api_key_env: KEY, app_key_env: KEY, allow: [request]}
dead_letters: {file: dead.jsonl}
rules_from: [rules/*.yaml]
`

// ruleNamed is a file of one rule, which makes a call of that name.
func ruleNamed(rule, name string) string {
	return "rules: [{name: " + rule + ", event: e, do: [{track: {person: .id, name: " + name + "}}]}]\n"
}

// reloading is a bridge whose rules are watched, and what it was configured with.
type reloading struct {
	*Bridge
	t       *testing.T
	dir     string
	hangups chan struct{}
	logged  *observer.ObservedLogs
}

// reloadsIn runs a test in virtual time beside a bridge that watches a configuration with one file of rules.
func reloadsIn(t *testing.T, test func(r *reloading)) {
	t.Helper()
	r := &reloading{t: t, dir: t.TempDir()}
	r.write("ciobridge.yaml", reloadConfig)
	r.write("rules/a.yaml", ruleNamed("a", "first"))
	in := config.File(filepath.Join(r.dir, "ciobridge.yaml"))
	c, rules, err := Load(in)
	if err != nil {
		t.Fatal(err)
	}
	var core zapcore.Core
	core, r.logged = observer.New(zapcore.InfoLevel)
	synctest.Test(t, func(t *testing.T) {
		r.t, r.hangups = t, make(chan struct{}, 1)
		r.Bridge = &Bridge{config: c, rules: live.New(rules), log: canarytest.Logger(t, core),
			registry: canarytest.Registry(t)}
		r.Reload(in, r.hangups)
		ctx, cancel := context.WithCancel(context.Background())
		var watch sync.WaitGroup
		watch.Go(func() { r.reload(ctx) })
		defer func() {
			cancel()
			watch.Wait()
		}()
		test(r)
	})
}

func (r *reloading) write(name, text string) {
	r.t.Helper()
	path := filepath.Join(r.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		r.t.Fatal(err)
	}
}

// later lets the files be looked at several times.
func (r *reloading) later() {
	time.Sleep(3*reloadEvery + time.Millisecond)
	synctest.Wait()
}

func (r *reloading) hangUp() {
	r.hangups <- struct{}{}
	synctest.Wait()
}

// want checks the generation, and the names of the rules in use.
func (r *reloading) want(generation int, names ...string) {
	r.t.Helper()
	rules, got := r.rules.Current()
	if got != generation || len(rules.Stats()) != len(names) {
		r.t.Fatalf("generation %d with %d rules, want %d with %v: %v", got, len(rules.Stats()), generation, names,
			r.logged.All())
	}
	for i, s := range rules.Stats() {
		if s.Rule != names[i] {
			r.t.Errorf("rule %d is %s, want %s", i, s.Rule, names[i])
		}
	}
}

// refusedOver checks that the files are refused for a reason, which was said once.
func (r *reloading) refusedOver(reason string, generation int, names ...string) {
	r.t.Helper()
	r.later()
	r.want(generation, names...)
	refused := r.reloader.refused.Load()
	if refused == nil || !strings.Contains(refused.Reason, reason) {
		r.t.Fatalf("refused: %+v, want %q", refused, reason)
	}
	if n := r.logged.FilterMessageSnippet("not taken up").Len(); n != 1 {
		r.t.Errorf("said %d times", n)
	}
	r.logged.TakeAll()
}

// TestChangedRulesAreTakenUp when they have stood still for a moment, also through the links by which Kubernetes swaps
// a ConfigMap; what is wrong is refused until it is mended.
func TestChangedRulesAreTakenUp(t *testing.T) {
	reloadsIn(t, func(r *reloading) {
		r.later()
		r.want(1, "a")
		r.write("rules/a.yaml", ruleNamed("a", "second")) // somebody writes on
		time.Sleep(reloadEvery)
		synctest.Wait()
		r.write("rules/a.yaml", ruleNamed("a", "third"))
		time.Sleep(reloadEvery)
		synctest.Wait()
		r.want(1, "a")
		r.later()
		r.want(2, "a")
		r.write("rules/b.yaml", ruleNamed("b", "other"))
		r.hangUp()
		r.want(3, "a", "b")
		r.write("rules/b.yaml", "rules: [{name: b, event: e, do: [{track: {person: '.id |', name: x}}]}]")
		r.refusedOver("b.yaml:1:", 3, "a", "b")
		r.write("rules/b.yaml", ruleNamed("b", "mended"))
		r.later()
		r.want(4, "a", "b")
		if r.reloader.refused.Load() != nil {
			t.Error("what was mended is told as refused")
		}
		if err := testutil.GatherAndCompare(r.registry, strings.NewReader(`
# HELP ciobridge_rules_reload_refused 1 while the rule files hold what was refused, and the rules of before are in use.
# TYPE ciobridge_rules_reload_refused gauge
ciobridge_rules_reload_refused 0
# HELP ciobridge_rules_reloads_total How often changed rules were taken up while the bridge ran, or refused.
# TYPE ciobridge_rules_reloads_total counter
ciobridge_rules_reloads_total{result="refused"} 1
ciobridge_rules_reloads_total{result="taken_up"} 3
`), "ciobridge_rules_reload_refused", "ciobridge_rules_reloads_total"); err != nil {
			t.Error(err)
		}
	})
}

// TestAConfigMapIsSwapped: its files are links into a folder that is a link, too, and only that one changes.
func TestAConfigMapIsSwapped(t *testing.T) {
	reloadsIn(t, func(r *reloading) {
		link := func(target, name string) {
			if err := os.Symlink(target, filepath.Join(r.dir, name)); err != nil {
				t.Fatal(err)
			}
		}
		r.write("rules/..1/m.yaml", ruleNamed("m", "one"))
		r.write("rules/..2/m.yaml", ruleNamed("m", "two"))
		link("..1", "rules/..data")
		link("..data/m.yaml", "rules/m.yaml")
		r.later()
		r.want(2, "a", "m")
		before := r.rules.Now().Hash()
		link("..2", "rules/..tmp")
		if err := os.Rename(filepath.Join(r.dir, "rules/..tmp"), filepath.Join(r.dir, "rules/..data")); err != nil {
			t.Fatal(err)
		}
		r.later()
		r.want(3, "a", "m")
		if r.rules.Now().Hash() == before {
			t.Error("the rules are the same")
		}
	})
}

// TestRuleFilesThatAreGone: whether that is meant only somebody who says so can tell. A file that got another name is
// not gone, and one that is empty or cut is no rule file.
func TestRuleFilesThatAreGone(t *testing.T) {
	reloadsIn(t, func(r *reloading) {
		file := func(name string) string { return filepath.Join(r.dir, name) }
		r.write("rules/b.yaml", ruleNamed("b", "other"))
		r.later()
		r.want(2, "a", "b")
		if err := os.Rename(file("rules/b.yaml"), file("rules/c.yaml")); err != nil {
			t.Fatal(err)
		}
		r.later()
		r.want(3, "a", "b")
		if err := os.Remove(file("rules/c.yaml")); err != nil {
			t.Fatal(err)
		}
		r.refusedOver("c.yaml: put it back, or confirm by SIGHUP", 3, "a", "b")
		r.hangUp()
		r.want(4, "a")
		for _, text := range []string{"", "rules:\n  - name: a\n    event: e\n    do: [{track: {person: .id, na"} {
			r.write("rules/a.yaml", text)
			r.refusedOver("a.yaml", 4, "a")
		}
		if err := os.RemoveAll(file("rules")); err != nil {
			t.Fatal(err)
		}
		r.refusedOver("no file matches", 4, "a")
		if err := os.Remove(file("ciobridge.yaml")); err != nil {
			t.Fatal(err)
		}
		r.refusedOver("read the configuration", 4, "a")
	})
}

// TestWhatOnlyARestartChanges: what rules need and the bridge was not set up for, and every other key. A test of a rule
// file that fails refuses it as check does.
func TestWhatOnlyARestartChanges(t *testing.T) {
	request := func(more string) string {
		return "rules: [{name: a, event: e, do: [{request: {api: app, method: POST, path: /x" + more + "}}]}]"
	}
	reloadsIn(t, func(r *reloading) {
		for text, reason := range map[string]string{
			request(""):                    "send ledger, which is set up at the start only: restart",
			request(", reply_to: answers"): "reply_to answers, which is set up at the start only: restart",
			request(", response: text"):    "needs the key for app",
			ruleNamed("a", "x") + "tests: [{name: it, given: {event: {type: e, id: '1'}}, want: {dead_letter: " +
				"undecodable}}]": `the test "it" fails`,
		} {
			r.write("rules/a.yaml", text)
			r.refusedOver(reason, 1, "a")
		}
		r.write("ciobridge.yaml", reloadConfig+"admin: {listen: '127.0.0.1:1'}\nlog: {level: debug}\n")
		r.write("rules/a.yaml", ruleNamed("a", "second"))
		r.later()
		r.want(2, "a")
		if warned := r.logged.FilterField(zap.String("keys", "admin, log")); warned.Len() != 1 {
			t.Errorf("warned %v", r.logged.All())
		}
		r.write("ciobridge.yaml", strings.Replace(reloadConfig, "allow:", "workspaces: {eu: {region: eu, "+
			"site_id_env: KEY, api_key_env: KEY}}, allow:", 1))
		r.write("rules/a.yaml", strings.Replace(ruleNamed("a", "x"), "event:", "workspace: eu, event:", 1))
		r.refusedOver("with what the configuration had at the start, which only a restart changes", 2, "a")
	})
}
