package app

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/ciobridge/ciobridge/emulator/exchange"
	"github.com/ciobridge/ciobridge/emulator/workspace"
)

// thing finds the object that the path names, by its type and id, or by the id that Customer.io gave it.
func (q *query) thing() (o workspace.Object, wrong exchange.Answer) {
	kind, id := q.args[0], q.args[1]
	byCio := q.values.Get("id_type") == "cio_object_id"
	for _, o := range q.w.Objects() {
		if o.ObjectTypeID == kind && (byCio && o.CioObjectID == id || !byCio && o.ObjectID == id) {
			return o, wrong
		}
	}
	return o, q.missing()
}

func idsOf(o workspace.Object) object {
	return object{"object_type_id": o.ObjectTypeID, "object_id": o.ObjectID, "cio_object_id": o.CioObjectID}
}

// objectIdentifiers are those of an object that a relationship names, such as object/1:acme.
func objectIdentifiers(q *query, named string) object {
	kind, id, _ := strings.Cut(strings.TrimPrefix(named, "object/"), ":")
	for _, o := range q.w.Objects() {
		if o.ObjectTypeID == kind && o.ObjectID == id {
			return idsOf(o)
		}
	}
	return object{"object_type_id": kind, "object_id": id}
}

func objectAttributes(q *query) exchange.Answer {
	o, wrong := q.thing()
	if wrong.Status != 0 {
		return wrong
	}
	attributes := map[string]string{}
	for k, v := range o.Attributes {
		attributes[k] = plain(v)
	}
	return ok(object{"object": object{"identifiers": idsOf(o), "attributes": attributes}})
}

func objectRelationships(q *query) exchange.Answer {
	o, wrong := q.thing()
	if wrong.Status != 0 {
		return wrong
	}
	named := "object/" + o.ObjectTypeID + ":" + o.ObjectID
	relations := []object{}
	for _, p := range q.w.People() {
		if attributes, related := p.Relationships[named]; related {
			relations = append(relations, object{
				"identifiers": identifiersOf(p), "relationship_attributes": attributes,
			})
		}
	}
	part, next, good := page(q, relations, 10, 100)
	if !good {
		return q.badPage()
	}
	return ok(object{"cio_relationships": part, "next": next})
}

// findObjects lists the objects of a type that meet a filter of attributes.
func findObjects(q *query) exchange.Answer {
	kind := text(q.members()["object_type_id"])
	if kind == "" {
		return q.fail(http.StatusBadRequest, "object_type_id is required")
	}
	matches, err := filter(objectFilter(q.members()["filter"]))
	if err != nil {
		return q.fail(http.StatusBadRequest, err.Error())
	}
	var found []workspace.Object
	for _, o := range q.w.Objects() {
		if o.ObjectTypeID == kind && matches(workspace.Person{Attributes: o.Attributes}) {
			found = append(found, o)
		}
	}
	part, next, good := page(q, found, 50, 1000)
	if !good {
		return q.badPage()
	}
	names, ids := []object{}, []string{}
	for _, o := range part {
		names, ids = append(names, idsOf(o)), append(ids, o.ObjectID)
	}
	return ok(object{"identifiers": names, "ids": ids, "next": next})
}

// objectFilter turns the leaves object_attribute, as filters of objects have them, into those of people.
func objectFilter(v any) any {
	switch v := v.(type) {
	case object:
		out := object{}
		for k, inner := range v {
			if k == "object_attribute" {
				k = "attribute"
			}
			out[k] = objectFilter(inner)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, inner := range v {
			out[i] = objectFilter(inner)
		}
		return out
	}
	return v
}

// objectTypes lists the types of which there are objects.
func objectTypes(q *query) exchange.Answer {
	kinds := map[string]bool{}
	for _, o := range q.w.Objects() {
		kinds[o.ObjectTypeID] = true
	}
	types := []object{}
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		types = append(types, object{"id": kind, "name": "Type " + kind, "enabled": true})
	}
	return ok(object{"types": types})
}
