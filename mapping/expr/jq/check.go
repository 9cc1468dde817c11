package jq

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/itchyny/gojq"

	"github.com/ciobridge/ciobridge/mapping/expr/document"
	"github.com/ciobridge/ciobridge/mapping/expr/limits"
	"github.com/ciobridge/ciobridge/mapping/expr/syntax"
)

// forbidden are the names that a program must not use, each with the reason. What a rule makes of an event must not
// depend on the machine or the moment, or a replay would give something else.
var forbidden = map[string]string{
	"now":               "now is different at every replay; use a time of the event",
	"localtime":         "localtime depends on the machine's time zone; use gmtime",
	"strflocaltime":     "strflocaltime depends on the machine's time zone; use strftime",
	"input":             "input is not available: a rule sees one event",
	"inputs":            "inputs is not available: a rule sees one event",
	"input_filename":    "input_filename is not available: events do not come from files",
	"env":               "env is not available: rules do not read the environment",
	"$ENV":              "$ENV is not available: rules do not read the environment",
	"debug":             "debug is not available: events are not printed; try the program with jq",
	"stderr":            "stderr is not available: events are not printed; try the program with jq",
	"halt":              "halt is not available: a rule cannot stop the bridge; use empty or error",
	"halt_error":        "halt_error is not available: a rule cannot stop the bridge; use empty or error",
	"get_search_list":   "modules are not available; define the function in the program itself",
	"modulemeta":        "modules are not available; define the function in the program itself",
	"input_line_number": "input_line_number is not available: events do not come from files",
}

// Source is a program as Parse read it.
type Source struct {
	// Query is its syntax tree, in which the functions that programs share are written out.
	Query *gojq.Query
	// Used are the variables and functions that it uses, variables with their dollar sign.
	Used []string
	// Warnings name the parts of it that fail whatever the event is.
	Warnings []string
}

// Parse reads a program and refuses what no rule may use. It may call the functions of defs, and use variables of the
// names vars, without the dollar sign. An error is a *CompileError.
func Parse(src string, defs *Definitions, vars []string) (Source, error) {
	if err := sizeOf(src); err != nil {
		return Source{}, err
	}
	q, err := gojq.Parse(src)
	if err != nil {
		return Source{}, parseError(src, err)
	}
	if err := check(src, q, defs, vars); err != nil {
		return Source{}, err
	}
	out := Source{Warnings: warnings(q)}
	out.Query = defs.expand(q)
	out.Used, _ = syntax.Names(out.Query)
	return out, nil
}

// check refuses what no rule may use.
func check(src string, q *gojq.Query, defs *Definitions, vars []string) error {
	if why := oversized(q); why != "" {
		return &CompileError{src, -1, why}
	}
	if len(q.Imports) > 0 || q.Meta != nil {
		return &CompileError{src, -1, forbidden["modulemeta"]}
	}
	used, bound := syntax.Names(q)
	for _, name := range used {
		if why, ok := forbidden[name]; ok {
			return &CompileError{src, strings.Index(src, name), why}
		}
		if name[0] == '$' && !bound[name] && !slices.Contains(vars, name[1:]) {
			return unknownVariable(src, name, vars)
		}
	}
	if err := unknownFunction(src, q, defs); err != nil {
		return err
	}
	if name := unknownFormat(q); name != "" {
		why := "no such format; there are " + strings.Join(formats, ", ")
		return &CompileError{src, strings.Index(src, name), why}
	}
	if name := unknownZone(q); name != "" {
		return &CompileError{src, strings.Index(src, name), "the argument of " + name + " is no time zone; want a " +
			"name such as Europe/Oslo, or an offset such as +01:00"}
	}
	if name := variableRegexp(q); name != "" {
		why := name + " needs its regular expression as a constant string, such as " + name +
			`("^c_"); flags are the argument after it`
		return &CompileError{src, strings.Index(src, name), why}
	}
	return nil
}

// sizeOf refuses what gojq's parser, and all that walks a syntax tree, would be slow or deep on. It counts brackets
// inside of strings too.
func sizeOf(src string) error {
	if len(src) > limits.MaxProgram {
		return &CompileError{src, limits.MaxProgram,
			"longer than 16 KiB: split it over several fields, or define functions for what it repeats"}
	}
	depth := 0
	for i := range len(src) {
		switch src[i] {
		case '(', '[', '{':
			if depth++; depth > limits.MaxBrackets {
				return &CompileError{src, i,
					"more than 256 brackets inside each other: define functions for the inner parts"}
			}
		case ')', ']', '}':
			depth = max(0, depth-1)
		}
	}
	return nil
}

// oversized names a path or a number of the program that is too long, or gives nothing.
func oversized(q *gojq.Query) (why string) {
	v := syntax.Visitor{Term: func(t *gojq.Term) {
		switch {
		case len(t.SuffixList) >= limits.MaxPath:
			why = "a path of more than 1,000 steps"
		case digitsIn(t.Number) > document.MaxDigits:
			why = "a number of more than 1,000 digits"
		}
	}}
	v.Visit(q)
	return why
}

// digitsIn counts the digits of a number.
func digitsIn(number string) (n int) {
	for i := range len(number) {
		if number[i]-'0' < 10 {
			n++
		}
	}
	return n
}

// formats are what gojq can write a value in, or read it from.
var formats = []string{"@text", "@json", "@html", "@uri", "@urid", "@csv", "@tsv", "@sh", "@base64", "@base64d"}

// unknownFormat names a format that there is not, which gojq would only find out when the program runs.
func unknownFormat(q *gojq.Query) (name string) {
	v := syntax.Visitor{Term: func(t *gojq.Term) {
		if t.Format != "" && name == "" && !slices.Contains(formats, t.Format) {
			name = t.Format
		}
	}}
	v.Visit(q)
	return name
}

// unknownZone names a function of times whose argument is a text and no time zone.
func unknownZone(q *gojq.Query) (name string) {
	v := &syntax.Visitor{}
	v.Term = func(t *gojq.Term) {
		if t.Func == nil || len(t.Func.Args) != 1 || document.TimeFunctions[t.Func.Name] == 0 {
			return
		}
		zone, ok := syntax.ConstantString(t.Func.Args[0])
		if _, err := document.Zone(zone); ok && err != nil && !v.Defined(syntax.Signature(t.Func.Name, 1)) {
			name = t.Func.Name
		}
	}
	v.Visit(q)
	return name
}

// unknownFunction names a function that is not to be had, so that one that a newer gojq adds cannot be called before
// it is known what it costs, or a name that is ours.
func unknownFunction(src string, q *gojq.Query, defs *Definitions) (err error) {
	fail := func(name, why string) {
		if err == nil {
			err = &CompileError{src, strings.Index(src, name), why}
		}
	}
	v := &syntax.Visitor{}
	v.Bound = func(name string) {
		if strings.HasPrefix(name, "$__") {
			fail(name, "names that begin with __ are taken; choose another")
		}
	}
	v.Def = func(def *gojq.FuncDef) {
		for _, name := range append(def.Args, def.Name) {
			if strings.HasPrefix(strings.TrimPrefix(name, "$"), "__") {
				fail(name, "names that begin with __ are taken; choose another")
			}
		}
	}
	v.Term = func(t *gojq.Term) {
		if t.Func == nil || t.Func.Name[0] == '$' {
			return
		}
		name := syntax.Signature(t.Func.Name, len(t.Func.Args))
		if v.Defined(name) || defs.knows(name) || t.Func.Name[0] != '_' && isJQ(name) {
			return
		}
		fail(t.Func.Name, "function not defined: "+name+defs.near(t.Func.Name))
	}
	v.Visit(q)
	return err
}

// isJQ reports whether a signature is that of a function that every program may call.
func isJQ(signature string) bool {
	return costs[signature] != nil || cheap[signature] || inLibrary[signature]
}

func parseError(src string, err error) error {
	var at *gojq.ParseError
	if !errors.As(err, &at) {
		return &CompileError{src, -1, err.Error()}
	}
	if at.Token == "" {
		return &CompileError{src, at.Offset, "ends too early: a bracket, a quote or an operand is missing"}
	}
	return &CompileError{src, max(0, at.Offset-len(at.Token)),
		fmt.Sprintf("unexpected %q; keys with other characters than letters, digits and _ "+
			"are written .[\"like this\"]", at.Token)}
}

func unknownVariable(src, name string, vars []string) error {
	known := "there are none here"
	if len(vars) > 0 {
		known = "known here: $" + strings.Join(vars, ", $")
	}
	return &CompileError{src, strings.Index(src, name), fmt.Sprintf("unknown variable %s; %s", name, known)}
}
