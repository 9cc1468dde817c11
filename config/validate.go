package config

import (
	"errors"
	"net"
	"slices"
	"time"

	"github.com/ciobridge/ciobridge/content"
	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/erasure"
	"github.com/ciobridge/ciobridge/internal/mistake"
	"github.com/ciobridge/ciobridge/mapping"
)

// Validate reports every mistake, each beginning with its path in the file. It compiles no rules and connects to
// nothing.
func (c *Config) Validate() error {
	m := c.Mapping()
	m.Allow, m.ReservedIDs = nil, customerio.ReservedIDs{} // customerio reports them
	return errors.Join(
		c.Source.validate(),
		mistake.Under("customerio", c.CustomerIO.Validate()),
		mistake.Under("delivery", c.Pipeline().Validate()),
		c.DeadLetters.Validate(),
		mistake.Under("erasure", c.Erasure.Validate()),
		mistake.Under("ledger", c.Ledger.Validate()),
		mistake.Under("webhooks", c.Webhooks.Validate(c.CustomerIO.Names())),
		c.validateReports(),
		mistake.Under("schema_registry", c.SchemaRegistry.Validate()),
		c.crossed(),
		m.Validate(),
		mistake.Under("new_people", c.NewPeople.Validate()),
		mistake.Under("admin", c.Admin.validate()),
		mistake.Under("log", c.Log.validate()),
	)
}

func (s *Source) validate() error {
	sections := s.sections()
	if len(sections) != 1 {
		return mistake.Of("source: give exactly one of kafka, nats, embedded and lines; " +
			"there is no default, because a bridge that reads a private empty broker looks healthy and moves nothing")
	}
	return mistake.Under("source."+sections[0].Kind(), sections[0].Validate())
}

// crossed reports settings that contradict each other although each is right by itself.
func (c *Config) crossed() error {
	section := c.Source.Section()
	if section == nil {
		return nil
	}
	errs := []error{
		section.CheckLetters(c.DeadLetters.Config), mistake.Under("erasure", section.CheckFences(c.Erasure)),
	}
	if c.Webhooks.Enabled() {
		errs = append(errs, mistake.Under("webhooks", errors.Join(section.CheckWebhooks(c.Webhooks), c.ownTopic())))
	}
	errs = append(errs, c.crossedReports())
	if c.Ledger.Placed() {
		errs = append(errs, c.checkLedger())
	}
	var least time.Duration
	for _, w := range c.CustomerIO.All() {
		least = max(least, w.Timeout+erasure.Notice)
	}
	if settle := c.Erasure.Settle; settle > 0 && settle < least {
		errs = append(errs, mistake.Of("erasure.settle: %s is less than customerio.timeout and %s together, in which "+
			"a request of another replica may still go out: give at least %s, or 0s for a bridge that is alone and "+
			"whose letters are replayed while it stands", settle, erasure.Notice, least))
	}
	const leastPause = 10 * time.Second
	switch every := c.LandingProbe.Every; {
	case every == 0:
	case every < leastPause:
		errs = append(errs, mistake.Of("landing_probe.every: %s is less than %s: the activity log is asked over App, "+
			"whose budget is small", every, leastPause))
	case !slices.ContainsFunc(c.CustomerIO.All(), func(w Workspace) bool { return w.Lacks(customerio.AppAPI) == "" }):
		errs = append(errs, mistake.Of("landing_probe: the activity log is read over App: give "+
			"customerio.app_key_file or app_key_env"))
	}
	needs := func(t mapping.Topic) bool {
		f := t.Forms()
		return content.NeedsRegistry(f.Value) || content.NeedsRegistry(f.Key)
	}
	if c.SchemaRegistry.IsZero() && slices.ContainsFunc(section.Topics(), needs) {
		errs = append(errs, mistake.Of("schema_registry: is missing: content: avro and protobuf need the url of one"))
	}
	return errors.Join(errs...)
}

// ownTopic reports a topic of webhooks in which there is something else already.
func (c *Config) ownTopic() error {
	other := ""
	switch topic := c.Webhooks.Topic; topic {
	case "":
	case c.DeadLetters.Topic:
		other = "the dead letters"
	case c.PlacedLedger().Topic:
		other = "the send ledger"
	case c.Erasure.Topic:
		other = "the erasure fences"
	case c.Erasure.ReportTopic:
		other = "the reports of erasures"
	}
	if other == "" {
		return nil
	}
	return mistake.Of("topic: is that of %s: give webhooks one of their own", other)
}

func (a Admin) validate() error {
	switch {
	case a.RecentOutcomes < 0 || a.RecentOutcomes > maxRecentOutcomes:
		return mistake.Of("recent_outcomes: %d is outside 0 to %d", a.RecentOutcomes, maxRecentOutcomes)
	case a.Listen == "" && a.RecentOutcomes > 0:
		return mistake.Of("recent_outcomes: nobody can ask for them, because listen is empty")
	case a.Listen == "":
		return nil
	}
	if _, _, err := net.SplitHostPort(a.Listen); err != nil {
		return mistake.Of("listen: is not host:port, such as 127.0.0.1:8080 or :8080")
	}
	return nil
}

func (l Log) validate() error {
	var errs []error
	if !slices.Contains([]string{"debug", "info", "warn", "error"}, l.Level) {
		errs = append(errs, mistake.Of("level: is none of debug, info, warn, error"))
	}
	if l.Format != "json" && l.Format != "console" {
		errs = append(errs, mistake.Of("format: is neither json nor console"))
	}
	return errors.Join(errs...)
}

// taken says why no answer may be published under a name; empty where one may.
func (c *Config) taken(name string) string {
	section := c.Source.Section()
	switch {
	case section == nil:
		return ""
	case section.Ends():
		return "cannot be published to, because source." + section.Kind() + " has no broker: leave it out"
	case section.Reads(name):
		return "is read by the source too, by its name or by a pattern, and every answer would come back as an " +
			"event: give it a name that the source does not read"
	case name == c.DeadLetters.Topic || name == c.DeadLetters.Subject:
		return "is where the dead letters are, among which no answer can be read: give it a name of its own"
	case name == c.PlacedLedger().Topic:
		return "is where the send ledger is: give it a name of its own"
	case name == c.Erasure.Topic:
		return "is where the erasure fences are: give it a name of its own"
	case len(c.Reports) > 0 && name == c.PlacedReportState().Topic:
		return "is where the state of reports is: give it a name of its own"
	}
	return ""
}

// checkSettle reports that an erasure waits for less than a request of a rule's own may take.
func (c *Config) checkSettle(rules *mapping.Rules) error {
	if rules == nil || !c.Erasure.Enabled() || c.Erasure.Settle == 0 {
		return nil
	}
	longest, by := rules.LongestTimeout()
	if least := longest + erasure.Notice; c.Erasure.Settle < least {
		return mistake.Of("erasure.settle: %s is less than the timeout of a request of the rule %q and %s together, "+
			"in which that request may still go out: give at least %s", c.Erasure.Settle, by, erasure.Notice, least)
	}
	return nil
}

// checkLedger reports a place where the send ledger cannot be.
func (c *Config) checkLedger() error {
	return mistake.Under("ledger", c.Source.Section().CheckLedger(c.PlacedLedger(), c.DeadLetters.Config))
}
