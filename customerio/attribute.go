package customerio

import (
	"fmt"
	"strings"
)

// AttributeKind is what Customer.io takes an attribute of a person for.
type AttributeKind uint8

const (
	// PlainAttribute has no meaning of its own.
	PlainAttribute AttributeKind = iota
	// IdentifierAttribute names or renames the person.
	IdentifierAttribute
	// TimeAttribute is in unix seconds; any other value would be stored and not treated as a date, or be replaced by
	// now.
	TimeAttribute
	// TruthAttribute is true or false; any other value would be taken for false.
	TruthAttribute
)

// AttributeKindOf tells what Customer.io takes the attribute of a name for.
func AttributeKindOf(name string) AttributeKind {
	switch name {
	case "id", "email", "phone", "anonymous_id":
		return IdentifierAttribute
	case "created_at":
		return TimeAttribute
	case "unsubscribed", "_update":
		return TruthAttribute
	}
	return PlainAttribute
}

// CheckAttributeName says why a call cannot set or remove an attribute of this name, or "" where it can. Customer.io
// would ignore such a name, or take it for something else, without an error.
func CheckAttributeName(name string) string {
	switch {
	case name == "cio_id" || name == "_created_in_customerio_at":
		return "is given by Customer.io and cannot be set"
	case name == "cio_relationships":
		return "is not an attribute: relationships are calls of their own, which this version does not make"
	case name == "_timestamp":
		return "is not an attribute: the bridge keeps the order of calls, and sets the time itself on replay"
	case strings.HasPrefix(name, "_") && name != "_update":
		return "begins with an underscore, which Customer.io reserves"
	case len(name) > MaxAttributeNameBytes:
		return fmt.Sprintf("is longer than %d bytes", MaxAttributeNameBytes)
	}
	return ""
}
