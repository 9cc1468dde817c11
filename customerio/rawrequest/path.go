package rawrequest

import (
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/ciobridge/ciobridge/customerio"
)

// Path is a path of one API, whose places may be filled with values later.
type Path struct {
	segments [][]part
	places   int
}

// part is a piece of a segment: a text, decoded, or the number of a place.
type part struct {
	text  string
	place int // -1 for a text
}

// A ValueError says which value cannot stand in its place. It does not quote the value.
type ValueError struct {
	Place   int // counts from 0
	Problem string
}

func (e *ValueError) Error() string {
	return "the value in place " + strconv.Itoa(e.Place+1) + " " + e.Problem
}

// ParsePath reads a path without places, in which braces are only braces. It may begin with the API's own prefix, such
// as /v1, or without. What follows a question mark is the query.
func ParsePath(api customerio.API, text string) (Path, []Pair, error) {
	pieces := []piece{{text: text, place: -1}}
	return parse(api, pieces)
}

// ParseTemplate reads a path with places, which are expressions in braces: /customers/{.user_id}/attributes. It gives
// the expressions in the order of their places. The first segment behind the prefix has no place in it, so that no
// value chooses what is asked for.
func ParseTemplate(api customerio.API, text string) (Path, []Pair, []string, error) {
	pieces, expressions, err := divide(text)
	if err != nil {
		return Path{}, nil, nil, err
	}
	path, query, err := parse(api, pieces)
	return path, query, expressions, err
}

func parse(api customerio.API, pieces []piece) (Path, []Pair, error) {
	pieces, query, err := cutQuery(pieces)
	if err != nil {
		return Path{}, nil, err
	}
	segments, err := segmentsOf(pieces)
	if err != nil {
		return Path{}, nil, err
	}
	segments = prefixed(api, segments)
	p := Path{segments: segments}
	for i, segment := range segments {
		filled := slices.ContainsFunc(segment, func(p part) bool { return p.place >= 0 })
		switch {
		case filled && i <= prefixLength(segments):
			return Path{}, nil, errors.New("begins with an expression: the first part behind the API's own prefix is " +
				"written as it is")
		case filled:
			for _, piece := range segment {
				p.places = max(p.places, piece.place+1)
			}
		default:
			if problem := checkSegment(segment[0].text); problem != "" {
				return Path{}, nil, errors.New("a part of it " + problem)
			}
		}
	}
	return p, query, nil
}

// Append appends the path with its places filled, percent-encoded. The error is a *ValueError.
func (p *Path) Append(dst []byte, values []string) ([]byte, error) {
	for _, segment := range p.segments {
		text, place := segment[0].text, segment[0].place
		if place >= 0 || len(segment) > 1 {
			text = ""
			for _, piece := range segment {
				if piece.place < 0 {
					text += piece.text
					continue
				}
				if place = piece.place; values[place] == "" {
					return dst, &ValueError{place, "is empty"}
				}
				text += values[place]
			}
			if problem := checkSegment(text); problem != "" {
				return dst, &ValueError{place, problem}
			}
		}
		dst = appendEscaped(append(dst, '/'), text)
	}
	return dst, nil
}

// Places is how many values Append wants.
func (p *Path) Places() int { return p.places }

// String is the path with its places as braces, for messages and documents.
func (p *Path) String() string {
	var b strings.Builder
	for _, segment := range p.segments {
		b.WriteByte('/')
		for _, piece := range segment {
			if piece.place < 0 {
				b.Write(appendEscaped(nil, piece.text))
			} else {
				b.WriteString("{}")
			}
		}
	}
	return b.String()
}

// maxEncoded is how often over a text may be percent-encoded. Each time costs a look at all of it.
const maxEncoded = 4

// checkSegment says why a text cannot be a segment, or "".
func checkSegment(text string) string {
	switch {
	case text == "":
		return "is empty"
	case !utf8.ValidString(text):
		return "is no text in UTF-8"
	case strings.ContainsFunc(text, isControl):
		return "has a line break or another control character in it"
	}
	// A server, or a proxy before it, may decode more often than it should.
	decoded := text
	for range maxEncoded + 1 {
		plain := lookalikes.Replace(decoded)
		switch {
		case stepsUp(plain):
			return "has a step in it, . or .."
		case strings.Trim(plain, "/\\ ") == "":
			return "is blank, or nothing but slashes"
		}
		next := decodeOnce(decoded)
		if next == decoded {
			return ""
		}
		if decoded = next; !utf8.ValidString(decoded) || strings.ContainsFunc(decoded, isControl) {
			return "has an encoded control character, or bytes that are no text, in it"
		}
	}
	return "is percent-encoded too often over"
}

// lookalikes are characters that some servers turn into dots and slashes when they bring a text into a normal form.
var lookalikes = strings.NewReplacer("\u2024", ".", "\u2025", "..", "\ufe52", ".", "\uff0e", ".", "\uff0f", "/",
	"\u2044", "/", "\u2215", "/", "\uff3c", "\\", "\ufe68", "\\")

// stepsUp finds . and .. between slashes of either kind, also with parameters, which some servers take off first.
func stepsUp(text string) bool {
	for part := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == '/' || r == '\\' }) {
		part, _, _ = strings.Cut(part, ";")
		if part = strings.TrimSpace(part); part == "." || part == ".." {
			return true
		}
	}
	return false
}

func isControl(r rune) bool { return r < 0x20 || r >= 0x7f && r < 0xa0 || r == 0x2028 || r == 0x2029 }

// decodeOnce decodes what is percent-encoded, and leaves what is not.
func decodeOnce(text string) string {
	if decoded, err := url.PathUnescape(text); err == nil {
		return decoded
	}
	out := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		if text[i] == '%' && i+2 < len(text) {
			if c, err := strconv.ParseUint(text[i+1:i+3], 16, 8); err == nil {
				out = append(out, byte(c))
				i += 2
				continue
			}
		}
		out = append(out, text[i])
	}
	return string(out)
}

// appendEscaped percent-encodes every byte that RFC 3986 does not list as unreserved.
func appendEscaped(dst []byte, text string) []byte {
	const hexUpper = "0123456789ABCDEF"
	for i := range len(text) {
		c := text[i]
		if c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' || strings.IndexByte("-_~.", c) >= 0 {
			dst = append(dst, c)
			continue
		}
		dst = append(dst, '%', hexUpper[c>>4], hexUpper[c&15])
	}
	return dst
}
