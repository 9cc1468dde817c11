package expr

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/itchyny/gojq"
)

// jqProgram is a program that runs on gojq.
type jqProgram struct {
	query      *gojq.Query
	vars       []string    // those that the program uses
	projection *projection // what it reads of the document
	patterns   map[patternKey]*pattern

	mu   sync.Mutex
	idle []*machine
}

// machine is a compiled copy of a program and the fuel of its run, from which its functions take. A program has as many as run at once.
type machine struct {
	fuel     fuel
	code     *gojq.Code
	patterns map[patternKey]*pattern
}

func newJQ(q *gojq.Query, vars []string) (*jqProgram, error) {
	patterns, err := patternsOf(q)
	if err != nil {
		return nil, err
	}
	q = instrumented(q)
	j := &jqProgram{query: redefine(q, libraryOf(q)), vars: vars, patterns: patterns}
	m, err := j.acquire()
	if err != nil {
		return nil, err
	}
	j.putBack(m)
	return j, nil
}

// acquire gives one that is idle, or a new one.
func (j *jqProgram) acquire() (m *machine, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if n := len(j.idle); n > 0 {
		m, j.idle = j.idle[n-1], j.idle[:n-1]
		return m, nil
	}
	m = &machine{patterns: j.patterns}
	var named []string
	for _, v := range j.vars {
		named = append(named, "$"+v)
	}
	options := append([]gojq.CompilerOption{
		gojq.WithFunction("unix", 0, 0, jqUnix(1)),
		gojq.WithFunction("unix_ms", 0, 0, jqUnix(1000)),
		gojq.WithVariables(named),
	}, natives...)
	m.code, err = gojq.Compile(j.query, append(options, m.options()...)...)
	return m, err
}

// putBack takes a machine back.
func (j *jqProgram) putBack(m *machine) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.idle = append(j.idle, m)
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
		ms, problem := parseTime(v, perSecond)
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
	if err := d.exhausted(); err != nil {
		return err
	}
	m, err := j.acquire()
	if err != nil {
		return err
	}
	defer func() {
		d.used += m.fuel.used()
		j.putBack(m)
	}()
	m.fuel = fuel{Context: context.Background()}
	var made meter
	outputs := m.code.RunWithContext(&m.fuel, d.input(j.projection), vars...)
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
		if err := made.count(v); err != nil {
			return err
		}
		m.fuel.last = time.Time{} // what the caller does with an output is not the program's time
		if err := yield(v); err != nil {
			return err
		}
	}
}

// next asks gojq for the next output. A panic inside gojq, which it has had on rare values, becomes the failure of this run alone.
func next(outputs gojq.Iter) (out any, ok bool) {
	defer func() {
		if recover() != nil {
			out, ok = &EvalError{Kind: Failed, Reason: "gojq broke off with a panic; please report the expression"}, true
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
	return &EvalError{Kind: Failed, Reason: describe(err)}
}
