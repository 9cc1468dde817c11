package ruletest

import (
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/event"
)

// shown is a call as a test has it, without what it lacks.
func shown(c *event.Call) any {
	v := view(c)
	if m, ok := v.(map[string]any); ok {
		if c.Step.Workspace != "" {
			m["workspace"] = c.Step.Workspace
		}
		maps.DeleteFunc(m, func(_ string, value any) bool { return value == nil })
	}
	return v
}

// view shows a call as rules write it, so that tests speak the language of rules.
func view(c *event.Call) any {
	if c.Single != nil && c.Single.Raw != nil {
		return request(c)
	}
	op, body := customerio.ParseAction(c.Step.Action).Operation(), decoded(string(c.Body))
	item, ok := body.(map[string]any)
	switch {
	case op.Shared:
		item = map[string]any{listed: body}
	case !ok:
		return nil
	}
	v := &viewer{call: c, item: item, out: map[string]any{}, moved: c.Single != nil && op.Path == ""}
	if item["timestamp"] != nil {
		v.out["timestamp"] = item["timestamp"]
	}
	for i := range op.Fields {
		f := &op.Fields[i]
		if f.Kind == customerio.PersonField && v.moved {
			continue // a request for a call that is too large for a batch names the person elsewhere
		}
		v.field(op, f)
	}
	return v.out
}

// listed is where a viewer has a call that is one element of a list.
const listed = "element"

// request shows a request of one's own as it is sent.
func request(c *event.Call) any {
	headers := map[string]any{}
	for name, values := range c.Single.Raw.Header {
		headers[name] = strings.Join(values, ", ")
	}
	out := map[string]any{"method": c.Single.Method, "path": c.Single.Path, "headers": headers}
	if json.Valid(c.Body) {
		out["body"] = decoded(string(c.Body))
	} else if len(c.Body) > 0 {
		out["body"] = string(c.Body)
	}
	return out
}

type viewer struct {
	call  *event.Call
	item  map[string]any // the call's body
	out   map[string]any
	moved bool // an event that is too large for a batch, whose data has another name
}

func (v *viewer) field(op *customerio.Operation, f *customerio.Field) {
	within := v.within(f)
	switch f.Kind {
	case customerio.PersonField, customerio.OtherPersonField:
		v.out[f.Key] = person(f, within)
	case customerio.NameField:
		v.out[f.Key] = v.item["name"]
	case customerio.AttributesField, customerio.DataField:
		v.out[f.Key] = v.values(op, f, within)
	case customerio.RemovalsField:
		values, _ := v.item["attributes"].(map[string]any)
		if removed := takeRemovals(values); len(removed) > 0 {
			v.out[f.Key] = removed
		}
	case customerio.ObjectField:
		v.out[f.Key] = object(within)
	case customerio.RelationshipsField:
		v.out[f.Key] = relationships(f, v.item[f.Member()])
	case customerio.TopicsField:
		v.out[f.Key] = topics(v.item["attributes"])
	case customerio.UpdateOnlyField:
		values, _ := v.item["attributes"].(map[string]any)
		v.out[f.Key] = values["_update"]
	case customerio.ValueField:
		if f.InPath {
			v.out[f.Key] = inPath(op.Path, v.call.Single.Path)
		} else {
			v.out[f.Key] = within[f.Member()]
		}
	}
}

// within is the object in which a field stands.
func (v *viewer) within(f *customerio.Field) map[string]any {
	if f.Within() == "" {
		return v.item
	}
	object, _ := v.item[f.Within()].(map[string]any)
	return object
}

// values are the attributes or the data, without what names the person beside them.
func (v *viewer) values(op *customerio.Operation, f *customerio.Field, within map[string]any) any {
	switch {
	case v.moved:
		return v.item["data"]
	case f.Member() != "":
		return within[f.Member()]
	}
	values := maps.Clone(within)
	who := op.Field(customerio.PersonField)
	for _, name := range append(who.IdentifierNames(), who.Member()) {
		if name == who.Member() || who.Member() == "" {
			delete(values, name)
		}
	}
	return values
}

// person shows who a call is about. An id is shown as rules mostly write it, without its kind.
func person(f *customerio.Field, within map[string]any) any {
	if f.Listed {
		return within[listed]
	}
	if f.Member() != "" {
		return within[f.Member()]
	}
	who := map[string]any{}
	for _, name := range f.IdentifierNames() {
		if within[name] != nil {
			who[name] = within[name]
		}
	}
	return shortPerson(who)
}

// shortPerson shows an id as rules mostly write it, without its kind.
func shortPerson(identifiers any) any {
	if who, ok := identifiers.(map[string]any); ok && len(who) == 1 && who["id"] != nil {
		return who["id"]
	}
	return identifiers
}

func object(identifiers any) any {
	names, _ := identifiers.(map[string]any)
	if names["cio_object_id"] != nil {
		return names
	}
	return map[string]any{"type": names["object_type_id"], "id": names["object_id"]}
}

func relationships(f *customerio.Field, list any) any {
	all, ok := list.([]any)
	if !ok {
		return list
	}
	out := make([]any, len(all))
	for i := range all {
		one, _ := all[i].(map[string]any)
		shown := map[string]any{}
		if len(f.Identifiers) > 0 {
			shown["person"] = shortPerson(one["identifiers"])
		} else {
			shown["object"] = object(one["identifiers"])
		}
		if one["relationship_attributes"] != nil {
			shown["attributes"] = one["relationship_attributes"]
		}
		out[i] = shown
	}
	return out
}

func topics(attributes any) any {
	values, _ := attributes.(map[string]any)
	out := map[string]any{}
	for name, value := range values {
		if topic, ok := strings.CutPrefix(name, customerio.TopicName("")); ok {
			out[topic] = value
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

// inPath is the value that stands in a path in the place of {}.
func inPath(template, path string) any {
	before, after, _ := strings.Cut(template, "{}")
	after, _, _ = strings.Cut(after, "?")
	path, _, _ = strings.Cut(strings.TrimPrefix(path, before), "?")
	value, err := url.PathUnescape(strings.TrimSuffix(path, after))
	if err != nil {
		return path
	}
	return value
}

// takeRemovals takes the attributes that a call erases from those that it sets.
func takeRemovals(attributes map[string]any) (removed []any) {
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		if attributes[name] == nil {
			removed = append(removed, name)
			delete(attributes, name)
		}
	}
	return removed
}
