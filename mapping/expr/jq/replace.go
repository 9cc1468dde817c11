package jq

import (
	"strings"

	"github.com/itchyny/gojq"

	"github.com/ciobridge/ciobridge/mapping/expr/document"
	"github.com/ciobridge/ciobridge/mapping/expr/limits"
)

// replacement is a text in which sub puts others in the place of matches. Where sub's argument gives several outputs
// there are several such texts.
type replacement struct {
	fuel    *limits.Fuel
	text    string
	between string // since the match before
	rest    string // behind the last match
	made    []*strings.Builder
	n       int // outputs for the match that was found last
}

func (m *machine) newReplacement(v any, _ []any) any {
	text, ok := v.(string)
	if !ok {
		return limits.Failedf("sub needs a string, not %s", document.Article(kindOfGo(v)))
	}
	return &replacement{fuel: &m.fuel, text: text, rest: text}
}

// replaced gives the captures of each match in turn.
func (m *machine) replaced(v any, args []any) gojq.Iter {
	r := args[0].(*replacement)
	s, err := m.search("sub", v, args[1:])
	if err != nil {
		return gojq.NewIter(err)
	}
	from := 0
	return &matches{search: s, output: func(found []int) (any, error) {
		r.between, r.rest, r.n = s.text[from:found[0]], s.text[found[1]:], 0
		from = found[1]
		return s.capture(found)
	}}
}

// put adds one output for the match that was found last.
func (m *machine) put(v any, args []any) any {
	r := args[0].(*replacement)
	with, ok := args[1].(string)
	if !ok && args[1] != nil {
		return limits.Failedf("sub needs strings to put in, not %s", document.Article(kindOfGo(args[1])))
	}
	if err := r.fuel.Pay(2 * (len(r.between) + len(with))); err != nil {
		return err
	}
	if r.n == len(r.made) {
		r.made = append(r.made, &strings.Builder{})
	}
	r.made[r.n].WriteString(r.between)
	r.made[r.n].WriteString(with)
	r.n++
	return v
}

// texts gives the texts that were made, or the one that came in where nothing was put into it.
func (m *machine) texts(_ any, args []any) gojq.Iter {
	r := args[0].(*replacement)
	if len(r.made) == 0 {
		return gojq.NewIter[any](r.text)
	}
	var texts []any
	for _, b := range r.made {
		if err := r.fuel.Pay(b.Len() + len(r.rest)); err != nil {
			return gojq.NewIter[any](err)
		}
		b.WriteString(r.rest)
		texts = append(texts, b.String())
	}
	return gojq.NewIter(texts...)
}
