package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ciobridge/ciobridge/emulator"
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
