package track

import (
	"slices"
	"strings"

	"github.com/ciobridge/ciobridge/emulator/jsondoc"
	"github.com/ciobridge/ciobridge/emulator/workspace"
)

// field is a member that an operation of Track v2 can have.
type field uint8

const (
	fieldType field = iota
	fieldAction
	fieldIdentifiers
	fieldAttributes
	fieldTimestamp
	fieldRelationships
	fieldName
	fieldID
	fieldDevice
	fieldPrimary
	fieldSecondary
	fieldAnonymousID
	fields
)

var fieldNames = [fields]string{
	"type", "action", "identifiers", "attributes", "timestamp", "cio_relationships", "name", "id", "device", "primary",
	"secondary", "anonymous_id",
}

func set(members ...field) (s uint16) {
	for _, f := range members {
		s |= 1 << f
	}
	return s
}

// operation is what Customer.io documents about one action of one type.
type operation struct {
	required, optional uint16
	check              func(*item)
}

var operations map[string]map[string]operation

var actionLists = map[string]string{}

func init() {
	event := operation{set(fieldIdentifiers, fieldName), set(fieldID, fieldTimestamp, fieldAttributes), (*item).event}
	bare := operation{set(fieldIdentifiers), 0, (*item).person}
	relate := operation{set(fieldIdentifiers, fieldRelationships), 0, (*item).relatePerson}
	relateObject := operation{set(fieldIdentifiers, fieldRelationships), 0, (*item).relateObject}
	operations = map[string]map[string]operation{
		"person": {
			"identify": {set(fieldIdentifiers), set(fieldAttributes, fieldTimestamp, fieldRelationships),
				(*item).identify},
			"delete":               bare,
			"suppress":             bare,
			"unsuppress":           bare,
			"event":                event,
			"page":                 event,
			"screen":               event,
			"viewed_content":       event, // which Segment sends, and no document tells of
			"clicked_content":      event,
			"add_relationships":    relate,
			"delete_relationships": relate,
			"add_device":           {set(fieldIdentifiers, fieldDevice), 0, (*item).addDevice},
			"delete_device":        {set(fieldIdentifiers, fieldDevice), 0, (*item).deleteDevice},
			"merge":                {set(fieldPrimary, fieldSecondary), 0, (*item).merge},
		},
		"object": {
			"identify": {set(fieldIdentifiers), set(fieldAttributes, fieldRelationships),
				(*item).identifyObject},
			"identify_anonymous": {set(fieldIdentifiers), set(fieldAttributes, fieldRelationships,
				fieldAnonymousID), (*item).identifyAnonymous},
			"delete":               {set(fieldIdentifiers), 0, (*item).object},
			"add_relationships":    relateObject,
			"delete_relationships": relateObject,
		},
		"delivery": {
			"event": {set(fieldIdentifiers, fieldName, fieldAttributes), 0, (*item).delivery},
		},
	}
	for typ, actions := range operations {
		var names []string
		for name := range actions {
			if !strings.HasSuffix(name, "_content") { // undocumented: Customer.io's own list would not have it
				names = append(names, name)
			}
		}
		actionLists[typ] = oneOf(names...)
	}
}

// oneOf words a choice as Customer.io's own errors do.
func oneOf(names ...string) string {
	slices.Sort(names)
	if len(names) == 1 {
		return "must be " + names[0]
	}
	return "must be one of " + strings.Join(names[:len(names)-1], ", ") + " or " + names[len(names)-1]
}

// item reads one operation of Track v2 into a call.
type item struct {
	call
	d  *jsondoc.Document
	at [fields]int
}

// readItem reads the operation at node i.
func readItem(d *jsondoc.Document, i int) call {
	it := item{call: newCall(d.Raw(i)), d: d}
	for f := range it.at {
		it.at[f] = none
	}
	it.read(i)
	return it.call
}

func (it *item) read(i int) {
	if len(it.Raw) > maxItemBytes {
		it.Refuse(workspace.Invalid, "", "cannot be longer than 32000 bytes")
		return
	}
	if it.d.Nodes[i].Kind != jsondoc.Object {
		it.Refuse(workspace.Invalid, "", "must be an object")
		return
	}
	var unknown []string
	for m := range it.d.Children(i) {
		key := it.d.Key(m)
		f := slices.Index(fieldNames[:], key)
		if f < 0 {
			unknown = append(unknown, key)
			continue
		}
		it.at[f] = m
	}
	it.Type, it.Action = it.word(fieldType), it.word(fieldAction)
	actions, ok := operations[it.Type]
	if !ok {
		it.Refuse(choice(it.Type), "type", "must be one of delivery, object or person")
		return
	}
	op, ok := actions[it.Action]
	if !ok {
		it.Refuse(choice(it.Action), "action", actionLists[it.Type])
		return
	}
	it.members(op, unknown)
	op.check(it)
}

func choice(given string) string {
	if given == "" {
		return workspace.Required
	}
	return workspace.Invalid
}

// members refuses what is missing, and what the operation does not have: Customer.io would ignore that without a word.
func (it *item) members(op operation, unknown []string) {
	for _, name := range unknown {
		it.Refuse(workspace.Invalid, name, "is not a field of this operation")
	}
	for f := fieldIdentifiers; f < fields; f++ {
		present := it.at[f] != none
		switch {
		case present && (op.required|op.optional)&(1<<f) == 0:
			it.Refuse(workspace.Invalid, fieldNames[f], "is not a field of this operation")
			it.at[f] = none
		case !present && op.required&(1<<f) != 0:
			it.Refuse(workspace.Required, fieldNames[f], "is required")
		}
	}
}

// word gives the text of a member that must be a string, and nothing for any other value.
func (it *item) word(f field) string {
	if m := it.at[f]; m != none && it.d.Nodes[m].Kind == jsondoc.String {
		return it.d.Text(m)
	}
	return ""
}
