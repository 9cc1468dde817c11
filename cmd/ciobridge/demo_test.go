package main

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ciobridge/ciobridge/app"
	"github.com/ciobridge/ciobridge/config"
	"github.com/ciobridge/ciobridge/internal/demo"
	"github.com/ciobridge/ciobridge/internal/exit"
	"github.com/ciobridge/ciobridge/internal/longtest"
	"github.com/ciobridge/ciobridge/mapping/ruletest"
)

// demoOnce runs a demo to its end and returns its result.
func demoOnce(t *testing.T, args ...string) demo.Result {
	t.Helper()
	var out, errs logBuffer
	code := run(t.Context(), append([]string{"demo", "--once", "-o", "json"}, args...),
		stdio{in: strings.NewReader(""), out: &out, err: &errs})
	if code != exit.OK {
		t.Fatalf("exit code %d: %s%s", code, &out, &errs)
	}
	var r demo.Result
	d := json.NewDecoder(strings.NewReader(out.String()))
	if err := d.Decode(&r); err != nil || d.More() {
		t.Fatalf("want one JSON object (%v), got:\n%s", err, &out)
	}
	return r
}

func TestDemoAddsUp(t *testing.T) {
	beside(t)
	dir := filepath.Join(t.TempDir(), "shop")
	const events = 1200
	first := demoOnce(t, "--dir", dir, "--events", strconv.Itoa(events))
	if first.Published != events || first.Delivered+first.Skipped+first.DeadLettered != events {
		t.Errorf("does not add up: %+v", first)
	}
	if first.Delivered == 0 || first.Skipped == 0 || first.Calls < first.Delivered || first.Requests == 0 ||
		first.Duplicates != 0 {
		t.Errorf("too little happened: %+v", first)
	}
	for _, reason := range []string{"undecodable", "no_type", "missing_field", "refused"} {
		if first.Reasons[reason] == 0 {
			t.Errorf("no dead letter for %s: %v", reason, first.Reasons)
		}
	}

	if told := first.Told; told.Bounces == 0 || told.Webhooks <= told.Bounces || told.Stored != told.Webhooks {
		t.Errorf("what Customer.io told is not on the bus: %+v", told)
	}
	if told := first.Told; told.Reported < 3 || told.Revised == 0 || told.Reported <= told.Revised {
		t.Errorf("the days of the campaign, and one again, are not on the bus: %+v", told)
	}

	if !longtest.On() {
		return
	}
	second := demoOnce(t, "--dir", dir, "--events", "300")
	if second.Published != 300 || second.DeadLetters >= first.DeadLetters {
		t.Errorf("the second demo counts what the first one left: %+v", second)
	}

	c, rules, err := app.Load(config.File(filepath.Join(dir, "ciobridge.yaml")))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range c.Files {
		for _, r := range ruletest.Run(rules, f.Tests, filepath.Dir(f.Path)) {
			if len(r.Diffs) > 0 {
				t.Errorf("%s: %s: %v", r.Place, r.Name, r.Diffs)
			}
		}
	}
}

func TestDemoKeepsChangedRules(t *testing.T) {
	longtest.Only(t)
	beside(t)
	dir := filepath.Join(t.TempDir(), "shop")
	demoOnce(t, "--dir", dir, "--events", "10")
	path := filepath.Join(dir, "rules", "pages.yaml")
	mine := "rules:\n  - name: mine\n    event: nothing\n    do:\n      - track: {person: .who, name: mine}\n"
	if err := os.WriteFile(path, []byte(mine), 0o644); err != nil {
		t.Fatal(err)
	}
	r := demoOnce(t, "--dir", dir, "--events", "400")
	if text, err := os.ReadFile(path); err != nil || string(text) != mine {
		t.Errorf("the changed file is gone (%v): %s", err, text)
	}
	if r.Skipped < 100 {
		t.Errorf("page views have no rule now, but only %d events were skipped", r.Skipped)
	}
}

func TestDemoSaysThatARuleStopsTheFlow(t *testing.T) {
	longtest.Only(t)
	beside(t)
	dir := filepath.Join(t.TempDir(), "shop")
	demoOnce(t, "--dir", dir, "--events", "10")
	broken := "rules:\n  - name: broken\n    event: web.page_viewed\n    do:\n      - track: {person: .nowhere, " +
		"name: broken}\n"
	if err := os.WriteFile(filepath.Join(dir, "rules", "pages.yaml"), []byte(broken), 0o644); err != nil {
		t.Fatal(err)
	}
	var out logBuffer
	code := run(t.Context(), []string{"demo", "--once", "--dir", dir},
		stdio{in: strings.NewReader(""), out: &out, err: &out})
	if code != exit.Failure || !strings.Contains(out.String(), "the flow has stopped") {
		t.Errorf("exit code %d: %s", code, &out)
	}
}

func TestDemoTakesNoFolderOfSomebodyElse(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "ciobridge.yaml"), []byte("source: {}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var out logBuffer
	if code := run(t.Context(), []string{"demo", "--once", "--dir", dir},
		stdio{in: strings.NewReader(""), out: &out, err: &out}); code != exit.Input {
		t.Errorf("exit code %d: %s", code, &out)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("the folder was changed: %v, %v", entries, err)
	}
}

// While a demo runs, its folder is its own and its events are followed.
func TestDemoWaitsForEventsOfOnesOwn(t *testing.T) {
	longtest.Only(t)
	beside(t)
	dir := filepath.Join(t.TempDir(), "shop")
	p := start(t, "demo", "--dir", dir, "--events", "100")
	eventually(t, "the samples done", time.Minute, func() bool { return strings.Contains(p.log.String(), "Ctrl-C") })
	var out logBuffer
	if code := run(t.Context(), []string{"demo", "--once", "--dir", dir},
		stdio{in: strings.NewReader(""), out: &out, err: &out}); code != exit.Broker {
		t.Errorf("a second demo in the same folder: exit code %d: %s", code, &out)
	}
	c, _, err := app.Load(config.File(filepath.Join(dir, "ciobridge.yaml")))
	if err != nil {
		t.Fatal(err)
	}
	publishTo(t, "nats://"+c.Source.Embedded.Listen, "events.people",
		`{"type":"user.signed_up","data":{"user_id":"me_and_only_me","plan":"trial"}}`,
		`{"type":"nobody.wants.it"}`, `{"type":"user.deleted","data":{}}`)
	if _, after, _ := strings.Cut(p.log.String(), "Ctrl-C"); strings.Contains(after, "delivered") &&
		!strings.Contains(after, "me_and_only_me") {
		t.Errorf("sample events are shown as somebody's own: %s", after)
	}
	eventually(t, "my events shown", 20*time.Second, func() bool {
		log := p.log.String()
		return strings.Contains(log, "me_and_only_me") && strings.Contains(log, "skipped        1") &&
			strings.Contains(log, "missing_field deletion person")
	})
	page := regexp.MustCompile(`http://\S+`).FindString(p.log.String())
	if events := get(t, page+"_emulator/events"); !strings.Contains(events, `"type":"io.customer.email.bounced"`) {
		t.Errorf("the page shows no bounce that arrived on the bus: %.1000s", events)
	} else if !strings.Contains(events, `"type":"io.customer.report.campaigns"`) {
		t.Errorf("the page shows no report that arrived on the bus: %.1000s", events)
	}
	bounce(t, page)
	eventually(t, "a bounce shown", 20*time.Second, func() bool {
		return strings.Contains(p.log.String(), "on the bus     io.customer.email.bounced cio_me")
	})
	if code := p.stop(); code != exit.OK {
		t.Errorf("exit code %d", code)
	}
}

// bounce has the demo's Customer.io tell of a bounce.
func bounce(t *testing.T, page string) {
	t.Helper()
	res, err := http.Post(page+"_emulator/webhooks", "application/json", strings.NewReader(
		`{"object_type":"email","metric":"bounced","data":{"identifiers":{"cio_id":"cio_me"}}}`))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Errorf("status %d", res.StatusCode)
	}
}
