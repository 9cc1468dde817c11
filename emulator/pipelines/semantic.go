package pipelines

import (
	"slices"

	"github.com/ciobridge/ciobridge/emulator/jsondoc"
	"github.com/ciobridge/ciobridge/emulator/workspace"
)

// semantic are the events that stand for operations: Pipelines has no endpoints for those.
var semantic map[string]func(message)

func init() {
	semantic = map[string]func(message){
		"User Deleted":              known("delete"),
		"User Suppressed":           known("suppress"),
		"User Unsuppressed":         known("unsuppress"),
		"Device Created or Updated": func(m message) { m.device("add_device") },
		"Device Deleted":            func(m message) { m.device("delete_device") },
		"Relationship Deleted":      message.unrelate,
		"Object Deleted":            message.deleteObject,
		"Report Delivery Event":     message.report,
		"Report Content Event":      message.content,
	}
}

// known makes an operation on the person whom userId names.
func known(action string) func(message) {
	return func(m message) {
		m.Action, m.Name, m.Attributes = action, "", jsondoc.None
		if m.user.Kind == "" {
			m.Refuse(workspace.Required, "userId", "is required")
		}
	}
}

func (m message) device(action string) {
	known(action)(m)
	device := jsondoc.None
	if context := m.object("context"); context != jsondoc.None {
		device, _ = m.member(context, "device")
	}
	if device == jsondoc.None || m.d.Nodes[device].Kind != jsondoc.Object {
		m.Refuse(workspace.Required, "context.device", "must be an object")
		return
	}
	m.Device, m.Name = device, m.textOf(device, "token", "context.device.token")
	if m.Name == "" {
		m.Refuse(workspace.Required, "context.device.token", "must be a string and cannot be blank")
	}
	if typ := m.textOf(device, "type", "context.device.type"); action == "add_device" && typ != "ios" &&
		typ != "android" {
		m.Refuse(workspace.Invalid, "context.device.type", "must be one of android or ios")
	}
}

// property reads a member of the properties.
func (m *message) property(name string) string {
	if m.Attributes == jsondoc.None {
		return ""
	}
	return m.textOf(m.Attributes, name, "properties."+name)
}

func (m *message) propertyObject() workspace.Identifier {
	id := m.property("objectId")
	if id == "" {
		m.Refuse(workspace.Required, "properties.objectId", "must be a string and cannot be blank")
	}
	return m.objectOf(id, m.property("objectTypeId"))
}

func (m message) unrelate() {
	if m.user.Kind == "" {
		m.Refuse(workspace.Required, "userId", "is required")
	}
	m.Type, m.Action, m.Name, m.Other, m.Unrelate = "object", "delete_relationships", "", m.user, true
	m.Who = m.propertyObject()
	m.Attributes = jsondoc.None
}

func (m message) deleteObject() {
	m.Type, m.Action, m.Name = "object", "delete", ""
	m.Who = m.propertyObject()
	m.Attributes = jsondoc.None
}

func (m message) report() {
	m.Type, m.Action = "delivery", "event"
	m.Who, m.Name = workspace.Named("delivery", m.property("deliveryId")), m.property("metric")
	m.Href = m.property("href")
	if m.Who.Value == "" {
		m.Refuse(workspace.Required, "properties.deliveryId", "must be a string and cannot be blank")
	}
	if !slices.Contains([]string{"clicked", "converted", "delivered", "opened"}, m.Name) {
		m.Refuse(workspace.Invalid, "properties.metric", "must be one of clicked, converted, delivered or opened")
	}
}

// content records that a visitor saw or clicked an anonymous message. The documentation requires activityType and
// describes actionType, so either is taken.
func (m message) content() {
	action := m.property("actionType")
	if action == "" {
		action = m.property("activityType")
	}
	if action != "viewed_content" && action != "clicked_content" {
		m.Refuse(workspace.Invalid, "properties.actionType", "must be one of clicked_content or viewed_content")
	}
	m.Action, m.Name = "event", action
	m.somebody()
}
