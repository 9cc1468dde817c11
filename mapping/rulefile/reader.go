package rulefile

import (
	"errors"
	"fmt"

	"github.com/goccy/go-yaml/ast"

	"github.com/ciobridge/ciobridge/mapping"
)

// reader takes YAML apart and keeps going after a mistake, so that one run names them all.
type reader struct {
	file string // empty for a part of the configuration
	errs []error
}

func (r *reader) err() error { return errors.Join(r.errs...) }

func (r *reader) pos(n ast.Node) mapping.Position {
	return mapping.At(r.file, line(n))
}

func (r *reader) fail(n ast.Node, at, format string, args ...any) {
	if at != "" {
		at += ": "
	}
	r.errs = append(r.errs, errors.New(r.pos(n).Prefix()+at+fmt.Sprintf(format, args...)))
}

// written is what somebody wrote, for an error that quotes it. Of what stands in the configuration itself nothing is
// quoted: a secret may stand there by mistake. Rule files are apart from those.
func (r *reader) written(text string) string {
	if r.file == "" {
		return "…"
	}
	return text
}

func line(n ast.Node) int {
	if n == nil || n.GetToken() == nil {
		return 0
	}
	return n.GetToken().Position.Line
}
