package explain

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ciobridge/ciobridge/internal/choice"
)

// maxNamed is how many types are named where none is near.
const maxNamed = 5

// Unnamed says that no rule names a type, and which of the patterns that rules have is near to it.
func Unnamed(typ string, patterns []string) string {
	patterns = unique(patterns)
	text := fmt.Sprintf("no rule names the type %q", typ)
	if near := nearest(typ, patterns); near != "" {
		return fmt.Sprintf("%s; the nearest is %q", text, near)
	}
	switch n := len(patterns); {
	case n == 0:
		return text + "; there is no rule"
	case n > maxNamed:
		return fmt.Sprintf("%s; the rules name %s and %d more", text, strings.Join(patterns[:maxNamed], ", "),
			n-maxNamed)
	}
	return text + "; the rules name " + choice.And(patterns)
}

// unique gives each pattern once, in order.
func unique(patterns []string) (once []string) {
	for _, p := range patterns {
		if !slices.Contains(once, p) {
			once = append(once, p)
		}
	}
	return once
}

// nearest gives the pattern that takes the fewest changes to fit the type, if those are few; or else one that has the
// type's last words, or whose last words the type has.
func nearest(typ string, patterns []string) string {
	best, distance := "", 3
	lower := strings.ToLower(typ)
	for _, p := range patterns {
		plain := len(strings.ReplaceAll(p, "*", ""))
		if d := changes(lower, strings.ToLower(p)); d < distance && d < plain {
			best, distance = p, d
		}
	}
	for _, p := range patterns {
		if best == "" && (endsLike(lower, strings.ToLower(p)) || endsLike(strings.ToLower(p), lower)) {
			best = p
		}
	}
	return best
}

// endsLike reports whether a type ends with another one, behind the name of a system or a topic.
func endsLike(long, short string) bool {
	rest, ok := strings.CutSuffix(long, short)
	return ok && short != "" && rest != "" && strings.ContainsAny(rest[len(rest)-1:], "./:_-/")
}

// maxCompared bounds the work: no rule has longer types.
const maxCompared = 200

// changes counts what has to be changed so that a text fits a pattern.
func changes(text, pattern string) int {
	return choice.Changes(text[:min(len(text), maxCompared)], pattern[:min(len(pattern), maxCompared)])
}
