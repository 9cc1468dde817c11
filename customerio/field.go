package customerio

import (
	"bytes"
	"fmt"
	"slices"
	"unicode/utf8"
)

// FieldKind says what a field of an operation holds, and so how a rule writes it.
type FieldKind uint8

const (
	// PersonField is a list of identifiers, of which the first that is present names the person.
	PersonField FieldKind = iota + 1
	// NameField is the name of an event, page or screen.
	NameField
	// AttributesField sets attributes of a person.
	AttributesField
	// RemovalsField names attributes of a person to erase.
	RemovalsField
	// DataField is the data of an event, which is sent as it is.
	DataField
	// ExceptField names members of whole objects, among attributes or data, that are left out.
	ExceptField
	// TimestampField says since when the attributes of a person are so.
	TimestampField
)

// Field is what rules write under one key of an action, and where it stands in a call.
type Field struct {
	Key      string // in rules
	Kind     FieldKind
	Required bool
	member   string // of the item that holds it; empty where the field stands in another's

	Identifiers []Identifier // of a person: the kinds that may name them
	Lanes       bool         // the call waits in the lane of each identifier that the field holds

	// Limits; 0 is none but that of the whole call.
	MaxBytes   int // of a name
	MaxRunes   int // of a name
	MaxEntries int // attributes that are set and removed together
}

func person(kinds []Identifier) Field {
	return Field{
		Key: "person", Kind: PersonField, member: "identifiers", Required: true, Identifiers: kinds, Lanes: true,
	}
}

// Takes reports whether an identifier of a kind may name the person.
func (f *Field) Takes(kind Identifier) bool { return slices.Contains(f.Identifiers, kind) }

// AppendMember appends a comma, the field's name in an item, and a colon; the value follows.
func (f *Field) AppendMember(dst []byte) []byte { return AppendMember(dst, f.member) }

// CheckName says what is wrong with a name, or "" where Customer.io would take it.
func (f *Field) CheckName(name []byte) string {
	switch {
	case len(bytes.TrimSpace(name)) == 0:
		return "the name is blank"
	case f.MaxBytes > 0 && len(name) > f.MaxBytes:
		return fmt.Sprintf("the name is longer than %d bytes", f.MaxBytes)
	case f.MaxRunes > 0 && utf8.RuneCount(name) > f.MaxRunes:
		return fmt.Sprintf("the name is longer than %d characters", f.MaxRunes)
	}
	return ""
}

// CutName gives as much of a name as Customer.io takes.
func (f *Field) CutName(name []byte) []byte {
	if f.MaxBytes > 0 {
		name = Cut(name, f.MaxBytes)
	}
	if f.MaxRunes > 0 && utf8.RuneCount(name) > f.MaxRunes {
		end := 0
		for range f.MaxRunes {
			_, n := utf8.DecodeRune(name[end:])
			end += n
		}
		name = Cut(name, end)
	}
	return bytes.Trim(name, " ")
}
