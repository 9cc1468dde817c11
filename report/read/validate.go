package read

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ciobridge/ciobridge/internal/choice"
	"github.com/ciobridge/ciobridge/internal/mistake"
	"github.com/ciobridge/ciobridge/report"
)

// Validate reports every mistake in the type and the params of a report, each with its path from the report's own
// section. It makes no request, so that it cannot tell whether a segment exists.
func Validate(c report.Config) error {
	var l mistake.List
	k, known := kinds[c.Type]
	switch {
	case c.Type == "":
		l.Add(at("type"), "is missing: give %s", choice.List(Types()))
	case !known:
		l.Add(at("type"), "%q is no type of reports%s: give %s", c.Type, choice.Near(c.Type, Types()),
			choice.List(Types()))
	}
	if !known {
		return l.Err()
	}
	for _, p := range params {
		if p.given(c.Params) && !slices.Contains(k.params, p.key) {
			l.Add(at("params."+p.key), "means nothing to a report of type %s, which knows %s", c.Type,
				choice.And(k.params))
		}
	}
	k.check(c.Params, &l)
	return l.Err()
}

func at(path string) mistake.Place { return mistake.Place{Path: path} }

// checkTexts looks at a list of texts, none of which may be empty or stand there twice.
func checkTexts(key string, texts []string, l *mistake.List) {
	if texts != nil && len(texts) == 0 {
		l.Add(at("params."+key), "is an empty list: leave it out")
	}
	for i, text := range texts {
		path := "params." + key + "[" + strconv.Itoa(i) + "]"
		switch {
		case strings.TrimSpace(text) == "":
			l.Add(at(path), "is empty")
		case slices.Contains(texts[:i], text):
			l.Add(at(path), "%q stands there twice", text)
		}
	}
}

// checkSince looks at how far back a report goes.
func checkSince(since, most time.Duration, l *mistake.List) {
	if since != 0 && (since < time.Hour || since > most) {
		l.Add(at("params.since"), "%s is outside %s to %s", since, time.Hour, most)
	}
}

// oneOf looks at a word that may be left out.
func oneOf(key, word string, known []string, l *mistake.List) {
	if word != "" && !slices.Contains(known, word) {
		l.Add(at("params."+key), "%q is not known%s: give %s", word, choice.Near(word, known), choice.List(known))
	}
}
