package report

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"time"
)

// Counts are what became of the rows of a run.
type Counts struct {
	Rows      int `json:"rows"`      // that the reader told
	Published int `json:"published"` // of a new revision
	Unchanged int `json:"unchanged"` // told before with the same content
	Malformed int `json:"malformed"` // could not be read
	TooLarge  int `json:"too_large"` // larger than the target takes
}

// Plus is both together.
func (c Counts) Plus(other Counts) Counts {
	return Counts{
		Rows: c.Rows + other.Rows, Published: c.Published + other.Published, Unchanged: c.Unchanged + other.Unchanged,
		Malformed: c.Malformed + other.Malformed, TooLarge: c.TooLarge + other.TooLarge,
	}
}

// record is what the store holds of the runs of one report and workspace: the last one, and how far runs have come.
type record struct {
	// Scheduled is the last time of the schedule that is done with, or when the report was first seen.
	Scheduled time.Time `json:"scheduled"`
	// Last is the time for which the last finished run of all that there is was scheduled.
	Last time.Time `json:"last,omitzero"`

	// The last run. An open one has to be finished before another one begins.
	Open   bool      `json:"open"`
	At     time.Time `json:"at,omitzero"`
	ByHand bool      `json:"by_hand,omitempty"`
	Window Window    `json:"window,omitzero"`
	Begun  time.Time `json:"begun,omitzero"`
	Ended  time.Time `json:"ended,omitzero"`
	Saved  string    `json:"saved,omitempty"`
	Counts Counts    `json:"counts"`
	// Trouble is why a run has ended that cannot succeed.
	Trouble string `json:"trouble,omitempty"`

	// Place is the target that Position is of. What the run has published stands behind it. From there on the target
	// is read back when the run has been cut short, or if ReadBack says so, since others may have told the same rows.
	Place    string `json:"place,omitempty"`
	Position string `json:"position"`
	ReadBack bool   `json:"read_back,omitempty"`
	// Aside is where, since the last run that told of all, the first began that did not: by hand with its own time,
	// or one that ended in trouble. The next has to look for what those have published.
	Aside *string `json:"aside,omitempty"`
}

// keyOf and prefixOf are where the store holds the record, and what was published.
func keyOf(report, workspace string) string {
	return "run/" + url.PathEscape(report) + "/" + url.PathEscape(workspace)
}

func prefixOf(report, workspace string) string {
	return "rows/" + url.PathEscape(report) + "/" + url.PathEscape(workspace) + "/"
}

// loadRecords reads all records, by their keys.
func loadRecords(ctx context.Context, store Store) (map[string]record, error) {
	records := map[string]record{}
	err := store.Load(ctx, "run/", func(key string, value []byte) error {
		var r record
		if err := json.Unmarshal(value, &r); err != nil {
			return fmt.Errorf("what stands under %s in the %s: %w", key, store.Place(), err)
		}
		records[key] = r
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("load the last runs: %w", err)
	}
	return records, nil
}

// put stores a record.
func (r *record) put(ctx context.Context, store Store, report, workspace string) error {
	text, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("store the run: %w", err)
	}
	if err := store.Put(ctx, keyOf(report, workspace), text); err != nil {
		return fmt.Errorf("store the run: %w", err)
	}
	return nil
}

// begin makes the record that of a new run. What is published before position is known.
func (r *record) begin(at time.Time, hand *Hand, restated bool, place, position string) {
	if r.Place != place {
		r.Aside = nil
	}
	r.Open, r.At, r.Begun, r.Ended = true, at, time.Now().UTC(), time.Time{}
	r.Saved, r.Trouble, r.Counts = "", "", Counts{}
	r.Place, r.Position, r.ReadBack = place, position, false
	r.ByHand, r.Window = hand != nil, Window{}
	if hand != nil {
		r.Window = hand.Window
	}
	switch {
	case restated: // all that was told is known
	case r.aside():
		if r.Aside == nil {
			r.Aside = &position
		}
		r.Position, r.ReadBack = "", true
	case r.Aside != nil:
		r.Position, r.ReadBack = *r.Aside, true
	}
}

// isAhead reports whether the record is from a clock that was wrong.
func (r *record) isAhead(now time.Time) bool { return r.Scheduled.After(now.Add(farAhead)) }

// correct makes the schedule of such a record go on from now. Until when the last run told of what happened is not
// known: the next goes back further than it may have to, and looks for what is published already.
func (r *record) correct(now time.Time) {
	r.Scheduled = now
	if !r.Open && r.At.After(now) {
		r.At = now
	}
	if r.Last.After(now) {
		all := ""
		r.Last, r.Aside = now.Add(-farAhead), &all
	}
}

// aside reports whether the run tells of a time that somebody has asked for.
func (r *record) aside() bool { return r.Window != Window{} }

// end closes the run.
func (r *record) end(c Counts) {
	r.Open, r.Ended, r.Counts, r.Saved = false, time.Now().UTC(), c, ""
	if r.aside() {
		return
	}
	switch {
	case r.Trouble == "":
		r.Last, r.Aside = r.At, nil
	case r.Aside == nil: // the next one tells of the same time
		position := r.Position
		r.Aside = &position
	}
	if r.At.After(r.Scheduled) {
		r.Scheduled = r.At
	}
}
