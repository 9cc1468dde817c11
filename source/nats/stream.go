package nats

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/ciobridge/ciobridge/consumer/jetstream"
	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/erasure"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/mistake"
	"github.com/ciobridge/ciobridge/internal/place"
	"github.com/ciobridge/ciobridge/ledger"
	"github.com/ciobridge/ciobridge/mapping"
	"github.com/ciobridge/ciobridge/mapping/rulefile"
	"github.com/ciobridge/ciobridge/source"
	"github.com/ciobridge/ciobridge/webhook"
)

// Reading says how streams are read, whichever server has them.
type Reading struct {
	jetstream.Config `yaml:",inline"`
	Streams          []Stream `yaml:"streams"`
}

func defaultReading() Reading {
	return Reading{Config: jetstream.DefaultConfig()}
}

// Stream is one JetStream stream and how its events arrive.
type Stream struct {
	Name string `yaml:"name"`
	// Subjects narrows what is read, with the wildcards of NATS; for an embedded server they are what the stream keeps.
	Subjects []string `yaml:"subjects"`
	// Partitions divide the stream among replicas: the subjects of each, one or a list.
	Partitions []Subjects        `yaml:"partitions"`
	Envelope   rulefile.Envelope `yaml:"envelope"`
	// Content is the form of the values: json, avro, protobuf or json_schema. All but json need schema_registry.
	Content string         `yaml:"content,lower"`
	OnNull  mapping.Policy `yaml:"on_null,lower"`
}

// Subjects are what one partition of a stream holds: in YAML one subject, or a list of them.
type Subjects []string

func (s *Stream) partitions() [][]string {
	var partitions [][]string
	for _, subjects := range s.Partitions {
		partitions = append(partitions, subjects)
	}
	return partitions
}

// Topics implements source.Section.
func (r *Reading) Topics() []mapping.Topic {
	var topics []mapping.Topic
	for i, s := range r.Streams {
		topics = append(topics, mapping.Topic{
			Pos:  mapping.Position{Path: fmt.Sprintf("streams[%d]", i)},
			Name: s.Name, Envelope: mapping.Envelope(s.Envelope), Content: s.Content,
			OnNull: s.OnNull})
	}
	return topics
}

// CheckLetters implements source.Section. Which stream keeps a subject, only the server knows.
func (r *Reading) CheckLetters(d deadletter.Config) error {
	if d.Topic != "" {
		return mistake.Of("dead_letters.topic: is for a Kafka source; give subject or file")
	}
	return nil
}

// Reads implements source.Section, as far as subjects are named.
func (r *Reading) Reads(subject string) bool {
	return subject != "" && slices.ContainsFunc(r.Streams, func(s Stream) bool {
		return collides(subject, append(s.partitions(), s.Subjects)...)
	})
}

// collides reports whether a subject is one of others, which may have wildcards.
func collides(subject string, others ...[]string) bool {
	return slices.ContainsFunc(slices.Concat(others...), func(other string) bool {
		return server.SubjectsCollide(other, subject)
	})
}

// CheckFences implements source.Section. Which stream keeps a subject, only the server knows; what is read of one is
// known here where subjects are named.
func (r *Reading) CheckFences(e erasure.Config) error {
	switch {
	case e.Topic != "":
		return mistake.Of("topic: is for a Kafka source; give bucket or file")
	case e.ReportTopic != "":
		return mistake.Of("report_topic: is for a Kafka source; give report_subject")
	case r.Reads(e.ReportSubject):
		return reportsRead()
	}
	return nil
}

func reportsRead() error {
	return mistake.Of("report_subject: is read by the source too, and every report would come back as an event")
}

// CheckWebhooks implements source.Section.
func (r *Reading) CheckWebhooks(w webhook.Config) error {
	switch {
	case w.Topic != "":
		return mistake.Of("topic: is for a Kafka source; give subject")
	case w.Subject != "" && r.Reads(w.Subject+".>"):
		return webhooksRead()
	}
	return nil
}

func webhooksRead() error {
	return mistake.Of("subject: is read by the source too, and every webhook would come back as an event, whose " +
		"calls bring the next webhooks: give one that the source does not read")
}

// CheckLedger implements source.Section.
func (r *Reading) CheckLedger(l ledger.Config, _ deadletter.Config) error {
	return checkPlace(l.Settings)
}

// checkPlace reports a place that is not for NATS.
func checkPlace(p place.Settings) error {
	if p.Topic != "" {
		return mistake.Of("topic: is for a Kafka source; give bucket or file")
	}
	return nil
}

// Ends implements source.Section.
func (*Reading) Ends() bool { return false }

// ChecksFirst implements source.Section: streams are looked at while they are read.
func (r *Reading) ChecksFirst() bool { return false }

// destination is the subject to publish to, among those that the streams keep.
func destination(to source.Target, kept []string) (event.Origin, error) {
	switch {
	case to.Topic != "":
		return event.Origin{}, errors.New("--topic is for Kafka, and the source is NATS: give --subject")
	case to.Key != "":
		return event.Origin{}, errors.New("--key is for Kafka: a NATS message has no key")
	}
	subject := to.Subject
	if subject == "" {
		var err error
		if subject, err = source.One("--subject", "", kept); err != nil {
			return event.Origin{}, err
		}
		if strings.ContainsAny(subject, "*>") {
			return event.Origin{}, fmt.Errorf("--subject is missing: name one of %s", subject)
		}
	}
	if to.Null {
		return event.Origin{}, errors.New("--null is for Kafka: a NATS message is empty at least, give --empty")
	}
	return event.Origin{Subject: subject}, nil
}
