package sending

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/internal/choice"
)

type object = map[string]any

// Check says what is wrong with the JSON of a field that is an object or a list of objects, or "" where Customer.io
// would take it.
func Check(f *customerio.Field, raw []byte) (what string, tooLarge bool) {
	var v any
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		return "is no JSON", false
	}
	if f.Value == customerio.PeopleValue {
		return checkPeople(v, f.MaxEntries)
	}
	m, isObject := v.(object)
	switch {
	case !isObject:
		return "is no object", false
	case f.MaxBytes > 0 && len(raw) > f.MaxBytes:
		return fmt.Sprintf("is %d bytes; Customer.io takes %d", len(raw), f.MaxBytes), true
	}
	switch f.Value {
	case customerio.HeadersValue:
		return checkHeaders(m), false
	case customerio.FilesValue:
		return checkFiles(m)
	case customerio.DeviceValue:
		return checkDevice(f.Members, m), false
	case customerio.FilterValue:
		return checkFilter(f.Members, m, 0), false
	}
	for name := range m {
		if f.Members != nil && !slices.Contains(f.Members, name) {
			return "has a member that Customer.io does not know; want " + choice.List(f.Members), false
		}
	}
	return "", false
}

// checkHeaders: names and values are printable ASCII without blanks.
func checkHeaders(m object) string {
	unfit := func(r rune) bool { return r <= ' ' || r >= 0x7f }
	for name, value := range m {
		text, isText := value.(string)
		switch {
		case name == "" || strings.Contains(name, ":") || strings.ContainsFunc(name, unfit):
			return "has a name that is none of a header: want printable ASCII without blanks"
		case !isText:
			return "has a value that is no text"
		case text == "" || strings.ContainsFunc(text, unfit):
			return "has a value that is empty, or has other characters than printable ASCII without blanks"
		}
	}
	return ""
}

func checkFiles(m object) (what string, tooLarge bool) {
	size := 0
	for name, value := range m {
		text, _ := value.(string)
		content, err := base64.StdEncoding.DecodeString(text)
		switch {
		case len(path.Ext(name)) < 2:
			return "has a file whose name has no extension, such as .pdf", false
		case err != nil || text == "":
			return "has a file whose content is not in base64: write .content | @base64 for what is a text", false
		}
		size += len(content)
	}
	if most := customerio.MaxAttachmentBytes; size > most {
		return fmt.Sprintf("has files of %d bytes together; Customer.io takes %d", size, most), true
	}
	return "", false
}

func checkDevice(known []string, m object) string {
	for name, value := range m {
		attributes, isObject := value.(object)
		switch {
		case !slices.Contains(known, name):
			return "has a member that no device has; want " + choice.And(known)
		case name == "attributes" && !isObject:
			return "has attributes that are no object"
		case name == "last_used" && !isWhole(value):
			return "has a last_used that is no time in unix seconds: write .time | unix"
		}
		for _, attribute := range attributes {
			if _, isText := attribute.(string); !isText {
				return "has an attribute that is no text: write .value | tostring"
			}
		}
	}
	if token, _ := m["token"].(string); token == "" {
		return "has no token"
	}
	if m["platform"] != "ios" && m["platform"] != "android" {
		return "has no platform, which is ios or android"
	}
	return ""
}

func isWhole(v any) bool {
	n, _ := v.(json.Number)
	_, err := n.Int64()
	return err == nil
}

// checkPeople looks at everything but the identifiers themselves.
func checkPeople(v any, most int) (what string, tooLarge bool) {
	list, isList := v.([]any)
	switch {
	case !isList:
		return "is no list", false
	case len(list) > most:
		return fmt.Sprintf("has %d elements; Customer.io takes %d", len(list), most), true
	}
	for _, entry := range list {
		m, _ := entry.(object)
		data, given := m["data"]
		_, isObject := data.(object)
		others := len(m)
		if given {
			others--
		}
		switch {
		case others != 1 || m["id"] == nil && m["email"] == nil:
			return "has an element that is not an object with one of id and email, and perhaps data", false
		case given && !isObject:
			return "has an element whose data are no object", false
		}
	}
	return "", false
}
