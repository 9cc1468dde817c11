// Package yamlscan looks at YAML that somebody else wrote before the YAML library builds a tree of it, and keeps a fault of that
// library from ending the process. It owns how large such a text may be, and knows nothing of what it says.
package yamlscan

import (
	"bytes"
	"fmt"

	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/token"
)

// The limits of a file. The library takes memory with the square of the depth, and time with the square of the keys of a map.
const (
	MaxBytes  = 1 << 20
	maxDepth  = 64
	maxTokens = 50_000
)

// An Error says what keeps a text from being read, and where. It quotes nothing of the text.
type Error struct {
	Line, Column int // 0 where the place is not known
	Message      string
}

func (e *Error) Error() string {
	if e.Line == 0 {
		return e.Message
	}
	return fmt.Sprintf("line %d: %s", e.Line, e.Message)
}

// Check refuses a text that is too long, too deep or made of too many parts, and what no tool on a file's way treats alike: tags,
// anchors and aliases. It neither recurses nor expands anything. An error is an *Error.
func Check(data []byte) (err error) {
	if len(data) > MaxBytes {
		return &Error{Message: fmt.Sprintf("is longer than %d bytes: split it", MaxBytes)}
	}
	defer Recover(&err)
	var d depth
	for i, t := range lexer.Tokenize(string(data) + "\n") { // without a line break a tag at the end would not be seen
		switch {
		case t.Position == nil:
			continue
		case i >= maxTokens:
			return at(t, "has more than %d words and signs: split it", maxTokens)
		case unusual[t.Type] != "":
			return at(t, "%s has no place here: quote the text if it is meant as one", unusual[t.Type])
		case d.add(t) > maxDepth:
			return at(t, "is nested deeper than %d", maxDepth)
		}
	}
	return nil
}

var unusual = map[token.Type]string{
	token.TagType:      "a YAML tag",
	token.AnchorType:   "a YAML anchor",
	token.AliasType:    "a YAML alias",
	token.MergeKeyType: "a YAML merge key",
}

func at(t *token.Token, format string, args ...any) error {
	return &Error{Line: t.Position.Line, Column: t.Position.Column, Message: fmt.Sprintf(format, args...)}
}

// depth counts what is open: brackets, and the columns at which lists and maps without brackets began.
type depth struct {
	brackets int
	columns  []int
}

// add takes the next token and returns the depth behind it.
func (d *depth) add(t *token.Token) int {
	switch t.Type {
	case token.SequenceStartType, token.MappingStartType:
		d.brackets++
	case token.SequenceEndType, token.MappingEndType:
		d.brackets = max(0, d.brackets-1)
	case token.SequenceEntryType, token.MappingKeyType:
		d.open(t.Position.Column)
	case token.MappingValueType:
		if t.Prev != nil && t.Prev.Position != nil {
			d.open(t.Prev.Position.Column)
		}
	}
	return d.brackets + len(d.columns)
}

func (d *depth) open(column int) {
	if d.brackets > 0 {
		return
	}
	for len(d.columns) > 0 && d.columns[len(d.columns)-1] > column {
		d.columns = d.columns[:len(d.columns)-1]
	}
	if len(d.columns) == 0 || d.columns[len(d.columns)-1] < column {
		d.columns = append(d.columns, column)
	}
}

// WithoutMark is a text without the byte order mark that some editors begin it with, which the library takes for a part of the first key.
func WithoutMark(data []byte) []byte { return bytes.TrimPrefix(data, []byte("\uFEFF")) }

// Recover turns a panic of the function that defers it into its error. It quotes nothing, because what a library panics with may
// hold the text.
func Recover(err *error) {
	if recover() != nil {
		*err = &Error{Message: "cannot be read: the YAML library fails on what stands there; look for a value that is missing"}
	}
}
