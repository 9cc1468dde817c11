package app

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/ciobridge/ciobridge/emulator/exchange"
	"github.com/ciobridge/ciobridge/emulator/workspace"
)

// person finds the one whom the path names, as id_type says.
func (q *query) person() (p workspace.Person, wrong exchange.Answer) {
	return q.named(q.args[0], q.values.Get("id_type"))
}

func (q *query) named(value, kind string) (p workspace.Person, wrong exchange.Answer) {
	switch kind {
	case "":
		kind = "id"
	case "id", "email", "phone":
	case "cio_id":
		value = strings.TrimPrefix(value, "cio_")
	default:
		return p, q.fail(http.StatusBadRequest, "id_type must be one of id, email, phone or cio_id")
	}
	p, found := q.w.Person(workspace.Named(kind, value))
	if !found {
		return p, q.missing()
	}
	return p, wrong
}

// identifiers are those of a person, in the form of most answers.
func identifiers(id, email, cioID string) object {
	return object{"id": orNull(id), "email": orNull(email), "cio_id": cioID}
}

func identifiersOf(p workspace.Person) object { return identifiers(p.ID, p.Email, p.CioID) }

// list names people as the answers of searches do.
func list(people []workspace.Person, next string) object {
	names, ids := []object{}, []string{}
	for _, p := range people {
		names, ids = append(names, identifiersOf(p)), append(ids, p.ID)
	}
	return object{"identifiers": names, "ids": ids, "next": next}
}

func customersByEmail(q *query) exchange.Answer {
	email := q.values.Get("email")
	if email == "" {
		return q.fail(http.StatusBadRequest, "email is required")
	}
	results := []object{}
	if p, found := q.w.Person(workspace.Named("email", email)); found {
		results = append(results, identifiersOf(p))
	}
	return ok(object{"results": results})
}

func searchCustomers(q *query) exchange.Answer {
	matches, err := filter(q.members()["filter"])
	if err != nil {
		return q.fail(http.StatusBadRequest, err.Error())
	}
	var found []workspace.Person
	for _, p := range q.w.Known() {
		if matches(p) {
			found = append(found, p)
		}
	}
	part, next, good := page(q, found, 50, 1000)
	if !good {
		return q.badPage()
	}
	return ok(list(part, next))
}

// customersAttributes shows up to 100 people by their ids. Those who are unknown are left out.
func customersAttributes(q *query) exchange.Answer {
	ids, isList := q.members()["ids"].([]any)
	if !isList || len(ids) == 0 || len(ids) > 100 {
		return q.fail(http.StatusBadRequest, "ids must be an array of 1 to 100 strings")
	}
	customers := []object{}
	for _, id := range ids {
		if p, found := q.w.Person(workspace.Named("id", text(id))); found {
			customers = append(customers, customer(p))
		}
	}
	return ok(object{"customers": customers})
}

func customerAttributes(q *query) exchange.Answer {
	p, wrong := q.person()
	if wrong.Status != 0 {
		return wrong
	}
	return ok(object{"customer": customer(p)})
}

// customer is a person as the API shows one: attributes are text, whatever they were.
func customer(p workspace.Person) object {
	attributes, times := map[string]string{"cio_id": p.CioID}, map[string]int64{}
	for k, v := range p.Attributes {
		attributes[k] = plain(v)
		times[k] = p.Edited
	}
	for k, v := range map[string]string{"id": p.ID, "email": p.Email, "phone": p.Phone} {
		if v != "" {
			attributes[k] = v
		}
	}
	devices := []object{}
	for _, token := range slices.Sorted(maps.Keys(p.Devices)) {
		devices = append(devices, device(token, p.Devices[token]))
	}
	return object{
		"id": p.ID, "identifiers": identifiersOf(p), "attributes": attributes, "timestamps": times,
		"unsubscribed": unsubscribed(p), "devices": devices,
	}
}

// unsubscribed reads the attribute as Customer.io does: any spelling of true, and 1.
func unsubscribed(p workspace.Person) bool {
	v := plain(p.Attributes["unsubscribed"])
	return strings.EqualFold(v, "true") || v == "1"
}

// device is one device, by whichever API it came.
func device(token string, raw json.RawMessage) object {
	var d struct {
		Platform, Type string
		LastUsed       any `json:"last_used"`
		Attributes     map[string]any
	}
	_ = json.Unmarshal(raw, &d) // what is of another kind is left out
	if d.Platform == "" {
		d.Platform = d.Type
	}
	return object{"id": token, "platform": d.Platform, "last_used": d.LastUsed, "attributes": d.Attributes}
}

func customerSegments(q *query) exchange.Answer {
	p, wrong := q.person()
	if wrong.Status != 0 {
		return wrong
	}
	segments := []object{}
	for _, id := range p.Segments {
		if r, found := q.w.Records(workspace.Segments).Get(id); found {
			segments = append(segments, segment(r))
		}
	}
	return ok(object{"segments": segments})
}

func customerRelationships(q *query) exchange.Answer {
	p, wrong := q.person()
	if wrong.Status != 0 {
		return wrong
	}
	relations := []object{}
	for _, named := range slices.Sorted(maps.Keys(p.Relationships)) {
		relations = append(relations, object{
			"identifiers": objectIdentifiers(q, named), "relationship_attributes": p.Relationships[named],
		})
	}
	part, next, good := page(q, relations, 10, 100)
	if !good {
		return q.badPage()
	}
	names := []any{}
	for _, r := range part {
		names = append(names, r["identifiers"])
	}
	return ok(object{"cio_relationships": part, "relationships": part, "identifiers": names, "next": next})
}

// customerPreferences tells which subscription topics a person has.
func customerPreferences(q *query) exchange.Answer {
	p, wrong := q.person()
	if wrong.Status != 0 {
		return wrong
	}
	given := preferences(p)
	topics := []object{}
	for _, name := range topicNames(given, p) {
		subscribed, chosen := given[name]
		if dotted, one := p.Attributes["cio_subscription_preferences.topics."+name]; one {
			subscribed, chosen = plain(dotted) == "true", true
		}
		id, _ := strconv.Atoi(strings.TrimPrefix(name, "topic_"))
		topics = append(topics, object{
			"id": id, "identifier": name, "name": "Topic " + strconv.Itoa(id), "subscribed": subscribed || !chosen,
		})
	}
	return ok(object{"customer": object{
		"id": p.ID, "identifiers": identifiersOf(p), "topics": topics, "unsubscribed": unsubscribed(p),
	}})
}

func preferences(p workspace.Person) map[string]bool {
	var given struct{ Topics map[string]bool }
	_ = json.Unmarshal(p.Attributes["cio_subscription_preferences"], &given) // none where it is of another kind
	return given.Topics
}

// topicNames are the topics that exist: those that somebody's preferences name.
func topicNames(given map[string]bool, p workspace.Person) []string {
	names := map[string]bool{}
	for name := range given {
		names[name] = true
	}
	for key := range p.Attributes {
		if name, dotted := strings.CutPrefix(key, "cio_subscription_preferences.topics."); dotted {
			names[name] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}
