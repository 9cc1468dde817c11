package app

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"github.com/ciobridge/ciobridge/emulator/exchange"
	"github.com/ciobridge/ciobridge/emulator/workspace"
)

// The documented limits of a broadcast trigger.
const (
	maxTriggerBytes  = 25_000_000
	maxTriggerData   = 50_000
	maxTriggerPeople = 10_000
)

// audiences are the ways to say who gets a broadcast, each with the options that it has.
var audiences = map[string][]string{
	"recipients":    {},
	"ids":           {"id_ignore_missing"},
	"emails":        {"email_ignore_missing", "email_add_duplicates"},
	"per_user_data": {"id_ignore_missing", "email_ignore_missing", "email_add_duplicates"},
	"data_file_url": {"id_ignore_missing", "email_ignore_missing", "email_add_duplicates"},
}

// audience names the one that a trigger has, and is empty for one that goes to whom the broadcast itself has.
func audience(m object) (name string, err error) {
	for candidate := range audiences {
		if _, given := m[candidate]; !given {
			continue
		}
		if name != "" {
			return "", errors.New("only one of recipients, ids, emails, per_user_data and data_file_url can be given")
		}
		name = candidate
	}
	return name, nil
}

func checkTrigger(q *query) {
	q.c.Name, q.c.Who = q.args[0], workspace.Named("broadcast", q.args[0])
	if n, err := strconv.Atoi(q.args[0]); err != nil || n < 1 {
		q.refuse("the broadcast must be a number from 1")
	}
	m := q.members()
	if m == nil && q.body != nil {
		q.refuse("body must be an object")
		return
	}
	name, err := audience(m)
	if err != nil {
		q.refuse(err.Error())
		return
	}
	for key, v := range m {
		switch {
		case key == "data" || key == name:
		case !slices.Contains(audiences[name], key):
			q.refuse(key + " does not go with this audience")
		case v != nil && v != true && v != false:
			q.refuse(key + " must be a boolean")
		}
	}
	if data, given := m["data"]; given && data != nil {
		if _, isObject := data.(object); !isObject {
			q.refuse("data must be an object")
		} else if len(text(data)) > maxTriggerData {
			q.refuse("data cannot be longer than " + strconv.Itoa(maxTriggerData) + " bytes")
		}
	}
	q.checkAudience(name, m[name])
}

func (q *query) checkAudience(name string, v any) {
	entries, isList := v.([]any)
	switch {
	case name == "recipients":
		if m, isObject := v.(object); isObject && len(m) == 0 {
			q.refuse("empty recipients filter is not valid")
		} else if _, err := filter(v); err != nil {
			q.refuse("recipients: " + err.Error())
		}
	case name == "data_file_url":
		if s, isText := v.(string); !isText || s == "" {
			q.refuse("data_file_url must be a URL")
		}
	case name == "":
	case !isList || len(entries) == 0 || len(entries) > maxTriggerPeople:
		q.refuse(fmt.Sprintf("%s must be an array of 1 to %d entries", name, maxTriggerPeople))
	case name == "per_user_data":
		for i, entry := range entries {
			m, _ := entry.(object)
			if (text(m["id"]) == "") == (text(m["email"]) == "") {
				q.refuse(fmt.Sprintf("per_user_data[%d] must have exactly one of id and email", i))
				return
			}
		}
	}
}

// triggers are the records of the triggers of a broadcast.
func (q *query) triggers() *workspace.Records {
	return q.w.Records("broadcasts/" + q.args[0] + "/triggers")
}

// trigger sends a broadcast. One that names somebody who does not exist fails as a whole, unless it says otherwise.
func trigger(q *query) exchange.Answer {
	q.exists("broadcasts", q.args[0])
	people, errs := q.reached()
	r := workspace.Record{
		"broadcast_id": number(q.args[0]), "created_at": q.now.Unix(), "processed_at": q.now.Unix(), "errors": errs,
	}
	id := q.triggers().Add(r)
	q.c.ID = strconv.Itoa(id)
	if len(errs) > 0 {
		q.c.Ignored = "broadcast_failed"
		return ok(object{"id": id})
	}
	source := fmt.Sprintf("broadcast:%s/%d", q.args[0], id)
	for _, who := range people {
		q.w.Send(workspace.Delivery{Channel: "email", Source: source, Body: q.raw}, who, q.now)
	}
	return ok(object{"id": id})
}

// reached lists who gets the broadcast, and what is wrong with the list.
func (q *query) reached() (people []workspace.Identifier, errs []string) {
	m := q.members()
	name, _ := audience(m)
	if name == "recipients" {
		matches, err := filter(m[name])
		if err != nil {
			return nil, []string{err.Error()}
		}
		for _, p := range q.w.Known() {
			if matches(p) {
				people = append(people, workspace.Named("cio_id", p.CioID))
			}
		}
		return people, nil
	}
	entries, _ := m[name].([]any)
	seen := map[workspace.Identifier]bool{}
	for i, entry := range entries {
		who := addressee(name, entry)
		ignoreMissing := m[who.Kind+"_ignore_missing"] == true
		_, found := q.w.Person(who)
		switch {
		case !found && !ignoreMissing:
			errs = append(errs, fmt.Sprintf("line %d: no person with this %s", i+1, who.Kind))
		case found && (!seen[who] || m["email_add_duplicates"] == true):
			people = append(people, who)
		}
		seen[who] = true
	}
	return people, errs
}

func addressee(audience string, entry any) workspace.Identifier {
	kind, value := "id", text(entry)
	switch m, _ := entry.(object); {
	case audience == "emails":
		kind = "email"
	case audience == "per_user_data" && m["email"] != nil:
		kind, value = "email", text(m["email"])
	case audience == "per_user_data":
		value = text(m["id"])
	}
	return workspace.Named(kind, value).Canonical()
}

func number(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}

func triggerOf(r workspace.Record) object {
	return object{"id": r["id"], "broadcast_id": r["broadcast_id"], "created_at": r["created_at"],
		"processed_at": r["processed_at"]}
}

func listTriggers(q *query) exchange.Answer {
	out := []object{}
	for _, r := range q.triggers().All() {
		out = append(out, triggerOf(r))
	}
	return ok(object{"triggers": out})
}

func getTrigger(q *query) exchange.Answer {
	r, found := q.triggers().Get(q.args[1])
	if !found {
		return q.missing()
	}
	return ok(triggerOf(r))
}

func triggerErrors(q *query) exchange.Answer {
	r, found := q.triggers().Get(q.args[1])
	if !found {
		return q.missing()
	}
	errs, _ := r["errors"].([]string)
	part, next, good := page(q, errs, 50, 1000)
	if !good {
		return q.fail(http.StatusBadRequest, "start and limit must be whole numbers")
	}
	return ok(object{"errors": part, "next": number(next)})
}
