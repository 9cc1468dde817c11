package app

import (
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/ciobridge/ciobridge/emulator/exchange"
	"github.com/ciobridge/ciobridge/emulator/workspace"
)

// activities shows the log, latest first.
func activities(q *query) exchange.Answer {
	whose := ""
	if id := q.values.Get("customer_id"); id != "" {
		p, wrong := q.named(id, q.values.Get("id_type"))
		if wrong.Status != 0 {
			return wrong
		}
		whose = p.CioID
	}
	return q.activities(whose)
}

func customerActivities(q *query) exchange.Answer {
	p, wrong := q.person()
	if wrong.Status != 0 {
		return wrong
	}
	return q.activities(p.CioID)
}

// activities are those of one person, or of everybody where whose is empty. The token of a page is the number of its
// last entry, so that what is written meanwhile moves nothing.
func (q *query) activities(whose string) exchange.Answer {
	start, good := q.whole("start", 0)
	limit, good2 := q.whole("limit", 10)
	if !good || !good2 || limit < 1 || start < 0 {
		return q.badPage()
	}
	if limit > 100 {
		return q.fail(http.StatusBadRequest, "limit must be at most 100")
	}
	out, next, last := []object{}, "", 0
	q.w.Activities(start, func(n int, a workspace.Activity) bool {
		switch {
		case whose != "" && a.Person.CioID != whose,
			q.values.Has("type") && q.values.Get("type") != a.Type,
			q.values.Has("name") && q.values.Get("name") != a.Name,
			a.Deleted && q.values.Get("deleted") != "true":
			return true
		}
		if len(out) == limit {
			next = strconv.Itoa(last)
			return false
		}
		last = n
		out = append(out, activity(a))
		return true
	})
	return ok(object{"activities": out, "next": next})
}

func activity(a workspace.Activity) object {
	out := object{
		"id": a.ID, "type": a.Type, "timestamp": a.At, "customer_id": nil, "customer_identifiers": nil,
		"name": a.Name, "delivery_id": a.DeliveryID, "delivery_type": a.DeliveryType, "data": object{},
	}
	if a.Person != (workspace.Ref{}) {
		out["customer_id"] = orNull(a.Person.ID)
		out["customer_identifiers"] = identifiers(a.Person.ID, a.Person.Email, a.Person.CioID)
	}
	if a.Type == "page" {
		out["url"] = a.Name
	}
	if a.Data != "" {
		out["data"] = json.RawMessage(a.Data)
	}
	return out
}
