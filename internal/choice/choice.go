package choice

import (
	"fmt"
	"strings"
)

// List joins words of which one is to be chosen: a, b or c.
func List(words []string) string { return join(words, " or ") }

// And joins words that all count: a, b and c.
func And(words []string) string { return join(words, " and ") }

func join(words []string, last string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + last + words[len(words)-1]
}

// Near gives `, did you mean "x"?` for the known word that is nearest to what was written, or nothing where none is
// near.
func Near(written string, known []string) string {
	if best, ok := Nearest(written, known); ok {
		return fmt.Sprintf(", did you mean %q?", best)
	}
	return ""
}

// Nearest is the known word that is nearest to what was written, if one is near.
func Nearest(written string, known []string) (best string, ok bool) {
	written = strings.Trim(written, "\"'`“”„‘’«»") // which a word processor may have put around it
	distance := 3
	for _, k := range known {
		if d := editDistance(strings.ToLower(written), k); d < distance && d < len(k) {
			best, distance = k, d
		}
	}
	return best, best != ""
}

// editDistance counts the insertions, deletions, replacements and swaps of neighbours that turn a into b.
func editDistance(a, b string) int { return changes(a, b, false) }

// Changes counts the letters that are inserted, deleted, replaced or swapped with their neighbours so that a text fits
// a pattern, in which * stands for any run of characters. The work grows with the product of both lengths.
func Changes(text, pattern string) int { return changes(text, pattern, true) }

// changes is the distance of Damerau and Levenshtein between neighbours, where a star costs nothing if it is any run.
func changes(text, pattern string, anyRun bool) int {
	var before, last, row []int
	for i := 0; i <= len(text); i++ {
		before, last, row = last, row, make([]int, len(pattern)+1)
		for j := range row {
			switch {
			case i == 0 && j == 0:
				row[j] = 0
			case anyRun && j > 0 && pattern[j-1] == '*':
				if row[j] = row[j-1]; i > 0 {
					row[j] = min(row[j], last[j])
				}
			case i == 0:
				row[j] = row[j-1] + 1
			case j == 0:
				row[j] = i
			default:
				cost := 1
				if text[i-1] == pattern[j-1] {
					cost = 0
				}
				row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
				if i > 1 && j > 1 && text[i-1] == pattern[j-2] && text[i-2] == pattern[j-1] {
					row[j] = min(row[j], before[j-2]+1)
				}
			}
		}
	}
	return row[len(pattern)]
}
