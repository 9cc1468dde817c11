package report

import (
	"cmp"
	"errors"

	"github.com/ciobridge/ciobridge/internal/mistake"
	"github.com/ciobridge/ciobridge/internal/place"
	"github.com/ciobridge/ciobridge/internal/topicpattern"
)

// StateConfig says where a Store is. Its topic has cleanup.policy=compact.
type StateConfig = place.Settings

// Place names where rows go, such as "topic customerio.reports"; empty where nobody says.
func (t To) Place() string {
	switch {
	case t.Topic != "":
		return "topic " + t.Topic
	case t.Subject != "":
		return "subject " + t.Subject
	case t.File == "-":
		return "standard output"
	case t.File != "":
		return "file " + t.File
	}
	return ""
}

// Validate reports every mistake, each beginning with the path of the field.
func (t To) Validate() error {
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, mistake.Of(format, args...))
		}
	}
	check(count(t.Topic, t.Subject, t.File) == 1, "give exactly one of topic (Kafka), subject (NATS) and file")
	check(t.Topic == "" || topicpattern.IsName(t.Topic),
		"topic: is not a Kafka topic name: use letters, digits, '.', '_' and '-', at most 249 of them")
	check(t.Subject == "" || topicpattern.IsSubject(t.Subject),
		"subject: is not what NATS subjects begin with: use tokens with dots between them, without spaces, * and >")
	check(t.Format == "" || t.File != "", "format: is for a file: events on a topic or subject are CloudEvents in JSON")
	form := cmp.Or(t.Format, "ndjson")
	check(form == "ndjson" || form == "csv", "format: is neither ndjson nor csv")
	return errors.Join(errs...)
}

func count(texts ...string) (n int) {
	for _, t := range texts {
		if t != "" {
			n++
		}
	}
	return n
}
