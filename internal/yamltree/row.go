package yamltree

// A Row says what may stand under one key of a map. Readers read by their rows, and documents and schemas are made of
// the same rows.
type Row struct {
	Key      string // empty where any key may stand, such as the name of an attribute
	Form     Form
	Many     Many
	Required bool
	Choices  []string // the words of which one stands there, where only some may
	Default  string   // as it would be written; empty where there is none
	Unit     string   // of a number
	Meaning  string   // a sentence
	Example  string   // as it would be written

	// Strict is set where what stands there reads itself by rows: nothing may stand for a value, and no number for a
	// text.
	Strict bool

	// Inside are the keys of the map that stands there, where Form is InnerMap or can be one. A function, because some
	// maps are made of tables that are made when the program starts.
	Inside func() []Row
}

// Form is what stands under a key.
type Form string

// The forms. An expression begins with . or $ or =; a value is an expression or a literal.
const (
	InText       Form = "text"
	InExpression Form = "expression"
	InValue      Form = "value"
	InJSON       Form = "any"               // any YAML, which becomes JSON
	InRecord     Form = "value of a record" // a text as it is, nothing, or a map or a list, which becomes JSON
	InBool       Form = "true or false"
	InWhole      Form = "whole number"
	InNumber     Form = "number"
	InDuration   Form = "duration"
	InnerMap     Form = "map"
	TextOrMap    Form = "text or map"

	ExpressionOrMap Form = "expression or map"
	ValueOrMap      Form = "value or map"
	SecretRef       Form = "secret"
)

// Many says how many values stand under a key.
type Many int

// How many values stand under a key.
const (
	One       Many = iota
	OneOrMany      // one, or a list
	ListOf         // a list
)
