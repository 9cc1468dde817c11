package rawrequest

import (
	"errors"
	"net/url"
	"strings"

	"github.com/ciobridge/ciobridge/customerio"
)

// piece is a stretch of what was written: a text, or a place with its number.
type piece struct {
	text  string
	place int // -1 for a text
}

// divide takes a template apart into texts and places.
func divide(text string) (pieces []piece, expressions []string, err error) {
	for text != "" {
		open := strings.IndexAny(text, "{}")
		if open < 0 {
			break
		}
		if text[open] == '}' {
			return nil, nil, errors.New("has a closing brace without an opening one: one that is meant is written %7D")
		}
		end := closing(text[open:])
		if end < 0 {
			return nil, nil, errors.New("has an opening brace without a closing one: one that is meant is written %7B")
		}
		expression := strings.TrimSpace(text[open+1 : open+end])
		if expression == "" {
			return nil, nil, errors.New("has braces with nothing between them: want an expression, such as {.user_id}")
		}
		if open > 0 {
			pieces = append(pieces, piece{text[:open], -1})
		}
		pieces = append(pieces, piece{place: len(expressions)})
		expressions = append(expressions, expression)
		text = text[open+end+1:]
	}
	if text != "" {
		pieces = append(pieces, piece{text, -1})
	}
	return pieces, expressions, nil
}

// closing finds the brace that closes the first one of an expression, past braces and strings within it; -1 if there is
// none.
func closing(text string) int {
	depth, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case !quoted && c == '{':
			depth++
		case !quoted && c == '}':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

// cutQuery takes off what follows a question mark.
func cutQuery(pieces []piece) ([]piece, []Pair, error) {
	for i, p := range pieces {
		if strings.Contains(p.text, "#") {
			return nil, nil, errors.New("has a # in it, which no server gets to see: one that is meant is written %23")
		}
		at := strings.IndexByte(p.text, '?')
		if at < 0 {
			continue
		}
		if len(pieces) > i+1 {
			return nil, nil, errors.New("has an expression behind its question mark: expressions of the query stand " +
				"under query")
		}
		query, err := parseQuery(p.text[at+1:])
		return append(pieces[:i:i], piece{p.text[:at], -1}), query, err
	}
	return pieces, nil, nil
}

func parseQuery(text string) (pairs []Pair, err error) {
	for pair := range strings.SplitSeq(text, "&") {
		if pair == "" {
			continue
		}
		key, value, _ := strings.Cut(pair, "=")
		decodedKey, errKey := url.QueryUnescape(key)
		decodedValue, errValue := url.QueryUnescape(value)
		if errKey != nil || errValue != nil {
			return nil, errors.New("has a % in its query that encodes nothing: one that is meant is written %25")
		}
		pairs = append(pairs, Pair{decodedKey, decodedValue})
	}
	return pairs, CheckPairs(pairs)
}

// segmentsOf divides what was written at its slashes, and decodes the texts.
func segmentsOf(pieces []piece) ([][]part, error) {
	if len(pieces) > 0 && strings.Contains(pieces[0].text, "://") {
		return nil, errors.New("is a URL: want a path, such as /v1/customers; the host is that of the region")
	}
	segments := [][]part{{}}
	for i, p := range pieces {
		if p.place >= 0 {
			segments[len(segments)-1] = append(segments[len(segments)-1], part{place: p.place})
			continue
		}
		text := p.text
		if i == 0 {
			text = strings.TrimPrefix(text, "/")
		}
		for j, piece := range strings.Split(text, "/") {
			if j > 0 {
				segments = append(segments, nil)
			}
			if piece == "" {
				continue
			}
			decoded, err := url.PathUnescape(piece)
			if err != nil {
				return nil, errors.New("has a % in it that encodes nothing: one that is meant is written %25")
			}
			segments[len(segments)-1] = append(segments[len(segments)-1], part{decoded, -1})
		}
	}
	for _, segment := range segments {
		if len(segment) == 0 {
			return nil, errors.New("has a part that is empty: want a path such as /v1/customers, with something " +
				"between, before and behind its slashes")
		}
	}
	return segments, nil
}

// prefixed gives the path the prefix of the API, whether or not it was written with one.
func prefixed(api customerio.API, segments [][]part) [][]part {
	begins := func(names ...string) bool {
		if len(segments) <= len(names) {
			return false
		}
		for i, name := range names {
			if len(segments[i]) != 1 || segments[i][0] != (part{name, -1}) {
				return false
			}
		}
		return true
	}
	put := func(names ...string) [][]part {
		var all [][]part
		for _, name := range names {
			all = append(all, []part{{name, -1}})
		}
		return append(all, segments...)
	}
	if api == customerio.TrackAPI {
		switch alone := len(segments) == 1; {
		case begins("api", "v1"), begins("api", "v2"), begins("unsubscribe"):
			return segments
		case begins("v1"), begins("v2"):
			return put("api")
		case alone && (segments[0][0] == part{"entity", -1} || segments[0][0] == part{"batch", -1}):
			return put("api", "v2")
		case alone && segments[0][0] == part{"auth", -1}:
			return segments
		}
		return put("api", "v1")
	}
	for _, name := range []string{"api", "v1", "api"} {
		if begins(name) {
			segments = segments[1:]
		}
	}
	if api == customerio.BetaAPI {
		return put("v1", "api")
	}
	return put("v1")
}

// prefixLength is how many of the segments are the API's prefix.
func prefixLength(segments [][]part) int {
	n := 0
	for n < 2 && n+1 < len(segments) && len(segments[n]) == 1 && segments[n][0].place < 0 &&
		(segments[n][0].text == "api" || segments[n][0].text == "v1" || segments[n][0].text == "v2") {
		n++
	}
	return n
}
