package persons

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/event"
)

// Person is a person as somebody names them.
type Person struct {
	text  []byte
	email bool // it may be an address, of which case does not count
	lanes map[event.Lane]bool

	identifiers []string
}

// Mapper makes calls of messages, as *mapping.Rules does.
type Mapper interface {
	Map(m *event.Message) ([]event.Call, []event.Failure)
}

// ErrEmpty means that no identifier was given.
var ErrEmpty = errors.New("is empty: want an identifier of the person, such as c_7 or email:ann@example.com")

// Parse reads an identifier of any kind, or of the kind whose name and a colon stand before it, such as email:. It
// means whoever has it in the first workspace, and in those that are named.
func Parse(text string, workspaces ...string) (*Person, error) {
	kinds := customerio.Identifiers()
	if name, value, ok := strings.Cut(text, ":"); ok && customerio.ParseIdentifier(name) != 0 {
		kinds, text = []string{name}, value
	}
	if text == "" {
		return nil, ErrEmpty
	}
	p := &Person{text: []byte(text), lanes: map[event.Lane]bool{}}
	for _, name := range kinds {
		value := p.text
		switch customerio.ParseIdentifier(name) {
		case customerio.Email:
			p.email = true
			value = customerio.AppendFolded(nil, value)
		case customerio.CioID:
			value = bytes.TrimPrefix(value, []byte("cio_"))
		}
		p.identifiers = append(p.identifiers, name+":"+string(value))
		lane := event.LaneKindOf(name).Of(value)
		p.lanes[lane] = true
		for _, workspace := range workspaces {
			p.lanes[lane.Of(workspace)] = true
		}
	}
	return p, nil
}

// In reports whether an event concerns the person; item is its number among those of the message, and 0 where that is
// one event. Of a message that is several events a single one is known by its calls alone, because the text of the
// message is that of all of them.
func (p *Person) In(rules Mapper, m *event.Message, item int) bool {
	calls, failures := rules.Map(m)
	made, failed := 0, len(failures) > 0
	for i := range calls {
		if item > 0 && int(calls[i].Item) != item {
			continue
		}
		made++
		if p.Named(calls[i].Lanes) {
			return true
		}
	}
	if item > 0 || made > 0 && !failed {
		return false
	}
	value := m.Value
	if m.ValueContent() != nil {
		value = m.ValueContent()
	}
	return p.same(m.Key) || p.inText(value) || m.KeyContent() != nil && p.inText(m.KeyContent())
}

// Identifiers are all that the person may be named by, each with its kind before it and in the form in which calls
// tell whom they are about.
func (p *Person) Identifiers() []string { return p.identifiers }

// Named reports whether a call with these lanes names the person, or sets an identifier of theirs.
func (p *Person) Named(lanes []event.Lane) bool {
	return slices.ContainsFunc(lanes, func(lane event.Lane) bool { return p.lanes[lane] })
}

// inText reports whether a value of the text is the identifier. In what is not JSON it is any word.
func (p *Person) inText(text []byte) bool {
	in := json.NewDecoder(bytes.NewReader(text))
	in.UseNumber()
	var v any
	if !json.Valid(text) || in.Decode(&v) != nil {
		return p.inWords(text)
	}
	return p.inValue("", v)
}

// inValue looks for the identifier in a value that stands under a name. A number is one only under a name that ends in
// id: the others count something.
func (p *Person) inValue(name string, v any) bool {
	switch v := v.(type) {
	case string:
		return p.same([]byte(v))
	case json.Number:
		return strings.HasSuffix(strings.ToLower(name), "id") && p.same([]byte(v))
	case []any:
		for _, item := range v {
			if p.inValue(name, item) {
				return true
			}
		}
	case map[string]any:
		for name, member := range v {
			if p.inValue(name, member) {
				return true
			}
		}
	}
	return false
}

// inWords looks for the identifier between characters that are no part of one.
func (p *Person) inWords(text []byte) bool {
	for start := 0; start <= len(text)-len(p.text); start++ {
		end := start + len(p.text)
		before, _ := utf8.DecodeLastRune(text[:start])
		after, _ := utf8.DecodeRune(text[end:])
		if p.same(text[start:end]) && (start == 0 || !inWord(before)) && (end == len(text) || !inWord(after)) {
			return true
		}
	}
	return false
}

func inWord(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("_-.@+", r)
}

func (p *Person) same(text []byte) bool {
	return bytes.Equal(text, p.text) || p.email && bytes.Contains(p.text, []byte("@")) && bytes.EqualFold(text, p.text)
}

// Guesses are the identifiers that an event of which the rules make nothing may hold: its key and each text in it,
// under every kind of identifier that it could be, such as id:c_7.
func Guesses(m event.Message) []string {
	var found []string
	guess := func(text []byte) {
		for _, name := range customerio.Identifiers() {
			kind, value := customerio.ParseIdentifier(name), text
			if kind == customerio.Email {
				value = customerio.AppendFolded(nil, text)
			}
			if len(text) > 0 && customerio.CheckIdentifier(kind, text) == "" {
				found = append(found, name+":"+string(value))
			}
		}
	}
	guess(m.Key)
	in := json.NewDecoder(bytes.NewReader(m.Value))
	in.UseNumber()
	for {
		token, err := in.Token()
		if err != nil {
			return found
		}
		switch v := token.(type) {
		case string:
			guess([]byte(v))
		case json.Number:
			guess([]byte(v))
		}
	}
}
