package workspace

import "strings"

// Identifier names a person, an object or a delivery: the kind of name and its value.
type Identifier struct{ Kind, Value string }

// String gives kind:value, and nothing for an identifier of nothing.
func (i Identifier) String() string {
	if i.Kind == "" {
		return ""
	}
	return i.Kind + ":" + i.Value
}

// Named makes an identifier.
func Named(kind, value string) Identifier { return Identifier{kind, value} }

// MaxIDBytes is how long the id of a person or an object can be.
const MaxIDBytes = 150

// Canonical gives the form in which identifiers are compared: e-mail addresses without case.
func (i Identifier) Canonical() Identifier {
	if i.Kind == "email" {
		i.Value = strings.ToLower(i.Value)
	}
	return i
}

// Wrong says what is wrong with an identifier, or nothing.
func (i Identifier) Wrong() string {
	switch {
	case strings.TrimSpace(i.Value) == "":
		return "cannot be blank"
	case strings.ContainsFunc(i.Value, control):
		return "cannot contain control characters"
	}
	switch i.Kind {
	case "id", "anonymous_id", "object_id":
		if len(i.Value) > MaxIDBytes {
			return "cannot be longer than 150 bytes"
		}
	case "email":
		if !emailShaped(i.Value) {
			return "'" + i.Value + "' is not a valid email address"
		}
	case "phone":
		if !e164(i.Value) {
			return "'" + i.Value + "' is not a phone number in E.164 format"
		}
	case "cio_id":
		if strings.HasPrefix(i.Value, "cio_") {
			return "must not have the prefix cio_"
		}
		if !alphanumeric(i.Value) {
			return "must be letters and digits"
		}
	}
	return ""
}

func control(r rune) bool { return r < 0x20 || r >= 0x7f && r < 0xa0 }

// emailShaped is a coarse test: one @ with something on both sides, no spaces, and the lengths of RFC 5321.
func emailShaped(s string) bool {
	local, domain, ok := strings.Cut(s, "@")
	return ok && local != "" && domain != "" && len(local) <= 64 && len(s) <= 254 &&
		!strings.ContainsAny(s, " \t<>,;") &&
		!strings.Contains(domain, "@") && !strings.HasPrefix(domain, ".") && !strings.HasSuffix(domain, ".")
}

func e164(s string) bool {
	if len(s) < 2 || len(s) > 16 || s[0] != '+' {
		return false
	}
	for _, c := range []byte(s[1:]) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

func alphanumeric(s string) bool {
	for _, c := range []byte(s) {
		if !(c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z') {
			return false
		}
	}
	return true
}
