package customerio

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"unicode"
	"unicode/utf8"

	"github.com/ciobridge/ciobridge/internal/choice"
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
	// OtherPersonField is a second person, such as the one who is merged into the first.
	OtherPersonField
	// ObjectField names an object, by its type and id or by its cio_object_id.
	ObjectField
	// RelationshipsField are relationships of a person to objects, or of an object to persons where the field has
	// Identifiers.
	RelationshipsField
	// TopicsField are subscription topics by name, each true or false. They are attributes of the person.
	TopicsField
	// UpdateOnlyField is true where the call must not make a person. It is an attribute, too.
	UpdateOnlyField
	// ValueField is one value, of the kind that Field.Value says.
	ValueField
	// RequestField is a part of a request of one's own.
	RequestField
)

// ValueKind says what a ValueField takes.
type ValueKind uint8

const (
	// TextValue is a text, or an integer, which is sent as a text.
	TextValue ValueKind = iota
	// NumberedText is a text or an integer, which is sent as it is.
	NumberedText
	// TruthValue is true or false.
	TruthValue
	// TimeValue is a time, which is sent in unix seconds.
	TimeValue
	// ObjectValue is an object, which is sent as it is.
	ObjectValue
	// TextsValue is a list of texts, or one text.
	TextsValue
	// AddressesValue are addresses of e-mail: a text with commas between them, or a list. They are sent as one text.
	AddressesValue
	// PhoneValue is a phone number, or Liquid that gives one.
	PhoneValue
	// HeadersValue are headers of an e-mail: an object of texts.
	HeadersValue
	// FilesValue are files in base64 by their names: an object of texts.
	FilesValue
	// DeviceValue is a device as an object.
	DeviceValue
	// FilterValue is a condition that people meet, as an object.
	FilterValue
	// PeopleValue is a list of objects, each of which names a person.
	PeopleValue
)

// IsStructure reports whether a value can be an object or a list.
func (k ValueKind) IsStructure() bool {
	switch k {
	case TextValue, NumberedText, TruthValue, TimeValue, PhoneValue:
		return false
	}
	return true
}

// Field is what rules write under one key of an action, and where it stands in a call.
type Field struct {
	Key      string // in rules
	Kind     FieldKind
	Required bool
	member   string // of the item that holds it; empty where the field stands in another's
	within   string // the member in whose object that stands; empty for the item itself

	Identifiers []Identifier // of a person: the kinds that may name them
	Lanes       bool         // the call waits in the lane of each identifier that the field holds
	Listed      bool         // the call is the person's identifier, as one text of a list
	Plain       bool         // attributes of something that is no person: none of them has a meaning of its own
	Texts       bool         // attributes that are sent as texts
	Ignored     []string     // names of attributes that Customer.io ignores

	Value    ValueKind // of a ValueField
	Purpose  string    // of a ValueField, for the documents
	Example  string    // of a ValueField, for the documents
	Choices  []string  // the texts that a value may be; nil for any
	Positive bool      // a value is an integer from 1 to MaxSegmentID
	InPath   bool      // the value stands in the path of the request
	Subject  bool      // the call is about what the value names, and waits in its lane

	Kept      bool       // where a rule gives the value, no call is made without it
	Unless    string     // the key of a field in whose place this one has to be given
	With      []string   // keys of fields of which one has to be given, too; nil for none
	Exclusive bool       // one field at most of those that are exclusive may be given
	Members   []string   // that an object may have; nil for any
	Needs     []string   // members that an object must have
	Who       Identifier // texts of a list are identifiers of persons of this kind; 0 for none

	// Limits; 0 is none but that of the whole call.
	MaxBytes   int // of a name or a value
	MaxRunes   int // of a name
	MaxEntries int // attributes that are set and removed together, relationships, or texts
}

func person(kinds []Identifier) Field {
	return Field{
		Key: "person", Kind: PersonField, within: "identifiers", Required: true, Identifiers: kinds, Lanes: true,
	}
}

// AppendPerson begins the member in which the person's identifier stands, where it is not the only one of its object:
// the identifier's text follows as a JSON string. Of a field that is Listed that is all.
func (f *Field) AppendPerson(dst []byte, kind Identifier) []byte {
	if f.Listed {
		return dst
	}
	name := f.member
	if name == "" {
		name = kind.String()
	}
	if f.within == "" {
		dst = append(dst, ',')
	}
	return append(append(append(dst, '"'), name...), `":`...)
}

// IdentifierNames are the names of the kinds of identifiers that may name the person.
func (f *Field) IdentifierNames() []string {
	names := make([]string, len(f.Identifiers))
	for i, kind := range f.Identifiers {
		names[i] = kind.String()
	}
	return names
}

// Takes reports whether an identifier of a kind may name the person.
func (f *Field) Takes(kind Identifier) bool { return f != nil && slices.Contains(f.Identifiers, kind) }

// AppendMember appends a comma, the field's name in an item, and a colon; the value follows.
func (f *Field) AppendMember(dst []byte) []byte { return AppendMember(dst, f.member) }

// Member is the field's name in an item, and Within the name of the object in which that stands; empty for the item.
func (f *Field) Member() string { return f.member }

// Within is the member of an item in whose object the field stands. It is empty for the item itself.
func (f *Field) Within() string { return f.within }

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

// CheckValue says what is wrong with the text of a ValueField, or "" where Customer.io would take it.
func (f *Field) CheckValue(text []byte) string {
	switch {
	case len(bytes.TrimSpace(text)) == 0:
		return "is empty"
	case len(f.Choices) > 0 && !slices.Contains(f.Choices, string(text)):
		return "is none of the words that Customer.io takes: " + choice.List(f.Choices)
	case f.MaxBytes > 0 && len(text) > f.MaxBytes:
		return fmt.Sprintf("is longer than %d bytes", f.MaxBytes)
	case f.Positive && !isPositive(text):
		return "is no whole number from 1 on, in 32 bits"
	case f.InPath && bytes.ContainsFunc(text, unicode.IsControl):
		return "has a control character"
	case f.InPath && (string(text) == "." || string(text) == ".."): // an encoded dot is a dot
		return "is . or .., which are steps in a path"
	}
	return ""
}

// isPositive reports whether a text is a whole number from 1 to the largest of 32 bits, written without a sign or
// zeros before it.
func isPositive(text []byte) bool {
	n, err := strconv.ParseInt(string(text), 10, 32)
	return err == nil && n > 0 && text[0] != '0' && text[0] != '+'
}

// CheckObjectType says what is wrong with the type of an object, or "" where Customer.io would take it.
func CheckObjectType(text []byte) string {
	if !isPositive(text) {
		return "is no number of an object type: want a whole number from 1 on"
	}
	return ""
}
