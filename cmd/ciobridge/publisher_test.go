package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/ciobridge/ciobridge/internal/retry"
)

// outgoing is an event that a test publishes. No two of a test have the same data.
type outgoing struct {
	subject string
	data    []byte
}

// publishRound stores events, of which no two concern the same person, and returns when the server has them all. On a
// busy machine the connection of a publisher may break, and then nobody knows whether an event was stored. So each
// has an id, by which the server drops what it has already, and what is not acknowledged is published again. Since
// the rounds of a test follow one another, the order of each person's events stays.
func publishRound(t *testing.T, js jetstream.JetStream, events []outgoing) {
	t.Helper()
	patient := retry.Policy{First: 50 * time.Millisecond, Longest: time.Second, Limit: time.Minute}
	err := retry.Do(t.Context(), patient, func(context.Context) error {
		var err error
		events, err = publishOnce(js, events)
		return err
	})
	if err != nil {
		t.Fatalf("%d events are not published: %v", len(events), err)
	}
}

// publishOnce publishes events side by side and returns those that were not acknowledged.
func publishOnce(js jetstream.JetStream, events []outgoing) (missing []outgoing, err error) {
	acks := make([]jetstream.PubAckFuture, len(events))
	errs := make([]error, len(events))
	for i, e := range events {
		sum := sha256.Sum256(e.data)
		acks[i], errs[i] = js.PublishAsync(e.subject, e.data, jetstream.WithMsgID(hex.EncodeToString(sum[:])))
	}
	patience := time.After(20 * time.Second)
	for i, e := range events {
		if errs[i] == nil {
			select {
			case <-acks[i].Ok():
			case errs[i] = <-acks[i].Err():
			case <-patience:
				return append(missing, events[i:]...), errors.New("the server does not answer")
			}
		}
		if errs[i] != nil {
			missing = append(missing, e)
		}
	}
	return missing, errors.Join(errs...)
}
