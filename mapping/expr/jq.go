package expr

import (
	"context"
	"errors"
	"time"

	"github.com/itchyny/gojq"
)

// jqProgram is a program that runs on gojq.
type jqProgram struct {
	code  *gojq.Code
	vars  []string // those that the program uses
	reads *reading // what it reads of the document
}

func newJQ(q *gojq.Query, vars []string) (*jqProgram, error) {
	var named []string
	for _, v := range vars {
		named = append(named, "$"+v)
	}
	q = guarded(q)
	redefine(q)
	options := append([]gojq.CompilerOption{
		gojq.WithFunction("unix", 0, 0, jqUnix(1)),
		gojq.WithFunction("unix_ms", 0, 0, jqUnix(1000)),
		gojq.WithVariables(named),
	}, append(natives, guards...)...)
	code, err := gojq.Compile(q, options...)
	if err != nil {
		return nil, err
	}
	return &jqProgram{code: code, vars: vars}, nil
}

func jqUnix(perSecond int64) func(any, []any) any {
	return func(in any, _ []any) any {
		if in == nil {
			return nil
		}
		v, err := encode(nil, in)
		if err != nil {
			return err
		}
		ms, problem := readTime(v, perSecond)
		if problem != "" {
			return failedf("%s", problem)
		}
		return int(ms / 1000)
	}
}

// run yields the outputs of the program.
func (j *jqProgram) run(d *Document, yield func(Value) error) error {
	var vars []any
	for _, name := range j.vars {
		vars = append(vars, decode(d.lookup(name).Raw))
	}
	var m meter
	f := &fuel{Context: context.Background()}
	outputs := j.code.RunWithContext(f, d.input(j.reads), vars...)
	for {
		out, ok := next(outputs)
		if !ok {
			return nil
		}
		if err, ok := out.(error); ok {
			return evalError(err)
		}
		start := len(d.arena)
		v, err := encode(d.arena, out)
		if err != nil {
			return err
		}
		d.arena = v.Raw
		v.Raw = v.Raw[start:len(v.Raw):len(v.Raw)]
		if err := m.add(v); err != nil {
			return err
		}
		if err := yield(v); err != nil {
			return err
		}
		f.last = time.Time{} // what the caller does with an output is not the program's time
	}
}

// next asks gojq for the next output. A panic inside gojq, which it has had on rare values, becomes the failure of this run alone.
func next(outputs gojq.Iter) (out any, ok bool) {
	defer func() {
		if recover() != nil {
			out, ok = &EvalError{Failed, "gojq broke off with a panic; please report the expression"}, true
		}
	}()
	return outputs.Next()
}

// evalError puts an error of gojq into words of our own. Gojq's text quotes values and is not kept.
func evalError(err error) error {
	var own *EvalError
	if errors.As(err, &own) {
		return own
	}
	var thrown gojq.ValueError
	if errors.As(err, &thrown) {
		return failedf("called error")
	}
	return &EvalError{Failed, describe(err)}
}
