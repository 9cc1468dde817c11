package jq

import (
	"strings"

	"github.com/itchyny/gojq"

	"github.com/ciobridge/ciobridge/mapping/expr/limits"
	"github.com/ciobridge/ciobridge/mapping/expr/syntax"
)

// costs are the functions of gojq whose work grows with a value, each with what a call costs. A call of one becomes a
// check that the run can pay for it, and the call. What gojq has beside these, cheap and the library cannot be
// called.
var costs = map[string]cost{
	"length/0": ofText(1), "utf8bytelength/0": once(0), "keys/0": once(2), "reverse/0": once(1),
	"to_entries/0": once(2), "from_entries/0": once(2), "with_entries/1": once(2),
	"map/1": once(1), "any/0": once(1), "any/1": once(1), "all/0": once(1), "all/1": once(1), "first/0": ofText(1),
	"last/0": ofText(1),
	"add/0":  addedUp, "join/1": joined, "flatten/0": times(2), "flatten/1": times(2), "transpose/0": transposed,
	"tostring/0": times(3), "tojson/0": times(3), "format/1": times(8), "fromjson/0": ofText(40),
	"tonumber/0": numeralText,
	"contains/1": contained, "inside/1": contained, "indices/1": positions, "index/1": positions,
	"rindex/1": positions, "bsearch/1": searched,
	"startswith/1": onText(once(0)), "endswith/1": onText(once(0)), "ltrimstr/1": onText(once(0)),
	"rtrimstr/1": onText(once(0)), "trimstr/1": onText(once(0)), "ltrim/0": onText(ofText(1)),
	"rtrim/0": onText(ofText(1)), "trim/0": onText(ofText(1)),
	"explode/0": onText(exploded), "implode/0": times(2), "split/1": onText(splitBy),
	"ascii_downcase/0": onText(ofText(2)), "ascii_upcase/0": onText(ofText(2)),
	"min/0": times(2), "max/0": times(2), "sort/0": sortedBySelf, "unique/0": sortedBySelf,
	"_min_by/1": argTree, "_max_by/1": argTree, "_sort_by/1": sortedByKeys, "_group_by/1": sortedByKeys,
	"_unique_by/1": sortedByKeys,
	"setpath/2":    alongPath, "getpath/1": alongPath, "delpaths/1": deleted,
	"strftime/1": ofFormat, "strptime/1": textAndFormat, "jn/2": ofOrder, "yn/2": ofOrder,
	"builtins/0": func(*limits.Fuel, any, []any) (int, error) { return 16 << 10, nil },
}

// cheap are the functions whose work does not grow with a value, or that gojq defines by others of these alone.
var cheap = func() map[string]bool {
	all := map[string]bool{}
	for _, name := range strings.Fields(`empty/0 path/1 error/0 error/1 not/0 type/0 has/1 in/1 toboolean/0 abs/0
		range/1 range/2 range/3
		infinite/0 nan/0 isinfinite/0 isnan/0 isnormal/0 isfinite/0 unix/0 unix/1 unix_ms/0
		unix_ms/1 unix_us/0 unix_us/1 unix_ns/0 unix_ns/1
		select/1 recurse/1 recurse/2 arrays/0 objects/0 iterables/0 booleans/0 numbers/0 finites/0 normals/0 strings/0
		nulls/0 values/0 scalars/0
		while/2 until/2 repeat/1 first/1 last/1 isempty/1 all/2 any/2 limit/2 skip/2 nth/2
		gmtime/0 mktime/0 todate/0 fromdate/0 todateiso8601/0 fromdateiso8601/0`) {
		all[name] = true
	}
	for name := range roundings {
		all[syntax.Signature(name, 0)] = true
	}
	for args, names := range inFloats {
		for _, name := range names {
			all[syntax.Signature(name, max(0, args))] = true
		}
	}
	return all
}()

// The steps that are put into programs, beside those for the functions above.
const (
	treeStep  = "__tree"  // before values are compared
	eachStep  = "__each"  // before []
	indexStep = "__index" // before an index that is no key, and before a slice
	keyStep   = "__key"   // behind a computed index
	pathStep  = "__path"  // behind a path that path made
	splitStep = "__split" // before a division
	writeStep = "__write" // before a format
	partStep  = "__part"  // behind a part of a string; its argument is the number of parts
)

// costOf is the name of the step before a call.
func costOf(function string) string { return "__cost_" + strings.TrimLeft(function, "_") }

// options are the functions that programs call and gojq does not have. Those that cost something take it from the
// machine's fuel.
func (m *machine) options() []gojq.CompilerOption {
	f := &m.fuel
	step := func(name string, args int, c cost) gojq.CompilerOption {
		return gojq.WithFunction(name, args, args, charge(f, c))
	}
	all := []gojq.CompilerOption{
		step(treeStep, 0, times(1)), step(eachStep, 0, once(1)), step(indexStep, 0, indexed), step(keyStep, 0, aKey),
		step(pathStep, 0, aPath),
		step(splitStep, 0, ofText(pieceBytes)), step(writeStep, 0, times(8)), step(partStep, 1, part),
		gojq.WithFunction("__test", 2, 2, m.test),
		gojq.WithIterFunction("__match", 2, 2, m.match),
		gojq.WithIterFunction("__capture", 2, 2, m.capture),
		gojq.WithIterFunction("__scan", 2, 2, m.scan),
		gojq.WithIterFunction("__splits", 2, 2, m.splits),
		gojq.WithFunction("__replacement", 0, 0, m.newReplacement),
		gojq.WithIterFunction("__replaced", 3, 3, m.replaced),
		gojq.WithFunction("__put", 2, 2, m.put),
		gojq.WithIterFunction("__texts", 1, 1, m.texts),
		gojq.WithFunction("__changes", 0, 0, m.newChanges),
		gojq.WithFunction("__set", 3, 3, m.set),
		gojq.WithFunction("__get", 2, 2, m.get),
		gojq.WithFunction("__without", 2, 2, m.without),
		gojq.WithFunction("__removed", 1, 1, m.removed),
	}
	for op, a := range operators {
		all = append(all, gojq.WithFunction(operatorNames[op], 2, 2,
			func(_ any, args []any) any { return a.run(f, args[0], args[1]) }))
	}
	for function, c := range costs {
		name, arity, _ := strings.Cut(function, "/")
		args := int(arity[0] - '0')
		if perElement[name] {
			args = 0
		}
		all = append(all, step(costOf(name), args, c))
	}
	return all
}
