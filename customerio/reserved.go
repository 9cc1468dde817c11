package customerio

import (
	"bytes"
	"github.com/ciobridge/ciobridge/internal/mistake"
	"slices"
)

// ReservedIDs says which texts stand for no person, besides and except those that do by default. Case does not count.
type ReservedIDs struct {
	Add   []string `yaml:"add"`   // refused, too
	Allow []string `yaml:"allow"` // taken although they are reserved by default
}

// reservedByDefault are what programs print where there is no value. As an identifier each would make one person of
// many. So would a number or a UUID of zeros alone, however many there are. Words that somebody chose, such as guest,
// are left to ReservedIDs.
var reservedByDefault = []string{
	"undefined", "null", "nil", "none", "nan", "n/a", "#n/a", "<nil>", "<null>", "(null)", "[object object]",
	"[object undefined]", "[object null]",
	"[object]", "[null]", "[undefined]", "optional(nil)", "invalid date", `\n`, "#ref!", "#value!", "#name?",
	"[]", "{}", "true", "false", "infinity", "+infinity", "-infinity", "inf", "+inf", "-inf", "-1",
	"ffffffff-ffff-ffff-ffff-ffffffffffff",
}

// Validate reports every mistake, each beginning with the field's name.
func (c ReservedIDs) Validate() (errs []error) {
	standard := NewReserved(ReservedIDs{})
	for i, text := range c.Add {
		switch inside := bare([]byte(text)); {
		case len(bytes.TrimSpace(inside)) == 0:
			errs = append(errs, mistake.Of("add[%d]: is empty", i))
		case len(bytes.TrimSpace(inside)) < len(inside):
			errs = append(errs, mistake.Of("add[%d]: %s, and such an identifier is refused in any case", i, surrounded))
		}
	}
	for i, text := range c.Allow {
		inside := bare([]byte(text))
		switch {
		case len(inside) == 0:
			errs = append(errs, mistake.Of("allow[%d]: is empty", i))
		case slices.ContainsFunc(c.Add, func(s string) bool { return bytes.EqualFold(bare([]byte(s)), inside) }):
			errs = append(errs, mistake.Of("allow[%d]: stands in add, too", i))
		case !standard.Has([]byte(text)):
			errs = append(errs, mistake.Of("allow[%d]: is not reserved by default, so that it needs no leave", i))
		}
	}
	return errs
}

// Reserved finds reserved identifiers. It is safe for use by several goroutines.
type Reserved struct {
	texts   map[string]bool // folded; false for those that are allowed
	begins  [256]bool       // how one of them may begin
	longest int
}

// NewReserved makes the default set with what c adds and allows.
func NewReserved(c ReservedIDs) *Reserved {
	r := &Reserved{texts: map[string]bool{}}
	for _, text := range reservedByDefault {
		r.texts[text] = true
	}
	for _, text := range c.Add {
		r.texts[string(AppendFolded(nil, bare([]byte(text))))] = true
	}
	for _, text := range c.Allow {
		r.texts[string(AppendFolded(nil, bare([]byte(text))))] = false
	}
	delete(r.texts, "") // a mistake, which Validate reports
	for text := range r.texts {
		r.longest = max(r.longest, len(text))
		r.begins[text[0]] = true
		if text[0] >= 'a' && text[0] <= 'z' {
			r.begins[text[0]-'a'+'A'] = true
		}
	}
	return r
}

// Has reports whether an identifier's text stands for no person, with or without quotes about it.
func (r *Reserved) Has(text []byte) bool {
	text = bare(text)
	if len(text) == 0 {
		return true // quotes about nothing
	}
	zeros := onlyZeros(text)
	if !zeros && (len(text) > r.longest || !r.begins[text[0]] && text[0] < 0x80) {
		return false
	}
	var room [64]byte
	reserved, known := r.texts[string(AppendFolded(room[:0], text))]
	return reserved || zeros && !known
}

// bare is a text without quotes about it, which a text that was written as JSON twice has.
func bare(text []byte) []byte {
	for len(text) >= 2 && (text[0] == '"' || text[0] == '\'') && text[0] == text[len(text)-1] {
		text = text[1 : len(text)-1]
	}
	return text
}

// onlyZeros reports whether a text is zero: 0, 000, 0.0, -0, or the UUID that is nil, with or without hyphens or
// braces.
func onlyZeros(text []byte) bool {
	return bytes.IndexByte(text, '0') >= 0 && len(bytes.Trim(text, "0-+.{}")) == 0
}
