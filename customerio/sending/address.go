package sending

import (
	"bytes"

	"github.com/ciobridge/ciobridge/customerio"
)

// Addresses takes a text apart that has addresses of e-mail, with or without names, with commas between them. It gives
// the addresses themselves, how many there are, and what is wrong with one of them. One that Liquid gives is counted.
func Addresses(text []byte) (addresses [][]byte, count int, what string) {
	for len(text) > 0 {
		var part []byte
		part, text = cut(text)
		address := bare(part)
		switch {
		case len(bytes.TrimSpace(part)) == 0 && len(text) == 0 && count > 0: // behind the last comma
			continue
		case bytes.Contains(part, []byte("{{")):
			count++
			continue
		}
		if what := customerio.CheckIdentifier(customerio.Email, address); what != "" {
			return nil, 0, what
		}
		count++
		addresses = append(addresses, address)
	}
	return addresses, count, ""
}

// cut gives what is before the first comma that is in no quotes and no Liquid, and what is behind it.
func cut(text []byte) (before, after []byte) {
	quoted, liquid := false, 0
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\' && quoted:
			i++
		case c == '"' && liquid == 0:
			quoted = !quoted
		case c == '{':
			liquid++
		case c == '}' && liquid > 0:
			liquid--
		case c == ',' && !quoted && liquid == 0:
			return text[:i], text[i+1:]
		}
	}
	return text, nil
}

// bare is an address without the name before it.
func bare(part []byte) []byte {
	part = bytes.TrimSpace(part)
	if i := bytes.LastIndexByte(part, '<'); i >= 0 && part[len(part)-1] == '>' {
		return part[i+1 : len(part)-1]
	}
	return part
}

// CheckPhone says what is wrong with a phone number, which may be Liquid; only then is plain false.
func CheckPhone(text []byte) (plain bool, what string) {
	if bytes.Contains(text, []byte("{{")) {
		return false, ""
	}
	return true, customerio.CheckIdentifier(customerio.Phone, text)
}
