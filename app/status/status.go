package status

import (
	"time"

	"github.com/ciobridge/ciobridge/report"
)

// Refused is why what the rule files hold was not taken up, so that older rules are in use, and since when.
type Refused struct {
	Since  time.Time `json:"since"`
	Reason string    `json:"reason"`
}

// Status is what GET /status answers: how a bridge does, and what it has done since its process began. No key changes
// its meaning.
type Status struct {
	Version    string    `json:"version"`
	ConfigHash string    `json:"config_hash"` // of the rules
	Generation int       `json:"generation"`  // of the rules: 1 at the start, and one more with each reload
	Refused    *Refused  `json:"rules_refused,omitempty"`
	Started    time.Time `json:"started,omitzero"`
	Ready      bool      `json:"ready"`
	// NotReady are the reasons why events do not flow, or a part of them.
	NotReady []string `json:"not_ready,omitempty"`

	Source       Source        `json:"source"`
	Messages     Messages      `json:"messages"`
	Destinations []Destination `json:"destinations"` // by workspace and endpoint
	// LastSuccess is when Customer.io last took a request.
	LastSuccess time.Time       `json:"last_success,omitzero"`
	DeadLetters Letters         `json:"dead_letters"`
	Stopped     []Stop          `json:"stopped,omitempty"`
	Reports     []report.Status `json:"reports,omitempty"`

	Rules     []Rule    `json:"rules"` // in the order of the rules
	Skipped   Skipped   `json:"skipped"`
	Unmatched Unmatched `json:"unmatched"` // events whose type no rule names
}

// Source is where a bridge reads, and how.
type Source struct {
	Kind       string      `json:"kind,omitempty"`
	Reads      []string    `json:"reads,omitempty"` // topics, patterns of topics, or streams
	Partitions []Partition `json:"partitions"`      // those that this replica reads, or stands by to read
}

// Partition is one partition of a topic, or a stream or a part of one.
type Partition struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	State     string `json:"state"`
	// What follows is known while the partition is read here.
	Offset   *int64  `json:"offset,omitempty"` // the first that is not finished, or the next one
	Lag      *int64  `json:"lag,omitempty"`    // from there to the end of the log
	InFlight int     `json:"in_flight"`
	Oldest   float64 `json:"oldest_unfinished_seconds"` // how long the oldest unfinished message has been in hand
}

// Messages counts those that are finished, by what became of them, and calls.
type Messages struct {
	Delivered    int `json:"delivered"`
	DeadLettered int `json:"dead_lettered"` // with any dead letter
	Skipped      int `json:"skipped"`
	Calls        int `json:"calls"` // that Customer.io took
	Refused      int `json:"refused"`
	Requests     int `json:"requests"`
}

// Destination is an endpoint of a workspace.
type Destination struct {
	Workspace string    `json:"workspace"` // empty for the first
	Endpoint  string    `json:"endpoint"`
	URL       string    `json:"url"`
	State     string    `json:"state"`
	Held      bool      `json:"held"` // nothing is sent there until its workspace is proven
	Trouble   string    `json:"trouble,omitempty"`
	Status    int       `json:"status,omitempty"` // of the last answer that failed
	Failures  int       `json:"failures,omitempty"`
	Since     time.Time `json:"since,omitzero"`
	Accepted  time.Time `json:"last_accepted,omitzero"` // when it last took a request
}

// Letters is where dead letters are, and how many are open.
type Letters struct {
	Where   string `json:"where"` // a topic, subject or file
	Down    bool   `json:"down"`  // they cannot be stored, and the source waits
	Trouble string `json:"trouble,omitempty"`
	// Open and what follows are missing until the letters have been counted, and where nobody counts them.
	Open    *int           `json:"open,omitempty"`
	Counted time.Time      `json:"counted,omitzero"` // since then only those that this bridge stored are added
	Reasons map[string]int `json:"open_by_reason,omitempty"`
	Rules   map[string]int `json:"open_by_rule,omitempty"` // as of the count; "" is for those before any rule
	Oldest  time.Time      `json:"oldest_open,omitzero"`   // when it first failed, as of the count
}

// Stop is a rule or a topic that was stopped, because too much of it failed or because of whom it names.
type Stop struct {
	Rule  string    `json:"rule,omitempty"` // empty where a topic has stopped
	Topic string    `json:"topic,omitempty"`
	Owner string    `json:"owner,omitempty"` // of the rule
	Stage string    `json:"stage,omitempty"`
	Cause string    `json:"cause"` // failing or new_people
	Since time.Time `json:"since,omitzero"`
	Why   string    `json:"why"`
}

// Rule is what one rule has done.
type Rule struct {
	Rule      string `json:"rule"`
	Owner     string `json:"owner,omitempty"`
	Matched   uint64 `json:"matched"`   // events
	Skipped   uint64 `json:"skipped"`   // events, by the rule's condition
	Calls     uint64 `json:"calls"`     // made
	Unsent    uint64 `json:"not_sent"`  // of the calls, by a rule with send: false
	Failed    uint64 `json:"failed"`    // calls, or whole events
	LeftOut   uint64 `json:"left_out"`  // values that calls went without
	Truncated uint64 `json:"truncated"` // values of which calls have the beginning
}

// Skipped counts events that became nothing, by reason.
type Skipped struct {
	NoRule    uint64 `json:"no_rule"`
	Condition uint64 `json:"condition"`
	NoCall    uint64 `json:"no_call"`
	NoEvent   uint64 `json:"no_event"`
	Unsent    uint64 `json:"not_sent"` // rules applied that send nothing
}

// Unmatched counts events by types that no rule names.
type Unmatched struct {
	Types  []UnmatchedType `json:"types"`  // most events first
	Others uint64          `json:"others"` // events of types beyond those
}

// UnmatchedType is a type that no rule names.
type UnmatchedType struct {
	Type   string    `json:"type"`
	Events uint64    `json:"events"`
	First  time.Time `json:"first,omitzero"` // when the first and the last of their records were written
	Last   time.Time `json:"last,omitzero"`
}
