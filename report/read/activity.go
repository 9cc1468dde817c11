package read

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/mistake"
	"github.com/ciobridge/ciobridge/report"
)

// failures are the types of activities that tell of calls without an effect, and objectFailures those of objects and
// relationships, which have the number of the type of the objects in them.
var (
	failures = []string{
		"failed_attribute_change", "relationship_failed_attribute_change", "failed_event", "failed_batch_update",
		"skipped_update",
	}
	objectFailures = []string{"_o:%d:failed_attribute_change", "_r:%d:failed_attribute_change"}
)

const (
	// history is how long Customer.io keeps activities for certain.
	history = 30 * 24 * time.Hour
	// day is how far back the first run of a list goes where nothing is said.
	day = 24 * time.Hour
	// delay is how old an activity must be to be read, so that those which were written at the same time are there.
	delay = time.Minute
)

func checkActivities(p report.Params, l *mistake.List) {
	checkTexts("activities", p.Activities, l)
	checkSince(p.Since, history, l)
}

// readActivities tells of each activity of some types that was written since the last run.
func readActivities(ctx context.Context, j *job) error {
	types := j.params.Activities
	if len(types) == 0 {
		var err error
		if types, err = j.failures(ctx); err != nil {
			return err
		}
	}
	w := j.since(history)
	if j.Request.Window == (report.Window{}) {
		w.End = w.End.Add(-delay)
		if !j.Last.IsZero() {
			w.Start = w.Start.Add(-delay)
		}
	}
	for _, name := range types {
		if err := j.readActivity(ctx, name, w); err != nil {
			return err
		}
	}
	return nil
}

// failures are the types of all failures, those of the workspace's own types of objects among them.
func (j *job) failures(ctx context.Context) ([]string, error) {
	const doing = "list the types of objects"
	types := failures[:len(failures):len(failures)]
	raw, err := j.get(ctx, doing, "/v1/object_types")
	if forbidden(err) || missing(err) {
		return types, nil // a workspace without objects
	} else if err != nil {
		return nil, err
	}
	page, err := decode(doing, raw)
	if err != nil {
		return nil, err
	}
	err = page.list(doing, "types", func(t object) error {
		if n, is := t.number("id"); is {
			for _, format := range objectFailures {
				types = append(types, fmt.Sprintf(format, n))
			}
		}
		return nil
	})
	return types, err
}

// readActivity tells of those of one type. The latest come first, so that it ends at those that are too old; where they
// do not, which no document rules out, it reads on.
func (j *job) readActivity(ctx context.Context, name string, w report.Window) error {
	doing := "read the activities of type " + name
	path := "/v1/activities?" + url.Values{"type": {name}, "limit": {"100"}}.Encode()
	var seen recent
	return j.pages(ctx, doing, path, nil, func(page object) (bool, error) {
		seen.turn()
		entries, old := 0, 0
		var first, last time.Time
		err := page.list(doing, "activities", func(a object) error {
			id, at := a.text("id"), written(a)
			if entries++; entries == 1 {
				first = at
			}
			last = at
			switch {
			case id == "":
				return fmt.Errorf("%s: %w", doing, errShape)
			case at.Before(w.Start):
				old++
				return nil
			case !at.Before(w.End), seen.again(id):
				return nil
			}
			return j.row("activity/"+id, report.Window{Start: at, End: at}, a)
		})
		return old < entries || entries == 0 || last.After(first), err
	})
}

// written is when an activity was written. Its id tells: its timestamp may be that of an event of long ago.
func written(a object) time.Time {
	if id, err := event.ParseID(a.text("id")); err == nil {
		return time.UnixMilli(int64(binary.BigEndian.Uint64(id[:8]) >> 16)).UTC()
	}
	at, _ := strconv.ParseInt(a.text("timestamp"), 10, 64)
	return time.Unix(at, 0).UTC()
}

// since is the time that a list of what happened is about: what was asked for by hand, or from the last run on until
// this one. The first goes back as far as the report says, and any at most as far as Customer.io does.
func (j *job) since(most time.Duration) report.Window {
	w, asked := report.Window{Start: j.Last, End: j.At}, j.Request.Window
	if !asked.Start.IsZero() {
		w.Start = asked.Start
	}
	if !asked.End.IsZero() {
		w.End = asked.End
	}
	if w.Start.IsZero() || !w.Start.Before(w.End) {
		w.Start = w.End.Add(-cmp.Or(j.params.Since, day))
	}
	if earliest := j.At.Add(-most); asked.Start.IsZero() && w.Start.Before(earliest) {
		w.Start = earliest
	}
	return report.Window{Start: w.Start.UTC().Truncate(time.Second), End: w.End.UTC().Truncate(time.Second)}
}
