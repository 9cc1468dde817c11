package main

import (
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/broker"
	"github.com/ciobridge/ciobridge/emulator"
	"github.com/ciobridge/ciobridge/internal/canarytest"
	"github.com/ciobridge/ciobridge/internal/exit"
	"github.com/ciobridge/ciobridge/internal/longtest"
)

// admin is where a bridge in the test answers for its health, as soon as it does.
func (p *process) admin(t *testing.T) string {
	t.Helper()
	pattern := regexp.MustCompile(`"message":"starting".*"admin":"([^"]+)"`)
	var found []string
	eventually(t, "the admin server's address is logged", 10*time.Second, func() bool {
		found = pattern.FindStringSubmatch(p.log.String())
		return found != nil
	})
	return "http://" + found[1]
}

// answers waits until an address answers so, and returns the body.
func answers(t *testing.T, url string, status int, parts ...string) string {
	t.Helper()
	last := ""
	eventually(t, fmt.Sprintf("%s answers %d with %q", url, status, parts), 30*time.Second, func() bool {
		res, err := http.Get(url)
		if err != nil {
			last = err.Error()
			return false
		}
		defer res.Body.Close()
		last = fetched(url)
		for _, part := range parts {
			if !strings.Contains(last, part) {
				return false
			}
		}
		return res.StatusCode == status
	})
	canarytest.Text(t, url, last)
	return last
}

// silence is an address that takes connections and never says a word; refusal is one that takes none.
func silence(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l.Addr().String() // the kernel completes connections that nobody accepts
}

func refusal(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// While a broker cannot be reached, refused or silent, the bridge lives, is not ready, says why without an address,
// and ends in order.
func TestAdminServerComesBeforeTheBroker(t *testing.T) {
	t.Parallel()
	addresses := map[string]string{"refused": refusal(t)}
	if longtest.On() {
		addresses["silent"] = silence(t) // which is noticed after ten seconds
	}
	for name, address := range addresses {
		for kind, c := range map[string]struct{ source, dead, reason string }{
			"nats": {
				"{nats: {urls: [%q], start_at: earliest, streams: [{name: EVENTS}]}}",
				"{subject: dead.events, stream: DEAD}",
				"not ready: broker: connect to the broker: ",
			},
			"kafka": {
				"{kafka: {brokers: [%q], group: g, start_at: earliest, topics: [shop]}}", "{topic: shop.dead}",
				"not ready: dead letters: ",
			},
		} {
			t.Run(kind+" "+name, func(t *testing.T) {
				if kind == "nats" {
					longtest.Only(t) // see TestBrokerThatComesLate
				}
				t.Parallel()
				w := newWorld(t)
				at := address
				if kind == "nats" {
					at = "nats://" + address
				}
				p := start(t, "run", "-c", w.configure(fmt.Sprintf(c.source, at), c.dead))
				url := p.admin(t)
				answers(t, url+"/healthz", http.StatusOK, "ok")
				body := answers(t, url+"/readyz", http.StatusServiceUnavailable, c.reason)
				eventually(t, "the reason is told", 30*time.Second, func() bool {
					body = fetched(url + "/readyz")
					return !strings.Contains(body, "not proven yet\n") || kind == "nats" &&
						strings.Count(body, "not proven yet") == 1
				})
				if strings.Contains(body, address) || strings.Contains(body, "127.0.0.1") ||
					strings.Contains(body, "customer.io") {
					t.Errorf("readyz says\n%s", body)
				}
				eventually(t, "the log has the reason with the address", 20*time.Second, func() bool {
					return strings.Contains(p.log.String(), "cannot be reached yet")
				})
				if code := p.stop(); code != exit.OK {
					t.Errorf("exit code %d", code)
				}
			})
		}
	}
}

// A bridge that was started before its broker begins to read when the broker comes.
func TestBrokerThatComesLate(t *testing.T) {
	beside(t)
	address := refusal(t)
	w := newWorld(t)
	path := w.configure(fmt.Sprintf("{nats: {urls: [%q], start_at: earliest, streams: [{name: EVENTS}]}}",
		"nats://"+address), "{file: "+w.path("dead.jsonl")+"}")
	p := start(t, "run", "-c", path)
	url := p.admin(t)
	answers(t, url+"/readyz", http.StatusServiceUnavailable, "not ready: broker: ")
	server, err := broker.StartEmbedded(broker.EmbeddedConfig{Dir: filepath.Join(t.TempDir(), "data"),
		Listen: address}.WithDefaults(), zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	joined := joinSubjects(t, server.URL())
	joined.world = w
	joined.produce(100)
	answers(t, url+"/readyz", http.StatusOK, "ready\n")
	w.arrive(20 * time.Second)
	if code := p.stop(); code != exit.OK {
		t.Errorf("exit code %d", code)
	}
}

// Everything that is in the way is told at once, not only the first of it.
func TestReadyzTellsEveryReason(t *testing.T) {
	beside(t)
	w := newWorld(t)
	w.server.Close()
	path := w.configure(fmt.Sprintf("{kafka: {brokers: [%q], group: g, start_at: earliest, topics: [shop]}}",
		refusal(t)), "{topic: shop.dead}")
	p := start(t, "run", "-c", path)
	answers(t, p.admin(t)+"/readyz", http.StatusServiceUnavailable,
		"not ready: customer.io: customer.io cannot be asked for the workspace's region: connection refused\n",
		"not ready: "+
			"dead letters: check topic shop.dead: the dead letters cannot be reached: ")
	if code := p.stop(); code != exit.OK {
		t.Errorf("exit code %d", code)
	}
	for _, part := range []string{`"source":"kafka"`, `"reads":["shop"]`, `"region":"eu"`, `"rules":3`,
		`"config_hash":"`} {
		if !regexp.MustCompile(`"message":"starting".*` + regexp.QuoteMeta(part)).MatchString(p.log.String()) {
			t.Errorf("the line that tells of the start lacks %s:\n%s", part, p.log)
		}
	}
}

// A bridge is ready while a rule has stopped and others flow, and says what to mend. Where every rule that sends has
// stopped, or every topic, it is not ready. Events that no rule could read have no rule to blame.
func TestStoppedFlowIsNotReady(t *testing.T) {
	t.Parallel()
	const unreadable, noPerson = `{"type":"own","n":%d`, `{"type":"own","who":null,"n":%d}`
	const ruleStopped = `flow: the rule "own" of "crm-team" has stopped, because most of what it makes fails in mapping; mend`
	for name, c := range map[string]struct {
		rules, event string
		status       int
		reason       string
	}{
		"a rule of two": {brakeRules, noPerson, http.StatusOK, ruleStopped},
		"the only rule that sends": {strings.Replace(brakeRules, "event: other", "event: other\n    send: false", 1),
			noPerson, http.StatusServiceUnavailable, "not ready: " + ruleStopped},
		"unreadable": {brakeRules, unreadable, http.StatusServiceUnavailable,
			`not ready: flow: the topic "EVENTS" has stopped, because most of its events cannot be read`},
	} {
		t.Run(name, func(t *testing.T) {
			if c.status == http.StatusOK {
				longtest.Only(t) // see TestAStoppedRuleIsResumed
			}
			t.Parallel()
			w := newWorld(t)
			path := w.configure("{embedded: {dir: "+w.path("data")+`, listen: "127.0.0.1:0", start_at: earliest}}`,
				"{file: "+w.path("dead.jsonl")+"}")
			w.write("rules.yaml", c.rules)
			var texts []string
			for i := range 400 {
				texts = append(texts, fmt.Sprintf(c.event, i))
			}
			w.publishTexts(texts)
			p := start(t, "run", "-c", path)
			admin := p.admin(t)
			body := answers(t, admin+"/readyz", c.status, c.reason)
			if strings.Contains(body, `rule ""`) {
				t.Errorf("blames a rule without a name:\n%s", body)
			}
			ready := c.status == http.StatusOK
			if s := get(t, admin+"/status"); strings.HasPrefix(body, "ready\n") != ready ||
				!strings.Contains(s, fmt.Sprintf(`"ready": %v`, ready)) || !strings.Contains(s, `"stopped": [`) {
				t.Errorf("ready is %v:\n%s\n%s", ready, body, s)
			}
			if code := p.stop(); code != exit.OK {
				t.Errorf("exit code %d", code)
			}
		})
	}
}

// Being stopped while Customer.io is asked for the region is no failure, and is not logged as one.
func TestStoppedWhileTheRegionIsAsked(t *testing.T) {
	beside(t)
	w := newWorld(t)
	if _, err := w.cio.AddFault(emulator.Fault{Name: "hang", Path: "/api/v1/accounts/region",
		Hang: "headers"}); err != nil {
		t.Fatal(err)
	}
	p := start(t, "run", "-c", w.configure("{embedded: {dir: "+
		""+w.path("data")+`, listen: "127.0.0.1:0", start_at: earliest}}`, "{file: "+w.path("dead.jsonl")+"}"))
	eventually(t, "the region is asked for", 10*time.Second, func() bool { return w.cio.FaultCounts()["hang"] > 0 })
	if code := p.stop(); code != exit.OK {
		t.Errorf("exit code %d", code)
	}
	if log := p.log.String(); strings.Contains(log, "cannot be reached") || strings.Contains(log, `"level":"error"`) {
		t.Errorf("a stop is told as a failure:\n%s", log)
	}
}

// A replay does not wait for a Customer.io that cannot be reached at its start: somebody waits for the replay.
func TestReplayEndsWhereCustomerIOCannotBeReached(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.server.Close()
	path := w.configure("{embedded: {dir: "+w.path("data")+`, listen: "127.0.0.1:0", start_at: earliest}}`,
		"{file: "+w.path("dead.jsonl")+"}")
	synctest.Test(t, func(t *testing.T) { // it tries for 15 s
		expect(t, exit.CustomerIO, "", "deadletters", "replay", "-c", path, "--all")
	})
}

// Dead letters that cannot be stored hold the source, so the bridge is not ready until they can be again.
func TestLettersThatCannotBeStoredAreNotReady(t *testing.T) {
	beside(t)
	s := newSubjects(t)
	s.session = longSession
	p := start(t, "run", "-c", s.configureNATS())
	url := p.admin(t)
	answers(t, url+"/readyz", http.StatusOK, "ready\n")
	if err := s.js.DeleteStream(t.Context(), "DEAD"); err != nil {
		t.Fatal(err)
	}
	publishTo(t, s.url, "events.test", `{"type":"numbered","who":null}`)
	body := answers(t, url+"/readyz", http.StatusServiceUnavailable, "not ready: dead letters: ", "dead.events")
	if strings.Contains(body, strings.TrimPrefix(s.url, "nats://")) {
		t.Errorf("names an address:\n%s", body)
	}
	answers(t, url+"/healthz", http.StatusOK, "ok")
	if _, err := s.js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "DEAD",
		Subjects: []string{"dead.events"}}); err != nil {
		t.Fatal(err)
	}
	answers(t, url+"/readyz", http.StatusOK, "ready\n")
	if code := p.stop(); code != exit.OK {
		t.Errorf("exit code %d", code)
	}
}
