package reference

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ciobridge/ciobridge/internal/yamltree"
)

// Tables is a table for each map that rows tell of, with a heading that gives its path. Maps that have the same keys
// share one. What stands below the keys of leave has its tables elsewhere. Top is the heading of the first table.
func Tables(rows []yamltree.Row, top string, leave ...string) string {
	t := tables{leave: leave}
	t.add(top, "", rows)
	var b strings.Builder
	for _, s := range t.sections {
		fmt.Fprintf(&b, "### %s\n\n", s.headings[0])
		if others := s.headings[1:]; len(others) > 0 {
			fmt.Fprintf(&b, "Also %s.\n\n", strings.Join(others, ", "))
		}
		fmt.Fprintf(&b, "| key | what it is | default | example |\n|---|---|---|---|\n%s\n", s.lines)
	}
	return b.String()
}

type tables struct {
	leave    []string
	sections []section
}

type section struct {
	headings []string
	lines    string
}

func (t *tables) add(heading, path string, rows []yamltree.Row) {
	lines := ""
	for _, r := range rows {
		lines += line(r)
	}
	at := slices.IndexFunc(t.sections, func(s section) bool { return s.lines == lines })
	if at < 0 {
		at = len(t.sections)
		t.sections = append(t.sections, section{lines: lines})
	}
	if s := &t.sections[at]; !slices.Contains(s.headings, heading) {
		s.headings = append(s.headings, heading)
	}
	for _, r := range rows {
		if r.Inside == nil || slices.Contains(t.leave, r.Key) {
			continue
		}
		inner := path + "." + keyOf(r)
		if path == "" {
			inner = keyOf(r)
		}
		if r.Many != yamltree.One {
			inner += "[]"
		}
		t.add("`"+inner+"`", inner, r.Inside())
	}
}

func keyOf(r yamltree.Row) string {
	if r.Key == "" {
		return "NAME"
	}
	return r.Key
}

// line is the line of a row in its table.
func line(r yamltree.Row) string {
	key := "`" + keyOf(r) + "`"
	if r.Required {
		key = "**" + key + "**"
	}
	standing := r.Default
	if r.Form == yamltree.InBool && standing == "" {
		standing = "false"
	}
	return fmt.Sprintf("| %s | %s | %s | %s |\n", key, cell(sentences(r)), code(standing), code(r.Example))
}

// sentences are what a row means, the words that may stand there, and its unit.
func sentences(r yamltree.Row) string {
	text := r.Meaning
	if len(r.Choices) > 0 {
		text += " One of `" + strings.Join(r.Choices, "`, `") + "`."
		if r.Many != yamltree.One {
			text = strings.Replace(text, " One of `", " Some of `", 1)
		}
	}
	if r.Unit != "" {
		text += " In " + r.Unit + "."
	}
	return text
}

func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }

func code(text string) string {
	if text == "" {
		return ""
	}
	return "`" + cell(text) + "`"
}
