package jsondoc

import (
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// quoted reads a string and reports whether it has escapes. A lone surrogate is a flaw: it stands for no character,
// so two different identifiers could become one.
func (d *Document) quoted() (escaped bool, err error) {
	d.pos++
	for d.pos < len(d.src) {
		switch c := d.src[d.pos]; {
		case c == '"':
			d.pos++
			return escaped, nil
		case c == '\\':
			escaped = true
			if err := d.escape(); err != nil {
				return true, err
			}
		case c < 0x20:
			return escaped, &syntaxError{d.pos, "control character in a string"}
		default:
			d.pos++
		}
	}
	return escaped, d.unexpected("in a string")
}

func (d *Document) escape() error {
	at := d.pos
	d.pos++
	if d.pos >= len(d.src) {
		return d.unexpected("in an escape")
	}
	switch d.src[d.pos] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		d.pos++
		return nil
	case 'u':
	default:
		return d.unexpected("in an escape")
	}
	r, ok := hex4(d.src[d.pos+1:])
	if !ok {
		return d.unexpected("in an escape that wants four hexadecimal digits")
	}
	d.pos += 5
	if !utf16.IsSurrogate(r) {
		return nil
	}
	if low, ok := lowSurrogate(d.src[d.pos:]); ok && utf16.DecodeRune(r, low) != utf8.RuneError {
		d.pos += 6
		return nil
	}
	d.Flaws = append(d.Flaws, Flaw{int32(at), "contains a lone surrogate"})
	return nil
}

func lowSurrogate(s string) (rune, bool) {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return 0, false
	}
	return hex4(s[2:])
}

func hex4(s string) (rune, bool) {
	if len(s) < 4 {
		return 0, false
	}
	var r rune
	for i := range 4 {
		c := s[i]
		switch {
		case c >= '0' && c <= '9':
			r = r<<4 | rune(c-'0')
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			r = r<<4 | rune(c|0x20-'a'+10)
		default:
			return 0, false
		}
	}
	return r, true
}

// unescape decodes the inside of a string that the parser has accepted.
func unescape(s string) string {
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			b = append(b, s[i])
			continue
		}
		i++
		switch s[i] {
		case 'b':
			b = append(b, '\b')
		case 'f':
			b = append(b, '\f')
		case 'n':
			b = append(b, '\n')
		case 'r':
			b = append(b, '\r')
		case 't':
			b = append(b, '\t')
		case 'u':
			r, _ := hex4(s[i+1:])
			i += 4
			if low, ok := lowSurrogate(s[i+1:]); ok && utf16.DecodeRune(r, low) != utf8.RuneError {
				r = utf16.DecodeRune(r, low)
				i += 6
			}
			b = utf8.AppendRune(b, r)
		default:
			b = append(b, s[i])
		}
	}
	return string(b)
}

// AppendString appends s as a JSON string. HTML characters are left alone: the page escapes what it shows.
func AppendString(b []byte, s string) []byte {
	b = append(b, '"')
	from := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' && c < utf8.RuneSelf {
			continue
		}
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r != utf8.RuneError || size > 1 {
				i += size - 1
				continue
			}
		}
		b = append(b, s[from:i]...)
		from = i + 1
		switch {
		case c >= utf8.RuneSelf:
			b = append(b, `\ufffd`...)
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		default:
			b = append(b, `\u00`...)
			if c < 0x10 {
				b = append(b, '0')
			}
			b = strconv.AppendInt(b, int64(c), 16)
		}
	}
	b = append(b, s[from:]...)
	return append(b, '"')
}
