package customerio

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Identifier names one of the ways in which Customer.io knows a person.
type Identifier uint8

// The identifiers of a person.
const (
	ID          Identifier = iota + 1 // the workspace's own id: case counts
	Email                             // compared without regard to case
	Phone                             // E.164, where the workspace has enabled it
	CioID                             // given by Customer.io, never changes
	AnonymousID                       // a visitor who has not been named yet; carries events only
)

var identifierNames = [...]string{
	ID: "id", Email: "email", Phone: "phone", CioID: "cio_id", AnonymousID: "anonymous_id",
}

// String is the identifier's name on the wire and in rules.
func (i Identifier) String() string { return identifierNames[i] }

// ParseIdentifier finds the identifier of a name; the zero Identifier means that there is none.
func ParseIdentifier(name string) Identifier {
	for i := ID; i <= AnonymousID; i++ {
		if identifierNames[i] == name {
			return i
		}
	}
	return 0
}

// Identifiers lists the identifiers' names.
func Identifiers() []string { return identifierNames[ID:] }

// CheckIdentifier says what is wrong with an identifier's text, or "" where Customer.io would take it. It never quotes
// the text, which is personal data.
func CheckIdentifier(kind Identifier, text []byte) string {
	blank, ascii := true, true
	for _, c := range text {
		if c < 0x20 || c == 0x7f {
			return "has a control character"
		}
		blank = blank && c == ' '
		ascii = ascii && c < utf8.RuneSelf
	}
	if blank {
		return "is empty"
	}
	if !ascii {
		if problem := checkUnseen(text); problem != "" {
			return problem
		}
	}
	if text[0] == ' ' || text[len(text)-1] == ' ' {
		return surrounded
	}
	switch kind {
	case Email:
		return checkEmail(text)
	case Phone:
		if !isE164(text) {
			return "is not a phone number in E.164 form, a plus sign and up to 15 digits"
		}
	case CioID:
		if !isAlphanumeric(text) {
			return "is not a cio_id: letters and digits only"
		}
	}
	if len(text) > MaxIDBytes && kind != Email {
		return "is longer than 150 bytes"
	}
	return ""
}

const surrounded = "begins or ends with a blank"

// checkUnseen refuses what nobody sees, so that two identifiers that look the same are the same.
func checkUnseen(text []byte) string {
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRune(text[i:])
		switch {
		case r == utf8.RuneError:
			return "has U+FFFD, which stands for what could not be decoded"
		case unicode.IsControl(r) || r == '\u2028' || r == '\u2029':
			return "has a control character"
		case unicode.In(r, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector):
			return "has an invisible character"
		case unicode.IsSpace(r) && (i == 0 || i+n == len(text)):
			return surrounded
		}
		i += n
	}
	return ""
}

// An address may have 254 bytes (RFC 5321, 4.5.3.1.3).
const maxEmailBytes = 254

func checkEmail(text []byte) string {
	at := -1
	for i, c := range text {
		switch {
		case c == ' ':
			return "is not an e-mail address: it has a space"
		case c == '@':
			at = i
		}
	}
	if at < 1 || at == len(text)-1 {
		return "is not an e-mail address"
	}
	if len(text) > maxEmailBytes {
		return "is longer than 254 bytes"
	}
	return ""
}

func isE164(text []byte) bool {
	if len(text) < 3 || len(text) > 16 || text[0] != '+' || text[1] == '0' {
		return false
	}
	for _, c := range text[1:] {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

func isAlphanumeric(text []byte) bool {
	for _, c := range text {
		if (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') {
			return false
		}
	}
	return true
}

// AppendFolded appends an e-mail address in the one form under which Customer.io compares it, which is without case.
func AppendFolded(dst, email []byte) []byte {
	for i, c := range email {
		if c >= utf8.RuneSelf {
			return append(dst[:len(dst)-i], strings.ToLower(string(email))...)
		}
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		dst = append(dst, c)
	}
	return dst
}
