package track

import (
	"strings"
	"unicode/utf8"

	"github.com/oklog/ulid/v2"

	"github.com/ciobridge/ciobridge/emulator/jsondoc"
	"github.com/ciobridge/ciobridge/emulator/workspace"
)

// The checks of Track v2, one for each kind of operation. Each fills the call and refuses what the documentation does
// not allow.

func (it *item) person() {
	it.personNamed(false)
}

func (it *item) personNamed(anonymous bool) {
	if m := it.at[fieldIdentifiers]; m != none {
		it.Who, _ = it.readPerson(it.d, m, "identifiers", anonymous)
	}
}

func (it *item) identify() {
	it.person()
	if m := it.at[fieldTimestamp]; m != none {
		it.Timestamp = it.unixTime(it.d, m, "timestamp")
	}
	if m := it.at[fieldAttributes]; m != none {
		it.readAttributes(it.d, m, "attributes")
	}
	if m := it.at[fieldRelationships]; m != none {
		it.readRelationships(it.d, m, "cio_relationships", it.readObject)
	}
}

func (it *item) event() {
	it.personNamed(true)
	if m := it.at[fieldName]; m != none {
		it.eventName(it.d, m)
	}
	if m := it.at[fieldID]; m != none {
		it.eventID(it.d, m)
	}
	if m := it.at[fieldTimestamp]; m != none {
		it.Timestamp = it.unixTime(it.d, m, "timestamp")
	}
	if m := it.at[fieldAttributes]; m != none && it.d.Nodes[m].Kind != jsondoc.Object {
		it.Refuse(workspace.Invalid, "attributes", "must be an object")
	}
}

// eventName reads the name of an event, page or screen. Customer.io trims names, so the trimmed form is what counts.
// Of the two limits that its list of errors names, 100 bytes and 500 characters, the second is taken for pages and
// screens: a page's name is its URL.
func (c call) eventName(d *jsondoc.Document, m int) {
	if d.Nodes[m].Kind != jsondoc.String {
		c.RefuseAs("event name must not be blank", workspace.Invalid, "name", "must be a string")
		return
	}
	c.Name = strings.TrimSpace(d.Text(m))
	switch {
	case c.Name == "":
		c.RefuseAs("event name must not be blank", workspace.Required, "name", "cannot be blank")
	case c.Action != "event" && utf8.RuneCountInString(c.Name) >= maxPageNameChars:
		c.RefuseAs("event name must be less than 500 characters", workspace.Invalid, "name",
			"must be less than 500 characters")
	case c.Action == "event" && len(c.Name) > maxEventNameBytes:
		c.RefuseAs("event name cannot be longer than 100 bytes", workspace.Invalid, "name",
			"cannot be longer than 100 bytes")
	}
}

// eventID reads the id by which Customer.io knows a repeated event. What it does with an id that is not a ULID is not
// documented and was seen to differ, so the emulator refuses such ids.
func (c call) eventID(d *jsondoc.Document, m int) {
	id, err := ulid.ParseStrict(d.Text(m))
	if d.Nodes[m].Kind != jsondoc.String || err != nil {
		c.Refuse(workspace.Invalid, "id", "must be a ULID")
		return
	}
	c.ID, c.Seen = d.Text(m), id
}

func (it *item) relatePerson() {
	it.person()
	if m := it.at[fieldRelationships]; m != none {
		it.readRelationships(it.d, m, "cio_relationships", it.readObject)
		it.Unrelate = it.Action == "delete_relationships"
	}
}

func (it *item) addDevice() {
	it.person()
	if m := it.at[fieldDevice]; m != none {
		it.readDevice(it.d, m, "token", true)
	}
}

func (it *item) deleteDevice() {
	it.person()
	if m := it.at[fieldDevice]; m != none {
		it.readDevice(it.d, m, "token", false)
	}
}

// readDevice reads a device whose token is the member key: "token" in Track v2, "id" in v1. A device that is added
// needs its platform.
func (c call) readDevice(d *jsondoc.Document, i int, key string, added bool) {
	if d.Nodes[i].Kind != jsondoc.Object {
		c.Refuse(workspace.Invalid, "device", "must be an object")
		return
	}
	c.Device = i
	platform := ""
	for m := range d.Children(i) {
		switch k := d.Key(m); {
		// as clients write what was not given
		case added && (k == "attributes" || k == "last_used") && d.Nodes[m].Kind == jsondoc.Null:
		case k == key && d.Nodes[m].Kind == jsondoc.String:
			c.Name = d.Text(m)
		case k == "platform" && added:
			platform = d.Text(m)
		case k == "last_used" && added:
			c.unixTime(d, m, "device.last_used")
		case k == "attributes" && added:
			if d.Nodes[m].Kind != jsondoc.Object {
				c.Refuse(workspace.Invalid, "device.attributes", "must be an object")
			}
		case k != key:
			c.Refuse(workspace.Invalid, "device."+k, "is not a field of a device")
		}
	}
	if strings.TrimSpace(c.Name) == "" {
		c.Refuse(workspace.Required, "device."+key, "must be a string and cannot be blank")
	}
	if added && platform != "ios" && platform != "android" {
		c.Refuse(choice(platform), "device.platform", "must be one of android or ios")
	}
}

func (it *item) merge() {
	if m := it.at[fieldPrimary]; m != none {
		it.Who, _ = it.readMergeSide(it.d, m, "primary")
	}
	if m := it.at[fieldSecondary]; m != none {
		it.Other, _ = it.readMergeSide(it.d, m, "secondary")
	}
	it.mergeSides()
}

func (c call) readMergeSide(d *jsondoc.Document, i int, field string) (workspace.Identifier, bool) {
	who, ok := c.readPerson(d, i, field, false)
	if ok && who.Kind == "phone" {
		c.Refuse(workspace.Invalid, field+".phone", "must be one of cio_id, email or id")
	}
	return who, ok
}

func (c call) mergeSides() {
	if c.Who.Kind != "" && c.Who == c.Other {
		c.Refuse(workspace.Invalid, "secondary", "cannot be the same as primary")
	}
}

func (it *item) object() {
	if m := it.at[fieldIdentifiers]; m != none {
		it.Who, _ = it.readObject(it.d, m, "identifiers")
	}
}

func (it *item) identifyObject() {
	it.object()
	if m := it.at[fieldAttributes]; m != none {
		it.Attributes = m
		it.objectAttributes(it.d, m, "attributes")
	}
	if m := it.at[fieldRelationships]; m != none {
		it.readRelationships(it.d, m, "cio_relationships", it.readRelatedPerson)
	}
}

func (it *item) relateObject() {
	it.object()
	if m := it.at[fieldRelationships]; m != none {
		it.readRelationships(it.d, m, "cio_relationships", it.readRelatedPerson)
		it.Unrelate = it.Action == "delete_relationships"
	}
}

func (it *item) readRelatedPerson(d *jsondoc.Document, i int, field string) (workspace.Identifier, bool) {
	return it.readPerson(d, i, field, it.Action == "identify_anonymous")
}

// identifyAnonymous relates an object to people known by anonymous_id only. The schema has them in cio_relationships
// and the example at the top, so both are taken.
func (it *item) identifyAnonymous() {
	it.identifyObject()
	m := it.at[fieldAnonymousID]
	if m == none {
		if it.at[fieldRelationships] == none {
			it.Refuse(workspace.Required, "cio_relationships", "is required")
		}
		return
	}
	it.Other = workspace.Named("anonymous_id", it.d.Text(m))
	if message := it.Other.Wrong(); message != "" || it.d.Nodes[m].Kind != jsondoc.String {
		it.Refuse(workspace.Invalid, "anonymous_id", strings.TrimSpace("must be a string "+message))
	}
}

func (it *item) delivery() {
	it.Name = it.word(fieldName)
	if m := it.at[fieldName]; m != none && it.Name != "opened" && it.Name != "converted" && it.Name != "delivered" {
		it.Refuse(choice(it.Name), "name", "must be one of converted, delivered or opened")
	}
	if m := it.at[fieldIdentifiers]; m != none {
		id := it.member(m, "id")
		if id == "" {
			it.Refuse(workspace.Required, "identifiers.id", "must be a string and cannot be blank")
		}
		it.Who = workspace.Named("delivery", id)
	}
	if m := it.at[fieldAttributes]; m != none && it.member(m, "device_token") == "" {
		it.Refuse(workspace.Required, "attributes.device_token", "must be a string and cannot be blank")
	}
}

// member gives the text of a string member of the object at node i, and nothing where there is no such member.
func (it *item) member(i int, key string) string {
	if m := it.d.Member(i, key); m != none && it.d.Nodes[m].Kind == jsondoc.String {
		return it.d.Text(m)
	}
	return ""
}
