package jq

import (
	"errors"
	"sync"

	"github.com/itchyny/gojq"

	"github.com/ciobridge/ciobridge/mapping/expr/document"
	"github.com/ciobridge/ciobridge/mapping/expr/limits"
)

// Program is a program that runs on gojq, for use by several goroutines.
type Program struct {
	query    *gojq.Query
	vars     []string // those that the program uses
	patterns map[patternKey]*pattern

	mu   sync.Mutex
	idle []*machine
}

// machine is a compiled copy of a program and the fuel of its run, from which its functions take. A program has as
// many as run at once.
type machine struct {
	fuel     limits.Fuel
	code     *gojq.Code
	patterns map[patternKey]*pattern
}

// Compile compiles a program that Parse gave. Vars are those that it uses. It changes q.
func Compile(q *gojq.Query, vars []string) (*Program, error) {
	patterns, err := patternsOf(q)
	if err != nil {
		return nil, err
	}
	q = instrumented(q)
	j := &Program{query: redefine(q, libraryOf(q)), vars: vars, patterns: patterns}
	m, err := j.acquire()
	if err != nil {
		return nil, err
	}
	j.putBack(m)
	return j, nil
}

// acquire gives one that is idle, or a new one.
func (j *Program) acquire() (m *machine, err error) {
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
		gojq.WithVariables(named),
	}, natives...)
	for name, perSecond := range document.TimeFunctions {
		options = append(options, gojq.WithFunction(name, 0, 1, jqUnix(perSecond)))
	}
	m.code, err = gojq.Compile(j.query, append(options, m.options()...)...)
	return m, err
}

// putBack takes a machine back.
func (j *Program) putBack(m *machine) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.idle = append(j.idle, m)
}

func jqUnix(perSecond int64) func(any, []any) any {
	return func(in any, args []any) any {
		v, err := encode(nil, in)
		if err != nil {
			return err
		}
		var zone []byte
		if len(args) > 0 {
			name, ok := args[0].(string)
			if !ok {
				return limits.Failedf("the time zone is not a string")
			}
			zone = append([]byte{}, name...)
		}
		seconds, known, err := document.Unix(v, perSecond, zone)
		switch {
		case err != nil:
			return limits.Unreadablef("%s", err)
		case !known:
			return nil
		}
		return int(seconds)
	}
}

// Vars are the variables that the program uses, without the dollar sign.
func (j *Program) Vars() []string { return j.vars }

// Run yields the outputs of the program for an input and the values of its variables, until one yield gives an error,
// which Run returns as it is. Outputs are appended to the arena. Steps is what the run counts for.
func (j *Program) Run(input any, vars []any, arena *[]byte, yield func(document.Value) error) (steps int, err error) {
	m, err := j.acquire()
	if err != nil {
		return 0, err
	}
	defer func() {
		steps = m.fuel.Used()
		j.putBack(m)
	}()
	m.fuel = limits.NewFuel()
	var meter limits.Meter
	outputs := m.code.RunWithContext(&m.fuel, input, vars...)
	for {
		out, ok := next(outputs)
		if !ok {
			return 0, nil
		}
		if err, ok := out.(error); ok {
			return 0, evalError(err)
		}
		start := len(*arena)
		v, err := encode(*arena, out)
		if err != nil {
			return 0, err
		}
		*arena = v.Raw
		v.Raw = v.Raw[start:len(v.Raw):len(v.Raw)]
		if err := meter.Count(len(v.Raw)); err != nil {
			return 0, err
		}
		m.fuel.Pause() // what the caller does with an output is not the program's time
		if err := yield(v); err != nil {
			return 0, err
		}
	}
}

// next asks gojq for the next output. A panic inside gojq, which it has had on rare values, becomes the failure of
// this run alone.
func next(outputs gojq.Iter) (out any, ok bool) {
	defer func() {
		if recover() != nil {
			out, ok = &limits.EvalError{Kind: limits.Failed,
				Reason: "gojq broke off with a panic; please report the expression"}, true
		}
	}()
	return outputs.Next()
}

// evalError puts an error of gojq into words of our own. Gojq's text quotes values and is not kept.
func evalError(err error) error {
	var own *limits.EvalError
	if errors.As(err, &own) {
		return own
	}
	var thrown gojq.ValueError
	if errors.As(err, &thrown) {
		return limits.Failedf("called error")
	}
	if functionOf(err) == "tonumber" {
		return &limits.EvalError{Kind: limits.Unreadable, Reason: describe(err)}
	}
	return &limits.EvalError{Kind: limits.Failed, Reason: describe(err)}
}
