package config

import (
	"cmp"
	"errors"
	"slices"
	"time"

	"github.com/ciobridge/ciobridge/content/registry"
	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/erasure"
	"github.com/ciobridge/ciobridge/internal/mistake"
	"github.com/ciobridge/ciobridge/internal/yamltree"
	"github.com/ciobridge/ciobridge/ledger"
	"github.com/ciobridge/ciobridge/mapping"
	"github.com/ciobridge/ciobridge/mapping/brake"
	"github.com/ciobridge/ciobridge/mapping/rulefile"
	"github.com/ciobridge/ciobridge/pipeline"
	"github.com/ciobridge/ciobridge/pipeline/people"
	"github.com/ciobridge/ciobridge/report"
	"github.com/ciobridge/ciobridge/source"
	"github.com/ciobridge/ciobridge/source/kafka"
	"github.com/ciobridge/ciobridge/source/lines"
	"github.com/ciobridge/ciobridge/source/nats"
	"github.com/ciobridge/ciobridge/webhook"
)

// Config is a whole configuration file.
type Config struct {
	Source      Source          `yaml:"source"`
	CustomerIO  Destination     `yaml:"customerio"`
	Delivery    pipeline.Config `yaml:"delivery"`
	DeadLetters DeadLetters     `yaml:"dead_letters"`
	// Erasure keeps persons erased; without it a call of an earlier event can bring them back.
	Erasure erasure.Config `yaml:"erasure"`
	// Ledger says where it is noted which calls were sent that may not be sent twice. See PlacedLedger.
	Ledger ledger.Config `yaml:"ledger"`
	// Webhooks are those that Customer.io sends about messages and subscriptions.
	Webhooks webhook.Config `yaml:"webhooks"`
	// Reports are what is read from Customer.io at times and published. ReportState says where it is noted what was;
	// see PlacedReportState.
	Reports     []report.Config    `yaml:"reports"`
	ReportState report.StateConfig `yaml:"report_state"`
	// SchemaRegistry has the schemas of topics and streams whose content is not JSON.
	SchemaRegistry registry.Config `yaml:"schema_registry"`

	// Rules stand in the file itself, RulesFrom names files of rules, and files of functions in jq whose names end in
	// .jq, by path or glob, relative to the configuration file.
	Rules     []rulefile.Rule `yaml:"rules"`
	RulesFrom []string        `yaml:"rules_from"`
	// OnUnmatched says what becomes of an event that no rule names: skip, the default, or dead_letter.
	OnUnmatched mapping.Policy `yaml:"on_unmatched,lower"`
	// OnInvalid says what becomes of a value that Customer.io would refuse or ignore, where neither the step of a rule
	// nor the field says it: leave_out, the default but for what is required, dead_letter or truncate.
	OnInvalid mapping.Policy `yaml:"on_invalid,lower"`
	// LandingProbe finds out whether calls that were taken did anything.
	LandingProbe LandingProbe `yaml:"landing_probe"`
	// TooLate says what becomes of events that are too old to trigger anything.
	TooLate mapping.TooLate `yaml:"too_late"`

	// NewPeople is how many people all rules together may name who were not named before.
	NewPeople brake.NewPeople `yaml:"new_people"`

	Admin Admin `yaml:"admin"`
	Log   Log   `yaml:"log"`

	// Files are the rule files that RulesFrom named, in the order in which their rules apply.
	Files []RuleFile `yaml:"-"`

	rulesAlone bool // nobody says which workspaces there are

	tree *yamltree.Node // what it was decoded from; nil where nothing was
	err  error          // the mistakes that were found when it was read
}

// Source is where events come from. Exactly one of its fields is set; each is a kind of broker, and sections lists
// them.
type Source struct {
	Kafka    *kafka.Section `yaml:"kafka"`
	NATS     *nats.Section  `yaml:"nats"`
	Embedded *nats.Embedded `yaml:"embedded"`
	Lines    *lines.Section `yaml:"lines"`
}

func (s *Source) sections() []source.Section {
	return slices.Concat(given(s.Kafka), given(s.NATS), given(s.Embedded), given(s.Lines))
}

// given lists a section that is there.
func given[T any, P interface {
	*T
	source.Section
}](section P) []source.Section {
	if section == nil {
		return nil
	}
	return []source.Section{section}
}

// Section is the section that is given; nil if there is none.
func (s *Source) Section() source.Section {
	if sections := s.sections(); len(sections) > 0 {
		return sections[0]
	}
	return nil
}

func (s *Source) topics() []mapping.Topic {
	section := s.Section()
	if section == nil {
		return nil
	}
	topics := section.Topics()
	for i := range topics {
		// without a file or a line it knows its path in the section only
		if at := &topics[i].Pos; at.File == "" && at.Line == 0 && at.Path != "" {
			at.Path = mistake.Join("source."+section.Kind(), at.Path)
		}
	}
	return topics
}

// DeadLetters says where dead letters are kept, and when there are too many.
type DeadLetters struct {
	deadletter.Config `yaml:",inline"`
	// StopShare stops a rule when more than this share of its last 256 results failed, and a topic of which as many
	// events cannot be read; 0 never stops any.
	StopShare float64 `yaml:"stop_share"`
	// CountEvery is how long a count of the open letters stands at least; 0 counts none.
	CountEvery time.Duration `yaml:"count_every"`
}

// Validate reports every mistake, each beginning with its path in the file.
func (d DeadLetters) Validate() error {
	if d.CountEvery < 0 {
		return errors.Join(d.Config.Validate(), mistake.Of("dead_letters.count_every: %s is negative: 0 turns it off",
			d.CountEvery))
	}
	return d.Config.Validate()
}

// Where names the place, for people.
func (d DeadLetters) Where() string {
	switch {
	case d.Topic != "":
		return "topic " + d.Topic
	case d.Subject != "":
		return "subject " + d.Subject
	}
	return "file " + d.File
}

// LandingProbe says how often Customer.io's activity log is asked for calls without an effect.
type LandingProbe struct {
	// Every is the time between two looks; 0 turns it off.
	Every time.Duration `yaml:"every"`
}

// Admin is the HTTP server for health and metrics.
type Admin struct {
	// Listen is its address; empty turns it off.
	Listen string `yaml:"listen"`
	// RecentOutcomes is how many outcomes of calls are kept in memory for those who ask; 0 keeps none.
	RecentOutcomes int `yaml:"recent_outcomes"`
}

// maxRecentOutcomes take 200 MB.
const maxRecentOutcomes = 1_000_000

// Log says what is logged and how.
type Log struct {
	Level  string `yaml:"level,lower"`  // debug, info, warn or error
	Format string `yaml:"format,lower"` // json or console
}

// Default gives what a file that sets nothing means.
func Default() Config {
	d := pipeline.DefaultConfig(pipeline.Limits{
		Calls: customerio.MaxBatchItems, Bytes: customerio.MaxBatchBytes, Envelope: customerio.BatchEnvelope,
	})
	return Config{
		CustomerIO:  Destination{Config: customerio.DefaultConfig()},
		Delivery:    d,
		DeadLetters: DeadLetters{StopShare: d.StopShare, CountEvery: time.Minute},
		Erasure:     erasure.DefaultConfig(),
		Webhooks:    webhook.DefaultConfig(),
		Admin:       Admin{Listen: "127.0.0.1:8080"},
		Log:         Log{Level: "info", Format: "json"},
	}
}

// Rows are the keys of a configuration file, as they are read.
func Rows() []yamltree.Row {
	c := Default()
	c.DeadLetters.Config = c.DeadLetters.WithDefaults()
	c.Ledger = c.Ledger.WithDefaults()
	return yamltree.Described(yamltree.Rows(c), "", described)
}

// Mapping is the configuration of the rules, with the envelopes of the source's topics or streams.
func (c *Config) Mapping() mapping.Config {
	m := mapping.Config{
		Topics: c.Source.topics(), Rules: rulefile.Rules(c.Rules), OnUnmatched: c.OnUnmatched,
		OnInvalid: c.OnInvalid, TooLate: c.TooLate,
		Allow: c.CustomerIO.Allow, ReservedIDs: c.CustomerIO.ReservedIDs,
		About: c.Erasure.HasKey(), Workspaces: c.CustomerIO.Names(), Taken: c.taken,
	}
	addTo(&m, c.Files)
	if c.rulesAlone {
		m.Workspaces = named(m.Rules)
	}
	return m
}

// Pipeline is the configuration of the flow.
func (c *Config) Pipeline() pipeline.Config {
	p := c.Delivery
	p.StopShare = c.DeadLetters.StopShare
	if n := c.NewPeople; n.Limit > 0 {
		p.NewPeople = people.Limit{People: n.Limit, Per: cmp.Or(n.Per, brake.DefaultPer)}
	}
	return p
}

// PlacedLedger is the configuration of the send ledger, with its place where none is given: beside the dead letters.
func (c *Config) PlacedLedger() ledger.Config {
	return c.Source.Section().Ledger(c.Ledger, c.DeadLetters.Config)
}
