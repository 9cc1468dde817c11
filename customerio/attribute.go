package customerio

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"unicode"
	"unicode/utf8"
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
	// BooleanAttribute is true or false, and nothing else that reads like them: whether the person wants a subscription
	// topic, or the order to make nobody.
	BooleanAttribute
	// PreferencesAttribute is an object with all subscription topics of the person, in place of those that there are.
	PreferencesAttribute
	// TextAttribute is a text; a number or a truth is sent as one.
	TextAttribute
)

// AttributeKindOf tells what Customer.io takes the attribute of a name for.
func AttributeKindOf[S string | []byte](name S) AttributeKind {
	switch string(name) {
	case "id", "email", "phone", "anonymous_id":
		return IdentifierAttribute
	case "created_at":
		return TimeAttribute
	case "unsubscribed":
		return TruthAttribute
	case "_update":
		return BooleanAttribute
	case preferences:
		return PreferencesAttribute
	}
	if len(name) > len(preferences) && name[0] == preferences[0] && string(name[:len(preferences)]) == preferences {
		return BooleanAttribute
	}
	return PlainAttribute
}

// AttributeKindIn tells what Customer.io takes one of a field's attributes for.
func AttributeKindIn[S string | []byte](f *Field, name S) AttributeKind {
	kind := PlainAttribute
	if !f.Plain {
		kind = AttributeKindOf(name)
	}
	if f.Texts && kind != TimeAttribute && kind != TruthAttribute { // of topics no form tells
		return TextAttribute
	}
	return kind
}

// preferences is the attribute that holds subscription topics, and channels; its name with a dot begins those that
// change one and leave the others.
const preferences = "cio_subscription_preferences"

// CheckPreferences says what is wrong with the value of a PreferencesAttribute, which is JSON, or "" where Customer.io
// would take it.
func CheckPreferences(value []byte) string {
	var groups map[string]map[string]bool
	if json.Unmarshal(value, &groups) != nil {
		return `is no object such as {"topics": {"topic_1": true}}, in which each is true or false`
	}
	return ""
}

// TopicName is the name of the attribute that says whether a person wants a subscription topic.
func TopicName(topic string) string { return preferences + ".topics." + topic }

// CheckAttributeName says why a call cannot set or remove an attribute of this name, or "" where it can. Customer.io
// would ignore such a name, or take it for something else, without an error.
func CheckAttributeName[S string | []byte](name S) string {
	switch string(name) {
	case "":
		return "is empty"
	case "cio_id", "_created_in_customerio_at":
		return "is given by Customer.io and cannot be set"
	case "cio_relationships":
		return "is not an attribute: relationships are calls of their own, or a key beside attributes"
	case "_timestamp":
		return "is not an attribute: the bridge keeps the order of calls, and sets the time itself on replay; the " +
			"key timestamp beside attributes gives another"
	case "_update":
		return ""
	}
	switch {
	case name[0] == '_':
		return underscored
	case len(name) > MaxAttributeNameBytes:
		return fmt.Sprintf("is longer than %d bytes", MaxAttributeNameBytes)
	}
	return ""
}

const underscored = "begins with an underscore, which Customer.io reserves"

// CheckPlainName is CheckAttributeName for attributes of what is no person.
func CheckPlainName[S string | []byte](name S) string {
	if len(name) > 0 && name[0] == '_' {
		return underscored
	}
	return CheckAttributeName(name)
}

// CheckNameIn says why a call cannot set one of a field's attributes of this name, or "" where it can.
func CheckNameIn[S string | []byte](f *Field, name S) string {
	switch {
	case len(f.Ignored) > 0 && slices.Contains(f.Ignored, string(name)):
		return "is one that Customer.io reserves and ignores: leave it out, or give it another name"
	case f.Plain || f.Texts:
		return CheckPlainName(name)
	}
	return CheckAttributeName(name)
}

// MustNotVanish reports whether an attribute says who the person is or whether they may be written to. A value that is
// missing by accident must not take it away.
func (k AttributeKind) MustNotVanish() bool {
	return k >= IdentifierAttribute && k != TimeAttribute && k != TextAttribute
}

// IsConsent reports whether an attribute says that the person may be written to. Without a value that says no they
// would be written to further.
func (k AttributeKind) IsConsent() bool {
	return k == TruthAttribute || k == BooleanAttribute || k == PreferencesAttribute
}

// SteersMessage reports whether Customer.io takes a member of an event's data for an order about the message that it
// sends because of the event: who receives it, or whom it comes from.
func SteersMessage[S string | []byte](name S) bool {
	return slices.Contains(steeringNames[:], string(name))
}

var steeringNames = [...]string{"recipient", "from_address", "reply_to"}

// SteeringNames are the names of such members.
func SteeringNames() []string { return slices.Clone(steeringNames[:]) }

// MaySteerMessage reports whether an object may have such a member. It looks at the text alone, and errs on that side.
func MaySteerMessage(object []byte) bool {
	for _, mark := range steering {
		if bytes.Contains(object, mark) {
			return true
		}
	}
	return false
}

// steering are the names of such members as JSON, and what begins a name that is written with escapes.
var steering = [][]byte{[]byte(`"recipient"`), []byte(`"from_address"`), []byte(`"reply_to"`), []byte(`\u`)}

// Cut gives the beginning of a text that has at most so many bytes. It ends where a character does, and as far as marks
// and joiners tell before a character that stands for one with those after it, such as an emoji of a family.
func Cut(text []byte, most int) []byte {
	if len(text) <= most {
		return text
	}
	end := most
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	for at := end; at > 0 && end-at < longestCharacter; {
		next, _ := utf8.DecodeRune(text[at:])
		last, size := utf8.DecodeLastRune(text[:at])
		if last != joiner && !continues(next) {
			return text[:at]
		}
		at -= size
	}
	return text[:end] // more marks than any writing has
}

const (
	joiner           = '\u200d' // makes one character of those beside it
	longestCharacter = 64       // bytes
)

// continues reports whether a rune belongs to the character before it.
func continues(r rune) bool {
	return r == joiner || unicode.Is(unicode.M, r) || r >= 0x1f3fb && r <= 0x1f3ff // tones of skin
}

// CheckTruth says what is wrong with a value, as JSON, where a truth is wanted: Customer.io takes what is none for
// false without saying so. It is empty for what IsTrue can read.
func CheckTruth(raw []byte) string {
	text := bytes.Trim(raw, `"`)
	for _, known := range truths {
		if bytes.EqualFold(text, known) {
			return ""
		}
	}
	return "is neither true nor false; Customer.io would take it for false: write true or false"
}

// IsTrue reports whether a value that CheckTruth takes is true.
func IsTrue(raw []byte) bool {
	text := bytes.Trim(raw, `"`)
	return bytes.EqualFold(text, truths[0]) || bytes.Equal(text, truths[2])
}

var truths = [][]byte{[]byte("true"), []byte("false"), []byte("1"), []byte("0")}
