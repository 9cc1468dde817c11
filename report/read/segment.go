package read

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/ciobridge/ciobridge/internal/choice"
	"github.com/ciobridge/ciobridge/internal/mistake"
	"github.com/ciobridge/ciobridge/internal/retry"
	"github.com/ciobridge/ciobridge/report"
)

// ErrRepeats says that a list does not end, because a token of its pages came a second time.
var ErrRepeats error = &AnswerError{text: "the token of a page came a second time, so that the list would not end"}

// A SegmentError names the segments that a report asks for and that cannot be told.
type SegmentError struct {
	Unknown []string
	Several map[string][]string // ids by the name that they share
	known   []string
}

// Error names each, with what to do.
func (e *SegmentError) Error() string {
	var said []string
	for _, name := range e.Unknown {
		said = append(said, fmt.Sprintf("there is no segment %q%s", name, choice.Near(name, e.known)))
	}
	for _, name := range slices.Sorted(maps.Keys(e.Several)) {
		said = append(said, fmt.Sprintf("%q is the name of %d segments: give one of their ids, %s", name,
			len(e.Several[name]), choice.List(e.Several[name])))
	}
	return strings.Join(said, "; ")
}

func checkSegments(p report.Params, l *mistake.List) {
	checkTexts("segments", p.Segments, l)
	if p.Members && len(p.Segments) == 0 {
		l.Add(at("params.members"), "needs segments: the people of all segments are more than one report should read")
	}
}

// segments gives the segments of the workspace, all or those that are named by name or id.
func (j *job) segments(ctx context.Context, named []string) ([]object, error) {
	const doing = "list the segments"
	var all []object
	err := j.pages(ctx, doing, "/v1/segments", nil, func(page object) (bool, error) {
		return true, page.list(doing, "segments", func(s object) error {
			all = append(all, s)
			return nil
		})
	})
	if err != nil || len(named) == 0 {
		return all, err
	}
	return choose(all, named)
}

// choose finds the segments of some names. An id counts before a name.
func choose(all []object, named []string) (chosen []object, err error) {
	byID, byName := map[string]object{}, map[string][]object{}
	wrong := &SegmentError{Several: map[string][]string{}}
	for _, s := range all {
		byID[s.text("id")] = s
		byName[s.text("name")] = append(byName[s.text("name")], s)
		wrong.known = append(wrong.known, s.text("name"))
	}
	for _, name := range named {
		one, several := byID[name], byName[name]
		if one == nil && len(several) == 1 {
			one = several[0]
		}
		switch {
		case one != nil:
			if !slices.ContainsFunc(chosen, func(s object) bool { return s.text("id") == one.text("id") }) {
				chosen = append(chosen, one)
			}
		case len(several) > 1:
			for _, s := range several {
				wrong.Several[name] = append(wrong.Several[name], s.text("id"))
			}
		default:
			wrong.Unknown = append(wrong.Unknown, name)
		}
	}
	if len(wrong.Unknown)+len(wrong.Several) > 0 {
		return nil, retry.Permanent(wrong)
	}
	return chosen, nil
}

// readSegments tells of each segment how many people are in it, and where that is asked for, who.
func readSegments(ctx context.Context, j *job) error {
	chosen, err := j.segments(ctx, j.params.Segments)
	if err != nil {
		return err
	}
	for _, s := range chosen {
		id := s.text("id")
		doing := "count the people of segment " + id
		raw, err := j.get(ctx, doing, "/v1/segments/"+url.PathEscape(id)+"/customer_count")
		if missing(err) {
			continue // it was deleted meanwhile
		} else if err != nil {
			return err
		}
		count, err := decode(doing, raw)
		if err != nil {
			return err
		}
		if _, is := count.number("count"); !is {
			return fmt.Errorf("%s: %w", doing, errShape)
		}
		row := map[string]any{"segment": s.without("deduplicate_id", "progress"), "count": count["count"]}
		if err := j.row("segment/"+id, j.now(), row); err != nil {
			return err
		}
		if j.params.Members {
			if err := j.readMembers(ctx, s, id); err != nil && !missing(err) {
				return err
			}
		}
	}
	return nil
}

// readMembers tells who is in a segment.
func (j *job) readMembers(ctx context.Context, s object, id string) error {
	doing := "list the people of segment " + id
	about := map[string]json.RawMessage{"id": s["id"], "name": s["name"]}
	path := "/v1/segments/" + url.PathEscape(id) + "/membership?limit=1000"
	var seen recent
	return j.pages(ctx, doing, path, nil, func(page object) (bool, error) {
		seen.turn()
		return true, page.people(doing, func(who object) error {
			if seen.again(personOf(who)) {
				return nil
			}
			return j.row("segment/"+id+"/"+personOf(who), j.now(), map[string]any{"segment": about, "person": who})
		})
	})
}

// people hands on the identifiers of the people on a page, which may have their ids alone.
func (o object) people(doing string, each func(object) error) error {
	if o["identifiers"] != nil {
		return o.list(doing, "identifiers", each)
	}
	var ids []json.RawMessage
	if raw := o["ids"]; raw != nil && json.Unmarshal(raw, &ids) != nil {
		return fmt.Errorf("%s: ids: %w", doing, errShape)
	}
	for _, id := range ids {
		if err := each(object{"id": id}); err != nil {
			return err
		}
	}
	return nil
}

// personOf names a person by the identifier that lasts longest.
func personOf(identifiers object) string {
	for _, name := range []string{"cio_id", "id", "email"} {
		if who := identifiers.text(name); who != "" {
			return "person/" + who
		}
	}
	return "person/"
}
