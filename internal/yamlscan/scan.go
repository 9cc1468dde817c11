package yamlscan

import (
	"bytes"
	"fmt"

	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/token"
)

// The limits of a file. The library takes memory with the square of the depth, and time with the square of the keys
// of a map.
const (
	MaxBytes  = 1 << 20
	maxDepth  = 64
	maxKeys   = 5_000   // of one map
	maxTokens = 200_000 // some 3,000 rules
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

// Check refuses a text that is too long, too deep or made of too many parts, and what no tool on a file's way treats
// alike: tags, anchors and aliases. It neither recurses nor expands anything. An error is an *Error.
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
		}
		switch d.add(t); {
		case len(d.levels) > maxDepth:
			return at(t, "is nested deeper than %d", maxDepth)
		case d.keys() > maxKeys:
			return at(t, "a map has more than %d keys: split it", maxKeys)
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

// depth is what is open: brackets, and lists and maps without brackets, which begin at a column.
type depth struct{ levels []level }

// level is a list or a map that is open.
type level struct {
	column int // where it began; inBrackets where brackets tell its end
	keys   int
}

const inBrackets = -1

// add takes the next token.
func (d *depth) add(t *token.Token) {
	switch t.Type {
	case token.SequenceStartType, token.MappingStartType:
		d.levels = append(d.levels, level{column: inBrackets})
	case token.SequenceEndType, token.MappingEndType:
		if d.bracketed() {
			d.levels = d.levels[:len(d.levels)-1]
		}
	case token.SequenceEntryType, token.MappingKeyType:
		d.open(t.Position.Column)
	case token.MappingValueType:
		if t.Prev != nil && t.Prev.Position != nil {
			d.open(t.Prev.Position.Column)
		}
		if n := len(d.levels); n > 0 {
			d.levels[n-1].keys++
		}
	}
}

func (d *depth) bracketed() bool {
	return len(d.levels) > 0 && d.levels[len(d.levels)-1].column == inBrackets
}

func (d *depth) open(column int) {
	if d.bracketed() {
		return
	}
	for n := len(d.levels); n > 0 && d.levels[n-1].column > column; n-- {
		d.levels = d.levels[:n-1]
	}
	if n := len(d.levels); n == 0 || d.levels[n-1].column < column {
		d.levels = append(d.levels, level{column: column})
	}
}

// keys is the number of keys of the innermost map so far.
func (d *depth) keys() int {
	if len(d.levels) == 0 {
		return 0
	}
	return d.levels[len(d.levels)-1].keys
}

// WithoutMark is a text without the byte order mark that some editors begin it with, which the library takes for a
// part of the first key.
func WithoutMark(data []byte) []byte { return bytes.TrimPrefix(data, []byte("\uFEFF")) }

// Recover turns a panic of the function that defers it into its error. It quotes nothing, because what a library
// panics with may hold the text.
func Recover(err *error) {
	if recover() != nil {
		*err = &Error{Message: "cannot be read: the YAML library fails on what stands there; look for a value that " +
			"is missing"}
	}
}
