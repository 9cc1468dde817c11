package app

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/ciobridge/ciobridge/emulator/exchange"
	"github.com/ciobridge/ciobridge/emulator/workspace"
)

// query is a request with what it needs to be answered.
type query struct {
	w      *workspace.Workspace
	c      *workspace.Call
	now    time.Time
	args   []string // the segments of the path that stand for the stars of the route
	values url.Values
	body   any // nil where there is none

	raw, contentType string
	base             string // where the emulator was asked, as a URL without a path
}

// refuse finds something wrong before the workspace is asked.
func (q *query) refuse(why string) { q.c.Refuse(workspace.Invalid, "", why) }

func ok(v any) exchange.Answer { return reply(http.StatusOK, v) }

var done = exchange.Answer{Status: http.StatusNoContent}

// fail answers that the request cannot be met.
func (q *query) fail(status int, detail string) exchange.Answer {
	q.c.Refuse(workspace.Invalid, "", detail)
	return Error(status, detail)
}

func (q *query) missing() exchange.Answer {
	return q.fail(http.StatusNotFound, "not found (reference emulator)")
}

// members are those of the body, if it is an object.
func (q *query) members() object {
	m, _ := q.body.(object)
	return m
}

// text gives a member of the body that is text and not empty.
func (q *query) text(name string) string {
	s, _ := q.members()[name].(string)
	return s
}

// needs refuses a body that is no object, or lacks a member.
func needs(names ...string) func(*query) {
	return func(q *query) {
		if q.members() == nil {
			q.refuse("body must be an object")
			return
		}
		for _, name := range names {
			if v, ok := q.members()[name]; !ok || v == nil || v == "" {
				q.refuse(name + " is required")
			}
		}
	}
}

// whole reads a whole number of the query string, and gives otherwise where there is none.
func (q *query) whole(name string, otherwise int) (int, bool) {
	if q.values.Get(name) == "" {
		return otherwise, true
	}
	n, err := strconv.Atoi(q.values.Get(name))
	return n, err == nil
}

// page divides a list: the part from start on, and the start of the next part, which is empty at the end.
func page[T any](q *query, list []T, usual, most int) (part []T, next string, good bool) {
	start, ok := q.whole("start", 0)
	limit, ok2 := q.whole("limit", usual)
	if !ok || !ok2 || start < 0 || limit < 1 {
		return nil, "", false
	}
	limit = min(limit, most)
	start = min(start, len(list))
	end := min(start+limit, len(list))
	if end < len(list) {
		next = strconv.Itoa(end)
	}
	return append([]T{}, list[start:end]...), next, true
}

func (q *query) badPage() exchange.Answer {
	return q.fail(http.StatusBadRequest, "start must be the next of the page before, and limit a whole number from 1")
}

// plain gives a JSON value as the text that the App API shows attributes as.
func plain(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	return string(raw)
}

// orNull gives null for an empty text.
func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// stamp adds the times of a record, and its id for de-duplication.
func stamp(r workspace.Record) object {
	out := object{"tags": nil}
	for k, v := range r {
		out[k] = v
	}
	var updated any
	for _, name := range []string{"updated_at", "updated"} {
		if v, ok := r[name]; ok {
			updated = v
		}
	}
	out["deduplicate_id"] = strings.Join([]string{text(r["id"]), text(updated)}, ":")
	return out
}

func text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case json.Number:
		return v.String()
	}
	b, _ := json.Marshal(v)
	return string(b)
}
