package app

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/internal/choice"
	"github.com/ciobridge/ciobridge/internal/output"
	"github.com/ciobridge/ciobridge/pipeline"
)

// An obstacle is why nothing flows, or why a part of it does not.
type obstacle struct {
	what string
	err  error
}

// obstacles tells every reason for which events do not flow. An outage of Customer.io is none once they do: it would
// take the bridge out of a rollout that is to mend it. A workspace that cannot be used as it is configured is one until
// it is proven, so that a rollout stops over it. A rule or a topic that has stopped is none while others flow.
func (b *Bridge) obstacles() []obstacle {
	if !b.flowing.Load() {
		return b.proofs.left()
	}
	list := slices.DeleteFunc(b.proofs.left(), func(o obstacle) bool { return passes(o.err) })
	for _, text := range b.source.Troubles() {
		list = append(list, obstacle{"source", errors.New(text)})
	}
	for _, text := range b.decoder.Troubles() {
		list = append(list, obstacle{"content", errors.New(text)})
	}
	if err := b.letters.Ready(); err != nil && b.pipeline.LettersDown() {
		list = append(list, obstacle{provesLetters, err})
	}
	if b.ledger != nil {
		if err := b.ledger.Ready(); err != nil {
			list = append(list, obstacle{provesLedger, err})
		}
	}
	if b.fences != nil {
		if err := b.fences.Trouble(); err != nil {
			list = append(list, obstacle{provesFences, err})
		}
	}
	if b.webhooks != nil {
		if err := b.webhooks.Ready(); err != nil {
			list = append(list, obstacle{"webhooks", err})
		}
	}
	if stops, all := b.stopped(); all {
		list = append(list, stops...)
	}
	return list
}

// stopped tells what has stopped. All says that nothing is left to flow: every rule that sends has stopped, or every
// topic that this replica reads.
func (b *Bridge) stopped() (stops []obstacle, all bool) {
	if !b.flowing.Load() {
		return nil, false
	}
	rules, topics := map[string]bool{}, map[string]bool{}
	for _, s := range b.pipeline.Stops() {
		stops = append(stops, obstacle{"flow", pipeline.StoppedError{s}})
		rules[s.Rule], topics[s.Topic] = true, true
	}
	return stops, len(stops) > 0 && (b.allRules(rules) || b.allTopics(topics))
}

func (b *Bridge) allRules(stopped map[string]bool) bool {
	sending := b.rules.Now().SendingRules()
	return len(sending) > 0 && !slices.ContainsFunc(sending, func(name string) bool { return !stopped[name] })
}

func (b *Bridge) allTopics(stopped map[string]bool) bool {
	read := b.source.Partitions()
	for i := range read {
		if !stopped[read[i].Topic] {
			return false
		}
	}
	return len(read) > 0
}

// Resume lets rules and topics go on that have stopped: those that are named or, where none is, all. It tells which,
// and does not wait until they are read again.
func (b *Bridge) Resume(rules, topics []string) (resumed []string) {
	if !b.flowing.Load() {
		return nil
	}
	all := len(rules)+len(topics) == 0
	for _, s := range b.pipeline.Resume(func(s pipeline.Stop) bool {
		return all || s.Rule != "" && slices.Contains(rules, s.Rule) ||
			s.Rule == "" && slices.Contains(topics, s.Topic)
	}) {
		b.log.Info("resumed", zap.Stringer("stopped", s.Subject), zap.String("owner", s.Owner))
		resumed = append(resumed, s.String())
	}
	return resumed
}

// checkNames refuses names that are of no rule and of no topic.
func (b *Bridge) checkNames(rules, topics []string) error {
	now := b.rules.Now()
	for _, name := range rules {
		if known := now.RuleNames(); !slices.Contains(known, name) {
			return fmt.Errorf("there is no rule %q%s", name, choice.Near(name, known))
		}
	}
	for _, name := range topics {
		if known := b.config.Source.Section().Names(); !slices.Contains(known, name) && !now.HasTopic(name) {
			return fmt.Errorf("there is no topic or stream %q%s", name, choice.Near(name, known))
		}
	}
	return nil
}

// remindEvery is how often a reason that lasts is logged again.
const remindEvery = time.Minute

// remind logs what keeps events from flowing, and what has stopped beside others that flow, once a minute until ctx
// ends.
func remind(
	ctx context.Context, log *zap.Logger, obstacles func() []obstacle, stopped func() (stops []obstacle, all bool),
) {
	tick := time.NewTicker(remindEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		for _, o := range obstacles() {
			log.Warn("not ready", zap.String("what", o.what), zap.Error(o.err))
		}
		if stops, all := stopped(); !all {
			for _, s := range stops {
				log.Warn("stopped, while others go on", zap.Error(s.err))
			}
		}
	}
}

// public is an obstacle in one line for whoever asks: without the names and addresses of hosts, which the log has.
func (o obstacle) public() string {
	text := namesPattern.ReplaceAllString(o.err.Error(), "${1}${2}…")
	text = addressPattern.ReplaceAllStringFunc(text, func(s string) string {
		if timePattern.MatchString(s) {
			return s
		}
		return "…"
	})
	return output.Printable(o.what + ": " + strings.ReplaceAll(text, "\n", "; "))
}

var (
	addressPattern = regexp.MustCompile(`[a-z]+://\S+` + // an address with its scheme
		`|\[[0-9a-fA-F:.%a-z]+\](:\d+)?|\d{1,3}(\.\d{1,3}){3}(:\d+)?` + // IPv6 in brackets, IPv4
		`|[A-Za-z0-9_][A-Za-z0-9_.-]*:\d{1,5}`) // host:port
	// The errors of the resolver and of TLS have names without ports.
	namesPattern = regexp.MustCompile(`(\blookup )[^\s:]+` +
		`|(\bcertificate is (?:not )?valid for )[^\n;]*`)
	timePattern = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d$`)
)
