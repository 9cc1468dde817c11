package app

import (
	"errors"
	"fmt"

	"github.com/ciobridge/ciobridge/emulator/workspace"
)

// filter reads the condition that people must meet: and, or and not of segments and attributes.
func filter(v any) (func(workspace.Person) bool, error) {
	m, isObject := v.(object)
	if !isObject || len(m) != 1 {
		return nil, errors.New("filter must be an object with one of and, or, not, segment or attribute")
	}
	for name, operand := range m {
		switch name {
		case "and", "or":
			return junction(name, operand)
		case "not":
			inner, err := filter(operand)
			if err != nil {
				return nil, err
			}
			return func(p workspace.Person) bool { return !inner(p) }, nil
		case "segment":
			return inSegment(operand)
		case "attribute":
			return hasAttribute(operand)
		}
	}
	return nil, errors.New("filter must be one of and, or, not, segment or attribute")
}

func junction(name string, operand any) (func(workspace.Person) bool, error) {
	parts, isList := operand.([]any)
	if !isList || len(parts) == 0 {
		return nil, fmt.Errorf("%s must be an array of filters", name)
	}
	all := make([]func(workspace.Person) bool, len(parts))
	for i, part := range parts {
		var err error
		if all[i], err = filter(part); err != nil {
			return nil, err
		}
	}
	return func(p workspace.Person) bool {
		for _, f := range all {
			if f(p) != (name == "and") {
				return name == "or"
			}
		}
		return name == "and"
	}, nil
}

func inSegment(operand any) (func(workspace.Person) bool, error) {
	m, _ := operand.(object)
	id := text(m["id"])
	if id == "" {
		return nil, errors.New("segment must have an id")
	}
	return func(p workspace.Person) bool {
		for _, s := range p.Segments {
			if s == id {
				return true
			}
		}
		return false
	}, nil
}

func hasAttribute(operand any) (func(workspace.Person) bool, error) {
	m, _ := operand.(object)
	name, operator := text(m["field"]), text(m["operator"])
	if name == "" || operator != "eq" && operator != "exists" {
		return nil, errors.New("attribute must have a field, and the operator eq or exists")
	}
	if _, given := m["value"]; operator == "eq" && !given {
		return nil, errors.New("attribute must have a value for the operator eq")
	}
	want := text(m["value"])
	return func(p workspace.Person) bool {
		attributes, _ := customer(p)["attributes"].(map[string]string)
		have, is := attributes[name]
		return is && (operator == "exists" || have == want)
	}, nil
}
