package openapitest

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

// validate notes what the schema at a pointer says against a value.
func (c *checker) validate(pointer string, v any, at string) {
	s, err := c.schema(pointer)
	if err != nil {
		c.differ(at, "has no schema", "%v", err)
		return
	}
	err = s.Validate(v)
	var wrong *jsonschema.ValidationError
	if errors.As(err, &wrong) {
		c.note(wrong, at)
	} else if err != nil {
		c.differ(at, "cannot be validated", "%v", err)
	}
	c.names(c.parts(c.at(pointer)), v, at)
}

// names notes the members of a value that none of its schemas names, unless they leave it open.
func (c *checker) names(schemas []object, v any, at string) {
	if elements, ok := v.([]any); ok {
		var of []object
		for _, s := range schemas {
			of = append(of, c.parts(s["items"])...)
		}
		for _, element := range elements {
			c.names(of, element, at+"/*")
		}
	}
	named, open := map[string][]object{}, false
	for _, s := range schemas {
		for name, property := range member(s, "properties") {
			named[name] = append(named[name], c.parts(property)...)
		}
		open = open || s["additionalProperties"] != nil
	}
	for name, inner := range asObject(v) {
		switch _, known := named[name]; {
		case known:
			c.names(named[name], inner, at+"/"+name)
		case !open && len(named) > 0:
			c.differ(at+"/"+name, "is not in the document", "")
		}
	}
}

func (c *checker) note(e *jsonschema.ValidationError, at string) {
	place := at
	for _, part := range e.InstanceLocation {
		if json.Valid([]byte(part)) { // the number of an element
			part = "*"
		}
		place += "/" + part
	}
	var rule string
	switch k := e.ErrorKind.(type) {
	case *kind.OneOf:
		if rule = "no alternative holds"; len(k.Subschemas) > 0 {
			rule = "several alternatives hold"
		}
	case *kind.AnyOf:
		rule = "no alternative holds"
	case *kind.Required:
		rule = "required " + strings.Join(k.Missing, ", ")
	default:
		if len(e.Causes) > 0 {
			for _, cause := range e.Causes {
				c.note(cause, at)
			}
			return
		}
		if rule = fmt.Sprintf("%T", k); len(k.KeywordPath()) > 0 {
			rule = k.KeywordPath()[len(k.KeywordPath())-1]
		}
	}
	c.differ(place, rule, "%+v", e.ErrorKind)
}
