package app

import (
	"slices"
	"strings"

	"github.com/ciobridge/ciobridge/emulator/exchange"
	"github.com/ciobridge/ciobridge/emulator/workspace"
)

// segment is one as the API shows it. The emulator has manual ones only, which need no building.
func segment(r workspace.Record) object {
	out := stamp(r)
	out["state"], out["progress"], out["type"] = "finished", nil, "manual"
	return out
}

func listSegments(q *query) exchange.Answer {
	segments := []object{}
	for _, r := range q.w.Records(workspace.Segments).All() {
		segments = append(segments, segment(r))
	}
	return ok(object{"segments": segments})
}

func checkSegment(q *query) {
	given, _ := q.members()["segment"].(object)
	if name, _ := given["name"].(string); strings.TrimSpace(name) == "" {
		q.refuse("segment.name is required")
	}
}

func createSegment(q *query) exchange.Answer {
	given, _ := q.members()["segment"].(object)
	r := workspace.NewSegment(text(given["name"]), text(given["description"]), q.now)
	q.w.Records(workspace.Segments).Add(r)
	return ok(object{"segment": segment(r)})
}

func (q *query) segment() (r workspace.Record, wrong exchange.Answer) {
	r, found := q.w.Records(workspace.Segments).Get(q.args[0])
	if !found {
		return nil, q.missing()
	}
	return r, wrong
}

func getSegment(q *query) exchange.Answer {
	r, wrong := q.segment()
	if wrong.Status != 0 {
		return wrong
	}
	return ok(object{"segment": segment(r)})
}

func deleteSegment(q *query) exchange.Answer {
	if !q.w.DeleteSegment(q.args[0]) {
		return q.missing()
	}
	return done
}

// members of a segment, in the order in which they came to be people.
func (q *query) membership() (people []workspace.Person) {
	for _, p := range q.w.People() {
		if slices.Contains(p.Segments, q.args[0]) {
			people = append(people, p)
		}
	}
	return people
}

func segmentCount(q *query) exchange.Answer {
	if _, wrong := q.segment(); wrong.Status != 0 {
		return wrong
	}
	return ok(object{"count": len(q.membership())})
}

func segmentMembership(q *query) exchange.Answer {
	if _, wrong := q.segment(); wrong.Status != 0 {
		return wrong
	}
	part, next, good := page(q, q.membership(), 1000, 30_000)
	if !good {
		return q.badPage()
	}
	return ok(list(part, next))
}

// segmentUsedBy tells what uses a segment: newsletters that were made with it.
func segmentUsedBy(q *query) exchange.Answer {
	if _, wrong := q.segment(); wrong.Status != 0 {
		return wrong
	}
	sent, drafts := []any{}, []any{}
	for _, r := range q.w.Records("newsletters").All() {
		ids, _ := r["recipient_segment_ids"].([]any)
		if !slices.ContainsFunc(ids, func(id any) bool { return text(id) == q.args[0] }) {
			continue
		}
		if r["sent_at"] != nil {
			sent = append(sent, r["id"])
		} else {
			drafts = append(drafts, r["id"])
		}
	}
	return ok(object{"used_by": object{
		"campaigns": []any{}, "sent_newsletters": sent, "draft_newsletters": drafts,
	}})
}
