package logtest

import (
	"testing"

	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/event"
)

// ScanAll decodes the whole log.
func ScanAll(t *testing.T, log deadletter.Reader) (
	letters []*deadletter.Letter, resolutions []*deadletter.Resolution, foreign int,
) {
	t.Helper()
	err := log.Scan(t.Context(), func(r deadletter.Record) error {
		more, res, err := deadletter.Decode(r)
		switch {
		case err != nil:
			foreign++
		case res == nil:
			letters = append(letters, more...)
		default:
			resolutions = append(resolutions, res)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return letters, resolutions, foreign
}

// Listed returns the identities of the open letters that a filter chooses, in order.
func Listed(t *testing.T, log deadletter.Reader, f deadletter.Filter) []event.ID {
	t.Helper()
	var ids []event.ID
	for l, err := range deadletter.List(t.Context(), log, f) {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, l.ID())
	}
	return ids
}

// ShowOne shows the letter of that identity, of which there is one event.
func ShowOne(t *testing.T, log deadletter.Reader, id event.ID) (deadletter.History, error) {
	t.Helper()
	histories, err := deadletter.Show(t.Context(), log, id)
	if err != nil {
		return deadletter.History{}, err
	}
	if len(histories) != 1 {
		t.Errorf("letter %s is of %d events", id, len(histories))
	}
	return histories[0], nil
}
