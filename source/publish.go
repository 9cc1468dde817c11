package source

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/ciobridge/ciobridge/broker"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/exit"
)

// PublishAtOnce is how many messages at most are given to a Publisher at once.
const PublishAtOnce = 256

// A Publisher stores messages in a broker, in order.
type Publisher interface {
	// Publish returns when all messages are acknowledged.
	Publish(ctx context.Context, messages []event.Message) error
	Close()
}

// A Target is where somebody wants to publish, as the flags of the command say.
type Target struct {
	Topic, Subject, Key string
	Null                bool // a record with a null value
}

// One is the name that a flag gives if it is among the known, or the only one known.
func One(flag, given string, known []string) (string, error) {
	switch {
	case slices.Contains(known, given):
		return given, nil
	case given != "":
		return "", fmt.Errorf("%s %s: the source does not read it; it reads %s", flag, given, strings.Join(known, ", "))
	case len(known) == 1:
		return known[0], nil
	case len(known) == 0:
		return "", fmt.Errorf("%s is missing", flag)
	}
	return "", fmt.Errorf("%s is missing: name one of %s", flag, strings.Join(known, ", "))
}

// Refused reports whether an error of a broker says that it refuses who we are or what we may do, or that a certificate
// is not good.
func Refused(err error) bool { return broker.Refused(err) }

// Unconnected is the error of a connection that could not be opened.
func Unconnected(err error) error {
	return exit.With(exit.Broker, fmt.Errorf("connect to the broker: %w", err))
}
