package mapping

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/ciobridge/ciobridge/mapping/expr"
)

// mistakes collects what is wrong with a configuration, so that all of it can be mended at once.
type mistakes struct{ errs []error }

func (m *mistakes) add(format string, args ...any) {
	m.errs = append(m.errs, fmt.Errorf(format, args...))
}

func (m *mistakes) err() error { return errors.Join(m.errs...) }

func quoted(name string) string {
	if name == "" {
		return "without a name"
	}
	return strconv.Quote(name)
}

func indexed(name string, i int) string { return name + "[" + strconv.Itoa(i) + "]" }

// compiler turns settings into rules and collects the mistakes.
type compiler struct {
	mistakes
	out   *compiled
	allow []string
}

// program compiles an expression; nil where nothing was written or a mistake was noted.
func (b *compiler) program(v Term, where string, vars ...string) *expr.Program {
	if v.IsZero() {
		return nil
	}
	if v.Program == "" {
		b.add("%s%s: want an expression, found the literal %s", v.Pos.Prefix(), where, v.Literal)
		return nil
	}
	p, err := b.out.set.Compile(v.Program, append(vars, "message", "change")...)
	if err != nil {
		b.add("%s%s: %w", v.Pos.Prefix(), where, err)
		return nil
	}
	for _, warning := range p.Warnings() {
		b.out.warnings = append(b.out.warnings, v.Pos.Prefix()+where+": "+warning)
	}
	return p
}
