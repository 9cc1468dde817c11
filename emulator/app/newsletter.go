package app

import (
	"net/http"
	"slices"
	"strings"

	"github.com/ciobridge/ciobridge/emulator/exchange"
	"github.com/ciobridge/ciobridge/emulator/workspace"
)

const newsletters = "newsletters"

func createNewsletter(q *query) exchange.Answer {
	r := q.newsletter("")
	q.change(r)
	q.w.Records(newsletters).Add(r)
	return ok(object{"newsletter": stamp(r)})
}

func (q *query) newsletter(name string) workspace.Record {
	at := q.now.Unix()
	return workspace.Record{
		"name": name, "type": "email", "sent_at": nil, "scheduled_at": nil, "recipient_segment_ids": []any{},
		"content_ids": []int{1}, "subscription_topic_id": nil, "created": at, "updated": at,
	}
}

func deleteNewsletter(q *query) exchange.Answer {
	if !q.w.Records(newsletters).Delete(q.args[0]) {
		return q.missing()
	}
	return done
}

// sendNewsletter sends to the people of the segments that the newsletter has, each once.
func sendNewsletter(q *query, r workspace.Record) exchange.Answer {
	if r["sent_at"] != nil {
		return q.fail(http.StatusUnprocessableEntity, "the newsletter was sent already")
	}
	q.change(r)
	r["sent_at"] = q.now.Unix()
	segments, _ := r["recipient_segment_ids"].([]any)
	for _, p := range q.w.Known() {
		if !slices.ContainsFunc(segments, func(id any) bool { return slices.Contains(p.Segments, text(id)) }) {
			continue
		}
		q.w.Send(workspace.Delivery{
			Channel: text(r["type"]), Source: source(newsletters, q.args[0]), Subject: text(r["subject"]), Body: q.raw,
		}, workspace.Named("cio_id", p.CioID), q.now)
	}
	return ok(object{"newsletter": stamp(r)})
}

// scheduleNewsletter notes when a newsletter is to be sent. The emulator does not wait for the time.
func scheduleNewsletter(q *query, r workspace.Record) exchange.Answer {
	q.change(r)
	if at, given := q.members()["scheduled_at"]; given {
		r["scheduled_at"] = at
	}
	return ok(object{"newsletter": stamp(r)})
}

// changes makes an endpoint that does something with a newsletter.
func changes(action string, serve func(q *query, r workspace.Record) exchange.Answer) endpoint {
	e := within(newsletters, serve)
	e.kind, e.action = "newsletter", action
	return e
}

// languagesOf are the variants of a newsletter, or of a test group of it.
func languagesOf(q *query) string {
	return newsletters + "/" + strings.Join(q.args[:len(q.args)-1], "/test_group/") + "/language"
}

// createLanguage makes a variant in the language that the body names.
func createLanguage(q *query, _ workspace.Record) exchange.Answer {
	tag := q.text("language")
	if tag == "" {
		return q.fail(http.StatusBadRequest, "language is required")
	}
	records := q.w.Records(newsletters + "/" + strings.Join(q.args, "/test_group/") + "/language")
	if _, is := records.Get(tag); is {
		return q.fail(http.StatusUnprocessableEntity, "the newsletter has this language already")
	}
	r := q.content("variant " + tag)
	q.change(r)
	records.Put(tag, r)
	return ok(object{"content": stamp(r)})
}

func testGroups(q *query) *workspace.Records {
	return q.w.Records(newsletters + "/" + q.args[0] + "/test_groups")
}

func listTestGroups(q *query, _ workspace.Record) exchange.Answer {
	out := []object{}
	for _, r := range testGroups(q).All() {
		out = append(out, r)
	}
	return ok(object{"test_groups": out})
}

func createTestGroup(q *query, r workspace.Record) exchange.Answer {
	testGroups(q).Add(workspace.Record{"content_ids": []int{1}})
	return ok(object{"newsletter": stamp(r)})
}
