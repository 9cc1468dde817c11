package mapping

import (
	"strconv"

	"github.com/ciobridge/ciobridge/internal/mistake"
	"github.com/ciobridge/ciobridge/mapping/expr"
)

func quoted(name string) string {
	if name == "" {
		return "without a name"
	}
	return strconv.Quote(name)
}

func indexed(name string, i int) string { return name + "[" + strconv.Itoa(i) + "]" }

// compiler turns settings into rules and collects the mistakes.
type compiler struct {
	mistake.List // what is wrong, so that all of it can be mended at once
	out          *compiled
	allow        []string
}

// program compiles an expression that stands in the field with a path. It is nil where nothing was written or a mistake
// was noted.
func (b *compiler) program(v Term, where string, vars ...string) *expr.Program {
	if v.IsZero() {
		return nil
	}
	if v.Program == "" {
		b.Add(v.Pos.With(where), "want an expression, found the literal %s", v.Literal)
		return nil
	}
	p, err := b.out.set.Compile(v.Program, append(vars, "message", "change")...)
	if err != nil {
		b.Add(v.Pos.With(where), "%w", err)
		return nil
	}
	for _, warning := range p.Warnings() {
		b.out.warnings = append(b.out.warnings, mistake.New(v.Pos.With(where), "%s", warning))
	}
	return p
}
