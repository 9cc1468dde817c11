package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/deadletter/file"
	"github.com/ciobridge/ciobridge/emulator"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/exit"
)

const workspaceRules = `rules:
  - name: here
    event: numbered
    do: [{identify: {person: .who, attributes: {seq: .seq}}}]
  - name: there
    event: numbered
    workspace: shop_us
    do: [{identify: {person: .who, attributes: {seq: .seq}}}]
  - name: both
    event: both
    do:
      - track: {person: .who, name: here}
      - track: {person: .who, name: there}
        workspace: shop_us
tests:
  - name: a step may name its workspace
    given: {event: {type: both, who: ann}}
    want:
      - {track: {name: here, workspace: null}}
      - {track: {name: there, workspace: shop_us}}
`

// inTwoWorkspaces is a bus whose bridge sends to a second workspace too, with its own region and credentials.
func inTwoWorkspaces(t *testing.T) (b *bus, us *emulator.Server, path, second string) {
	t.Helper()
	b = newBus(t, 1)
	b.session = longSession
	us = emulator.New(emulator.Options{Region: "us", SiteID: "us_site", APIKey: "us_key", KeepReceipts: -1})
	server := httptest.NewServer(us)
	t.Cleanup(server.Close)
	b.write("rules.yaml", workspaceRules)
	b.write("us_site_id", "us_site")
	b.write("us_api_key", "us_key")
	path = b.configure(b.source(), "{topic: "+deadTopic+"}")
	second = fmt.Sprintf("customerio.workspaces={shop_us: {region: us, url: '%s', site_id_file: %s, api_key_file: %s}}",
		server.URL, b.path("us_site_id"), b.path("us_api_key"))
	return b, us, path, second
}

// numbers are those that a workspace has taken of a person, in order.
func numbers(s *emulator.Server, who string) (list []int) {
	for _, r := range s.Receipts(0) {
		if r.Taken && r.Person == "id:"+who && r.Action == "identify" {
			list = append(list, sequenceOf(r.Body))
		}
	}
	return list
}

// One workspace is down and then refuses the credentials, while the other takes its calls, those of the same persons
// among them. When it is back it has all of its calls, each person's in their order.
func TestAWorkspaceThatIsDownHoldsItsOwn(t *testing.T) {
	beside(t)
	b, us, path, second := inTwoWorkspaces(t)
	p := start(t, "run", "-c", path, "--set", second)
	admin := p.admin(t)
	answers(t, admin+"/readyz", http.StatusOK, "ready\n")
	const persons, each = 20, 5
	sent := 0
	publish := func(n int) {
		t.Helper()
		for range n {
			for i := range persons {
				who := "p" + strconv.Itoa(i)
				record := &kgo.Record{Key: []byte(who), Value: b.event(who, "numbered")}
				b.client.Produce(context.Background(), record, nil)
			}
			sent++
		}
		if err := b.client.Flush(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	has := func(s *emulator.Server) bool {
		for i := range persons {
			if len(numbers(s, "p"+strconv.Itoa(i))) != sent {
				return false
			}
		}
		return true
	}
	for _, fault := range []emulator.Fault{{Name: "down", Status: 503}, {Name: "halted", Status: 401}} {
		if _, err := us.AddFault(fault); err != nil {
			t.Fatal(err)
		}
		before := us.FaultCounts()[fault.Name]
		publish(each)
		eventually(t, "the other workspace takes all of its calls", 20*time.Second, func() bool { return has(b.cio) })
		eventually(t, "the workspace is asked", 20*time.Second, func() bool {
			return us.FaultCounts()[fault.Name] > before
		})
		if has(us) {
			t.Errorf("%s: the workspace has taken its calls", fault.Name)
		}
		if !us.RemoveFault(fault.Name) {
			t.Fatal("no such fault")
		}
		eventually(t, "the workspace takes all of its calls", 30*time.Second, func() bool { return has(us) })
	}
	for i := range persons {
		who := "p" + strconv.Itoa(i)
		for name, s := range map[string]*emulator.Server{"eu": b.cio, "us": us} {
			for at, seq := range numbers(s, who) {
				if seq != at+1 {
					t.Errorf("%s: %s has %v", name, who, numbers(s, who))
					break
				}
			}
		}
	}
	metrics := get(t, admin+"/metrics")
	counted := regexp.MustCompile(`ciobridge_requests_total{class="\w+",endpoint="\w+",workspace="shop_us"} [1-9]`)
	if !counted.MatchString(metrics) {
		t.Error("no requests of the workspace are counted")
	}
	if code := p.stop(); code != exit.OK {
		t.Errorf("exit code %d", code)
	}
}

// inOrder fails the test where a workspace has not taken so many calls of each person, one after the other.
func inOrder(t *testing.T, s *emulator.Server, name string, persons, each int) {
	t.Helper()
	for i := range persons {
		who := "p" + strconv.Itoa(i)
		got := numbers(s, who)
		if len(got) != each || !slices.IsSorted(got) || got[0] != 1 || got[each-1] != each {
			t.Errorf("%s: %s has %v, want %d in order", name, who, got, each)
		}
	}
}

// A workspace that is down at the start holds its own calls alone, and nothing but the question for its region is sent
// to it. A bridge that is stopped meanwhile stops in order, and the next one delivers all, in order per person.
func TestAWorkspaceThatIsDownAtTheStartHoldsItsOwn(t *testing.T) {
	beside(t)
	b, us, path, second := inTwoWorkspaces(t)
	const persons, each = 20, 5
	publish := func() {
		t.Helper()
		for range each {
			for i := range persons {
				who := "p" + strconv.Itoa(i)
				record := &kgo.Record{Key: []byte(who), Value: b.event(who, "numbered")}
				b.client.Produce(context.Background(), record, nil)
			}
		}
		if err := b.client.Flush(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	has := func(s *emulator.Server, n int) bool {
		for i := range persons {
			if len(numbers(s, "p"+strconv.Itoa(i))) < n {
				return false
			}
		}
		return true
	}
	if _, err := us.AddFault(emulator.Fault{Name: "down", Status: 503}); err != nil {
		t.Fatal(err)
	}
	publish()
	for round := 1; round <= 2; round++ {
		p := start(t, "run", "-c", path, "--set", second)
		admin := p.admin(t)
		answers(t, admin+"/readyz", http.StatusOK, "ready\ndestination: backing_off\n", "workspace shop_us: "+
			"backing_off, unavailable, status 503", "; it is not proven yet, and nothing is sent there\n")
		eventually(t, "the other workspace takes all of its calls", 20*time.Second, func() bool {
			return has(b.cio, each)
		})
		metrics, status := get(t, admin+"/metrics"), get(t, admin+"/status")
		for _, want := range []string{
			`ciobridge_destination_state{endpoint="batch",state="backing_off",trouble="unavailable",workspace="shop_us"} 1`,
			`ciobridge_requests_total{class="5xx",endpoint="batch",workspace="shop_us"} 0`,
			`ciobridge_requests_total{class="none",endpoint="batch",workspace="shop_us"} 0`,
		} {
			if !strings.Contains(metrics, want) {
				t.Errorf("no metric %s", want)
			}
		}
		held := `"workspace": "shop_us",\s*"endpoint": "batch",\s*"url": "http://127[^"]*",` +
			`\s*"state": "backing_off",\s*"held": true`
		if !regexp.MustCompile(held).MatchString(status) {
			t.Errorf("status says\n%s", status)
		}
		if round == 2 {
			if !us.RemoveFault("down") {
				t.Fatal("no such fault")
			}
			publish()
			for _, s := range []*emulator.Server{b.cio, us} {
				eventually(t, "the workspace takes all", 30*time.Second, func() bool { return has(s, 2*each) })
			}
			answers(t, admin+"/readyz", http.StatusOK, "ready\ndestination: ok\n")
		}
		if code := p.stop(); code != exit.OK {
			t.Errorf("exit code %d", code)
		}
		if log := p.log.String(); strings.Count(log, "its calls wait until it can") != 1 ||
			strings.Contains(log, "nothing is read until it can") || strings.Contains(log, `"level":"error"`) {
			t.Errorf("the log says\n%s", log)
		}
	}
	inOrder(t, us, "us", persons, 2*each)
}

// A workspace that cannot be used as it is configured holds its own calls, is a reason for which the bridge is not
// ready, and goes on when it is mended. Where it is the only one, or no other can be used, the start fails.
func TestAWorkspaceThatIsConfiguredWronglyHoldsItsOwn(t *testing.T) {
	beside(t)
	b, us, path, second := inTwoWorkspaces(t)
	b.write("us_api_key", "another")
	p := start(t, "run", "-c", path, "--set", second)
	admin := p.admin(t)
	value := &kgo.Record{Key: []byte("p0"), Value: b.event("p0", "numbered")}
	if err := b.client.ProduceSync(context.Background(), value).FirstErr(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the other workspace takes its call", 20*time.Second, func() bool {
		return len(numbers(b.cio, "p0")) == 1
	})
	answers(t, admin+"/readyz", http.StatusServiceUnavailable,
		"not ready: customer.io, workspace shop_us: customer.io refuses the credentials (answer 401)")
	b.write("us_api_key", "us_key")
	eventually(t, "the workspace takes its call", 30*time.Second, func() bool { return len(numbers(us, "p0")) == 1 })
	answers(t, admin+"/readyz", http.StatusOK, "ready\ndestination: ok\n")
	if code := p.stop(); code != exit.OK {
		t.Errorf("exit code %d", code)
	}
	if log := p.log.String(); strings.Count(log, "cannot be used as it is configured") != 1 {
		t.Errorf("the log says\n%s", log)
	}
	b.write("us_api_key", "another")
	b.write("api_key", "another")
	var out bytes.Buffer
	code := run(t.Context(), []string{"run", "-c", path, "--set", second}, stdio{in: &out, out: &out, err: &out})
	if code != exit.Credentials || !strings.Contains(out.String(), "workspace shop_us: customer.io refuses") {
		t.Errorf("exit code %d:\n%s", code, &out)
	}
}

// A replay sends the letters of workspaces that can be used, and leaves those of another open.
func TestAReplayLeavesTheLettersOfAWorkspaceThatIsDown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	us := httptest.NewServer(emulator.New(emulator.Options{Region: "us", SiteID: "us_site", APIKey: "us_key"}))
	t.Cleanup(us.Close)
	w.write("rules.yaml", workspaceRules)
	w.write("us_site_id", "us_site")
	w.write("us_api_key", "us_key")
	path := w.configure("{embedded: {dir: "+w.path("data")+`, listen: "127.0.0.1:0", start_at: earliest}}`,
		"{file: "+w.path("dead.jsonl")+"}")
	second := fmt.Sprintf(
		"customerio.workspaces={shop_us: {region: us, url: '%s', site_id_file: %s, api_key_file: %s}}", us.URL,
		w.path("us_site_id"), w.path("us_api_key"))
	store := file.New(deadletter.Config{File: w.path("dead.jsonl")}, "")
	for i, rule := range []string{"here", "there"} {
		if err := store.Put(t.Context(), event.FailedMessage{
			Message: event.Message{Origin: event.Origin{Topic: "EVENTS", Offset: 1}, Value: w.event("ann", "numbered")},
			Failures: []event.Failure{{ID: event.ID{15: byte(i)}, Stage: event.StageDelivery,
				Reason: event.ReasonRefused, Rule: rule, Call: "identify", Attempts: 1}},
		}); err != nil {
			t.Fatal(err)
		}
	}
	replay := func(code int, says string) {
		t.Helper()
		var out bytes.Buffer
		got := run(t.Context(), []string{"deadletters", "replay", "-c", path, "--set", second, "--all"},
			stdio{in: &out, out: &out, err: &out})
		if got != code || !strings.Contains(out.String(), says) {
			t.Errorf("exit code %d, want %q in\n%s", got, says, &out)
		}
	}
	w.write("us_api_key", "another") // refused: it need not be waited for
	replay(exit.Failure, "1 delivered, 0 failed again, 1 left open\n"+
		"1 left open: their workspace could not be reached or used when the replay began")
	if got := numbers(w.cio, "ann"); len(got) != 1 {
		t.Errorf("taken: %v", got)
	}
	w.write("us_api_key", "us_key")
	replay(exit.OK, "1 delivered, 0 failed again, 0 left open")
}

// Tests of rules, map and api tell the workspaces apart.
func TestCommandsNameWorkspaces(t *testing.T) {
	beside(t)
	b, _, path, second := inTwoWorkspaces(t)
	expect(t, exit.OK, "1 test", "check", "-c", path, "--set", second)
	b.write("event.json", `{"type":"both","who":"ann"}`)
	event := b.path("event.json")
	expect(t, exit.OK, `track  rule "both", call "track:here"`, "map", "-c", path, "--set", second, event)
	expect(t, exit.OK, `track  workspace "shop_us", rule "both", call "track:there"`, "map", "-c", path, "--set",
		second, event)
	expect(t, exit.OK, `"workspace":"shop_us"`, "map", "-c", path, "--set", second, "-o", "json", event)
	expect(t, exit.OK, `"region":"us"`, "api", "GET", "/accounts/region", "--api", "track", "--workspace", "shop_us",
		"-c", path, "--set", second)
	fails := func(says string, args ...string) {
		t.Helper()
		var out bytes.Buffer
		args = append(args, "-c", path, "--set", second)
		code := run(t.Context(), args, stdio{in: strings.NewReader(""), out: &out, err: &out})
		if code != exit.Input || !strings.Contains(out.String(), says) {
			t.Errorf("%v: exit code %d, want %q in:\n%s", args, code, says, &out)
		}
	}
	fails(`did you mean "shop_us"?`, "api", "GET", "/accounts/region", "--api", "track", "--workspace", "shop_uk")
	fails("customerio.workspaces.shop_us.app_key_file: is missing", "api", "GET", "/segments", "--workspace", "shop_us")
}
