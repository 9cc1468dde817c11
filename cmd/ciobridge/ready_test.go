package main

import (
	"context"
	"errors"
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
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/ciobridge/ciobridge/broker"
	"github.com/ciobridge/ciobridge/consumer/kafka"
	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/emulator"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/exit"
	"github.com/ciobridge/ciobridge/mapping"
	"github.com/ciobridge/ciobridge/source"
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

// While a broker cannot be reached, refused or silent, the bridge lives, is not ready, says why without an address, and ends in order.
func TestAdminServerComesBeforeTheBroker(t *testing.T) {
	for name, address := range map[string]string{"refused": refusal(t), "silent": silence(t)} {
		for kind, c := range map[string]struct{ source, dead, reason string }{
			"nats": {
				"{nats: {urls: [%q], start_at: earliest, streams: [{name: EVENTS}]}}", "{subject: dead.events, stream: DEAD}",
				"not ready: broker: connect to the broker: ",
			},
			"kafka": {
				"{kafka: {brokers: [%q], group: g, start_at: earliest, topics: [shop]}}", "{topic: shop.dead}",
				"not ready: dead letters: ",
			},
		} {
			t.Run(kind+" "+name, func(t *testing.T) {
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
					return !strings.Contains(body, "not proven yet\n") || kind == "nats" && strings.Count(body, "not proven yet") == 1
				})
				if strings.Contains(body, address) || strings.Contains(body, "127.0.0.1") || strings.Contains(body, "customer.io") {
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
	t.Parallel()
	address := refusal(t)
	w := newWorld(t)
	path := w.configure(fmt.Sprintf("{nats: {urls: [%q], start_at: earliest, streams: [{name: EVENTS}]}}", "nats://"+address), "{file: "+w.path("dead.jsonl")+"}")
	p := start(t, "run", "-c", path)
	url := p.admin(t)
	answers(t, url+"/readyz", http.StatusServiceUnavailable, "not ready: broker: ")
	server, err := broker.StartEmbedded(broker.EmbeddedConfig{Dir: filepath.Join(t.TempDir(), "data"), Listen: address}.WithDefaults(), zap.NewNop())
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
	t.Parallel()
	w := newWorld(t)
	w.server.Close()
	path := w.configure(fmt.Sprintf("{kafka: {brokers: [%q], group: g, start_at: earliest, topics: [shop]}}", refusal(t)), "{topic: shop.dead}")
	p := start(t, "run", "-c", path)
	answers(t, p.admin(t)+"/readyz", http.StatusServiceUnavailable,
		"not ready: customer.io: customer.io cannot be asked for the workspace's region: connection refused\n", "not ready: dead letters: check topic shop.dead: the dead letters cannot be reached: ")
	if code := p.stop(); code != exit.OK {
		t.Errorf("exit code %d", code)
	}
	for _, part := range []string{`"source":"kafka"`, `"reads":["shop"]`, `"region":"eu"`, `"rules":3`, `"config_hash":"`} {
		if !regexp.MustCompile(`"message":"starting".*` + regexp.QuoteMeta(part)).MatchString(p.log.String()) {
			t.Errorf("the line that tells of the start lacks %s:\n%s", part, p.log)
		}
	}
}

// A flow that the guard has stopped is not ready, and says what to mend. Events that no rule could read have no rule to blame.
func TestStoppedFlowIsNotReady(t *testing.T) {
	for name, c := range map[string]struct{ event, reason string }{
		"a rule":     {`{"type":"numbered","who":null,"n":%d}`, `not ready: flow: stopped, because most of what rule "numbered" makes fails in mapping; mend it and restart`},
		"unreadable": {`{"type":"numbered","n":%d`, "not ready: flow: stopped, because most events cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			path := w.configure("{embedded: {dir: "+w.path("data")+`, listen: "127.0.0.1:0", start_at: earliest}}`, "{file: "+w.path("dead.jsonl")+"}")
			var texts []string
			for i := range 400 {
				texts = append(texts, fmt.Sprintf(c.event, i))
			}
			w.publishTexts(texts)
			p := start(t, "run", "-c", path)
			body := answers(t, p.admin(t)+"/readyz", http.StatusServiceUnavailable, c.reason)
			if strings.Contains(body, `rule ""`) {
				t.Errorf("blames a rule without a name:\n%s", body)
			}
			if code := p.stop(); code != exit.OK {
				t.Errorf("exit code %d", code)
			}
		})
	}
}

// Being stopped while Customer.io is asked for the region is no failure, and is not logged as one.
func TestStoppedWhileTheRegionIsAsked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if _, err := w.cio.AddFault(emulator.Fault{Name: "hang", Path: "/api/v1/accounts/region", Hang: "headers"}); err != nil {
		t.Fatal(err)
	}
	p := start(t, "run", "-c", w.configure("{embedded: {dir: "+w.path("data")+`, listen: "127.0.0.1:0", start_at: earliest}}`, "{file: "+w.path("dead.jsonl")+"}"))
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
	path := w.configure("{embedded: {dir: "+w.path("data")+`, listen: "127.0.0.1:0", start_at: earliest}}`, "{file: "+w.path("dead.jsonl")+"}")
	expect(t, exit.CustomerIO, "", "deadletters", "replay", "-c", path, "--all")
}

// What lasts is logged again once a minute, and no longer than it lasts.
func TestReasonsAreLoggedOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core, logged := observer.New(zapcore.DebugLevel)
		began := time.Now()
		obstacles := func() []obstacle {
			if time.Since(began) > 5*time.Minute+time.Second {
				return nil
			}
			return []obstacle{{"source", errors.New("topic shop does not exist")}, {"dead letters", errors.New("full")}}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		remind(ctx, zap.New(core), obstacles)
		if n := logged.FilterMessage("not ready").Len(); n != 10 {
			t.Errorf("%d lines in an hour of which two reasons lasted five minutes", n)
		}
		if n := logged.FilterField(zap.String("what", "dead letters")).Len(); n != 5 {
			t.Errorf("%d lines tell of the second reason", n)
		}
	})
}

// A rule whose expression runs into its time limit shows in metric and log, by its name.
func TestRulesThatTakeTooLongAreNamed(t *testing.T) {
	rules, err := mapping.Compile(mapping.Config{Rules: []mapping.Rule{{
		Name: "phone", Event: []string{"e"}, Do: []mapping.Action{{
			Action: customerio.Track, Name: mapping.Term{Literal: `"a"`},
			Person: []mapping.Person{{Kind: customerio.ID, Value: mapping.Term{Program: ".id"}}},
			Fields: []mapping.Field{{Name: "x", Value: mapping.Term{Program: `.phone | gsub("x.*y|x"; "")`}}},
		}},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	core, logged := observer.New(zapcore.DebugLevel)
	last := map[string]uint64{}
	for range 2 {
		rules.Map(event.Message{Origin: event.Origin{Topic: "t"}, Value: []byte(`{"type":"e","id":1,"phone":"` + strings.Repeat("x", 100_000) + `"}`)})
		warnOfSlowRules(zap.New(core), rules.Stats(), last)
		warnOfSlowRules(zap.New(core), rules.Stats(), last)
	}
	if n := logged.FilterField(zap.String("rule", "phone")).FilterField(zap.Uint64("events", 1)).Len(); n != 2 {
		t.Errorf("%d lines for two events in two minutes: %v", n, logged.All())
	}
	families, err := newRegistry(rules).Gather()
	if err != nil {
		t.Fatal(err)
	}
	if text := fmt.Sprint(families); !strings.Contains(text, `value:"timed_out"`) {
		t.Errorf("no metric: %s", text)
	}
}

// Whoever may ask for health learns why, and no host.
func TestReasonsForThePublicNameNoHost(t *testing.T) {
	dial := &net.OpError{Op: "dial", Net: "tcp", Addr: &net.TCPAddr{IP: net.IPv4(10, 1, 2, 3), Port: 9092}, Err: errors.New("connection refused")}
	for _, c := range []struct {
		err  error
		want string
	}{
		{fmt.Errorf("topic shop.dead: %w", dial), "source: topic shop.dead: dial tcp …: connection refused"},
		{&net.DNSError{Name: "kafka-0.internal", Server: "10.0.0.2:53", Err: "no such host"}, "source: lookup … on …: no such host"},
		{errors.New("not connected: dial tcp: lookup nats.internal on 10.0.0.2:53: no such host"), "source: not connected: dial tcp: lookup … on …: no such host"},
		{errors.Join(&net.DNSError{Name: "a.internal", Err: "no such host"}, &net.DNSError{Name: "b.internal", Err: "no such host"}),
			"source: lookup …: no such host; lookup …: no such host"},
		{errors.New("x509: certificate is valid for a.internal, b.internal, not c.internal\nnext"), "source: x509: certificate is valid for …; next"},
		{errors.New("x509: certificate is not valid for any names, but wanted to match c.internal"), "source: x509: certificate is not valid for …"},
		{errors.New("connect to kafka-0.internal:9093: eof"), "source: connect to …: eof"},
		{errors.New("dial tcp [::1]:4222: refused"), "source: dial tcp …: refused"},
		{errors.New("get nats://u:p@h: refused"), "source: get … refused"},
		{errors.Join(errors.New("a"), errors.New("b\x1b[2J")), "source: a; b [2J"},
		{errors.New("nothing since 2026-11-26T17:35:45Z: topic shop/3 at offset 12"), "source: nothing since 2026-11-26T17:35:45Z: topic shop/3 at offset 12"},
	} {
		if got := (obstacle{"source", c.err}).public(); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
}

// Dead letters that cannot be stored hold the source, so the bridge is not ready until they can be again.
func TestLettersThatCannotBeStoredAreNotReady(t *testing.T) {
	t.Parallel()
	s := newSubjects(t)
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
	if _, err := s.js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "DEAD", Subjects: []string{"dead.events"}}); err != nil {
		t.Fatal(err)
	}
	answers(t, url+"/readyz", http.StatusOK, "ready\n")
	if code := p.stop(); code != exit.OK {
		t.Errorf("exit code %d", code)
	}
}

// A sourceOf and a lettersOf answer when they are asked whether they are there.
type sourceOf struct {
	source.Reader
	check func() error
}

func (s sourceOf) Check(context.Context) error { return s.check() }
func (s sourceOf) Missing(err error) bool {
	return errors.As(err, new(*kafka.MissingTopicsError))
}

type lettersOf struct {
	source.Letters
	check func() error
}

func (l lettersOf) Check(context.Context) ([]string, error) { return nil, l.check() }

// A broker that came late may be followed by its topics some seconds later, just as one that was there from the start; what stays missing
// ends the start.
func TestTopicsMayFollowABrokerThatWasAway(t *testing.T) {
	missing := &kafka.MissingTopicsError{Topics: []string{"shop"}}
	for name, prove := range map[string]func(ctx context.Context, b *bridge, check func() error) error{
		"source": func(ctx context.Context, b *bridge, check func() error) error {
			b.source = sourceOf{check: func() error {
				if err := check(); err == nil || !errors.Is(err, deadletter.ErrMissing) {
					return err
				}
				return missing
			}}
			return b.proveSource(ctx)
		},
		"dead letters": func(ctx context.Context, b *bridge, check func() error) error {
			b.letters = lettersOf{check: check}
			return b.proveLetters(ctx)
		},
	} {
		for made, want := range map[time.Duration]int{2 * time.Second: exit.OK, time.Hour: exit.Broker} {
			t.Run(fmt.Sprintf("%s %s", name, made), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					const outage = time.Minute
					begun, back := time.Now(), time.Time{}
					b := &bridge{log: zap.NewNop(), proofs: newProofs(provesSource, provesLetters)}
					err := prove(t.Context(), b, func() error {
						switch now := time.Now(); {
						case now.Sub(begun) < outage:
							return deadletter.ErrUnreachable
						case back.IsZero():
							back = now
							return deadletter.ErrMissing
						case now.Sub(back) < made:
							return deadletter.ErrMissing
						}
						return nil
					})
					if exit.Code(err) != want || time.Since(begun) > outage+time.Minute {
						t.Errorf("%v after %s", err, time.Since(begun))
					}
				})
			})
		}
	}
}
