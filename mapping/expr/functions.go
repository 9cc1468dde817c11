package expr

import (
	"bytes"
	"strconv"
	"unicode/utf8"

	"github.com/itchyny/gojq"

	"github.com/ciobridge/ciobridge/mapping/expr/document"
	"github.com/ciobridge/ciobridge/mapping/expr/limits"
	"github.com/ciobridge/ciobridge/mapping/expr/projection"
)

// function is a builtin that runs on raw bytes. Arg is its argument, where it takes one.
type function func(d *Document, v Value, arg []byte) (Value, error)

var functions map[string]struct {
	run   function
	takes bool // one argument, a constant string
}

func init() {
	type entry = struct {
		run   function
		takes bool
	}
	functions = map[string]entry{
		"not":    {not, false},
		"length": {length, false},
		"type": {func(d *Document, v Value, _ []byte) (Value,
			error) {
			return d.quoted([]byte(v.Kind.String())), nil
		}, false},
		"tostring":       {toString, false},
		"ascii_downcase": {ofString("ascii_downcase", downcase), false},
		"ascii_upcase":   {ofString("ascii_upcase", upcase), false},
		"first": {func(d *Document, v Value, _ []byte) (Value,
			error) {
			return d.step(v, document.Step{Index: 0})
		}, false},
		"last": {func(d *Document, v Value, _ []byte) (Value,
			error) {
			return d.step(v, document.Step{Index: -1})
		}, false},
		"ltrimstr":   {ofString("ltrimstr", trimPrefix), true},
		"rtrimstr":   {ofString("rtrimstr", trimSuffix), true},
		"startswith": {test("startswith", bytes.HasPrefix), true},
		"endswith":   {test("endswith", bytes.HasSuffix), true},
	}
	for name, perSecond := range document.TimeFunctions {
		functions[name] = entry{unix(perSecond), false}
		zoned[name] = unix(perSecond)
	}
}

// zoned are the functions that take a time zone, and can be called without one, too.
var zoned = map[string]function{}

func not(_ *Document, v Value, _ []byte) (Value, error) { return boolean(!v.Truthy()), nil }

// length is how many characters, elements or members there are, and the absolute value of a number.
func length(d *Document, v Value, _ []byte) (Value, error) {
	if err := d.payToRead(v); err != nil {
		return Value{}, err
	}
	n := 0
	switch v.Kind {
	case Null:
	case Number:
		return Value{Kind: Number, Raw: bytes.TrimPrefix(v.Raw, []byte("-"))}, nil
	case String:
		n = utf8.RuneCount(d.text(v))
	case Array:
		n = document.CountElems(v.Raw)
	case Object:
		n = document.CountMembers(v.Raw)
	default:
		return Value{}, limits.Failedf("%s has no length", document.Article(v.Kind))
	}
	start := len(d.arena)
	d.arena = strconv.AppendInt(d.arena, int64(n), 10)
	return d.made(Number, start)
}

func toString(d *Document, v Value, _ []byte) (Value, error) {
	switch v.Kind {
	case String:
		return v, nil
	case Array, Object:
		if err := d.payToDecode(v); err != nil {
			return Value{}, err
		}
		text, err := gojq.Marshal(projection.Decode(v.Raw)) // jq sorts keys and drops white space
		if err != nil {
			return Value{}, limits.Failedf("cannot write %s as a string", document.Article(v.Kind))
		}
		return d.quoted(text), nil
	}
	return d.quoted(v.Raw), nil
}

func ofString(name string, f func(d *Document, text, arg []byte) []byte) function {
	return func(d *Document, v Value, arg []byte) (Value, error) {
		if v.Kind != String {
			return Value{}, limits.Failedf("%s needs a string, not %s", name, document.Article(v.Kind))
		}
		return d.quoted(f(d, d.text(v), arg)), nil
	}
}

func test(name string, f func(text, arg []byte) bool) function {
	return func(d *Document, v Value, arg []byte) (Value, error) {
		if v.Kind != String {
			return Value{}, limits.Failedf("%s needs a string, not %s", name, document.Article(v.Kind))
		}
		return boolean(f(d.text(v), arg)), nil
	}
}

func trimPrefix(_ *Document, text, arg []byte) []byte { return bytes.TrimPrefix(text, arg) }

func trimSuffix(_ *Document, text, arg []byte) []byte { return bytes.TrimSuffix(text, arg) }

func downcase(d *Document, text, _ []byte) []byte { return d.mapASCII(text, 'A', 'Z') }

func upcase(d *Document, text, _ []byte) []byte { return d.mapASCII(text, 'a', 'z') }

// mapASCII turns the letters between first and last into those of the other case.
func (d *Document) mapASCII(text []byte, first, last byte) []byte {
	start := len(d.arena)
	d.arena = append(d.arena, text...)
	out := d.arena[start:]
	for i, c := range out {
		if c >= first && c <= last {
			out[i] = c ^ 0x20
		}
	}
	return out
}

// unix is the function that gives the unix seconds of a time. Its argument is the zone of a text that names none.
func unix(perSecond int64) function {
	return func(d *Document, v Value, zone []byte) (Value, error) {
		seconds, known, err := document.Unix(v, perSecond, zone)
		if err != nil {
			return Value{}, limits.Unreadablef("%s", err)
		}
		if !known {
			return document.NullValue, nil
		}
		start := len(d.arena)
		d.arena = strconv.AppendInt(d.arena, seconds, 10)
		return d.made(Number, start)
	}
}
