package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/ciobridge/ciobridge/app/matches"
	"github.com/ciobridge/ciobridge/consumer/kafka"
	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/canarytest"
	"github.com/ciobridge/ciobridge/internal/exit"
	"github.com/ciobridge/ciobridge/mapping"
	"github.com/ciobridge/ciobridge/mapping/live"
	"github.com/ciobridge/ciobridge/source"
)

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
		remind(ctx, canarytest.Logger(t, core), obstacles, func() ([]obstacle, bool) {
			return []obstacle{{"flow", errors.New("a rule has stopped")}}, false
		})
		if n := logged.FilterMessage("stopped, while others go on").Len(); n < 59 || n > 60 {
			t.Errorf("%d lines in an hour tell of what has stopped", n)
		}
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
		rules.Map(&event.Message{Origin: event.Origin{Topic: "t"},
			Value: []byte(`{"type":"e","id":1,"phone":"` + strings.Repeat("x", 100_000) + `"}`)})
		warnOfSlowRules(canarytest.Logger(t, core), rules.Stats(), last)
		warnOfSlowRules(canarytest.Logger(t, core), rules.Stats(), last)
	}
	if n := logged.FilterField(zap.String("rule", "phone")).FilterField(zap.Uint64("events", 1)).Len(); n != 2 {
		t.Errorf("%d lines for two events in two minutes: %v", n, logged.All())
	}
	families, err := newRegistry(live.New(rules), "test", &matches.Seen{}).Gather()
	if err != nil {
		t.Fatal(err)
	}
	if text := fmt.Sprint(families); !strings.Contains(text, `value:"timed_out"`) {
		t.Errorf("no metric: %s", text)
	}
}

// Whoever may ask for health learns why, and no host.
func TestReasonsForThePublicNameNoHost(t *testing.T) {
	dial := &net.OpError{Op: "dial", Net: "tcp", Addr: &net.TCPAddr{IP: net.IPv4(10, 1, 2, 3), Port: 9092},
		Err: errors.New("connection refused")}
	for _, c := range []struct {
		err  error
		want string
	}{
		{fmt.Errorf("topic shop.dead: %w", dial), "source: topic shop.dead: dial tcp …: connection refused"},
		{&net.DNSError{Name: "kafka-0.internal", Server: "10.0.0.2:53", Err: "no such host"},
			"source: lookup … on …: no such host"},
		{errors.New("not connected: dial tcp: lookup nats.internal on 10.0.0.2:53: no such host"),
			"source: not connected: dial tcp: lookup … on …: no such host"},
		{errors.Join(&net.DNSError{Name: "a.internal", Err: "no such host"},
			&net.DNSError{Name: "b.internal", Err: "no such host"}),
			"source: lookup …: no such host; lookup …: no such host"},
		{errors.New("x509: certificate is valid for a.internal, b.internal, not c.internal\nnext"),
			"source: x509: certificate is valid for …; next"},
		{errors.New("x509: certificate is not valid for any names, but wanted to match c.internal"),
			"source: x509: certificate is not valid for …"},
		{errors.New("connect to kafka-0.internal:9093: eof"), "source: connect to …: eof"},
		{errors.New("dial tcp [::1]:4222: refused"), "source: dial tcp …: refused"},
		{errors.New("get nats://u:p@h: refused"), "source: get … refused"},
		{errors.Join(errors.New("a"), errors.New("b\x1b[2J")), "source: a; b [2J"},
		{errors.New("nothing since 2026-11-26T17:35:45Z: topic shop/3 at offset 12"),
			"source: nothing since 2026-11-26T17:35:45Z: topic shop/3 at offset 12"},
	} {
		if got := (obstacle{"source", c.err}).public(); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
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

// A broker that came late may be followed by its topics some seconds later, just as one that was there from the
// start; what stays missing ends the start.
func TestTopicsMayFollowABrokerThatWasAway(t *testing.T) {
	missing := &kafka.MissingTopicsError{Topics: []string{"shop"}}
	for name, prove := range map[string]func(ctx context.Context, b *Bridge, check func() error) error{
		"source": func(ctx context.Context, b *Bridge, check func() error) error {
			b.source = sourceOf{check: func() error {
				if err := check(); err == nil || !errors.Is(err, deadletter.ErrMissing) {
					return err
				}
				return missing
			}}
			return b.proveSource(ctx)
		},
		"dead letters": func(ctx context.Context, b *Bridge, check func() error) error {
			b.letters = lettersOf{check: check}
			return b.proveLetters(ctx)
		},
	} {
		for made, want := range map[time.Duration]int{2 * time.Second: exit.OK, time.Hour: exit.Broker} {
			t.Run(fmt.Sprintf("%s %s", name, made), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					const outage = time.Minute
					begun, back := time.Now(), time.Time{}
					b := &Bridge{log: canarytest.Logger(t), proofs: newProofs(provesSource, provesLetters)}
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

// TestTimestampsThatCustomerIOIgnoresAreNamed looks at what tells of identify calls that Customer.io may ignore.
func TestTimestampsThatCustomerIOIgnoresAreNamed(t *testing.T) {
	core, logged := observer.New(zapcore.DebugLevel)
	last := map[string]mapping.RuleStats{}
	for _, s := range []mapping.RuleStats{
		{Rule: "sub"}, {Rule: "sub", Behind: 2}, {Rule: "sub", Behind: 2, Ahead: 3}, {Rule: "sub", Behind: 2, Ahead: 3},
	} {
		warnOfTimestamps(canarytest.Logger(t, core), []mapping.RuleStats{s}, last)
	}
	lines := logged.FilterField(zap.String("rule", "sub"))
	if lines.Len() != 2 || lines.FilterMessageSnippet("older").FilterField(zap.Uint64("calls", 2)).Len() != 1 ||
		lines.FilterMessageSnippet("future").FilterField(zap.Uint64("calls", 3)).Len() != 1 {
		t.Errorf("logged %v", logged.All())
	}
}
