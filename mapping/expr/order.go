package expr

import (
	"fmt"

	"github.com/itchyny/gojq"
)

// Jq orders values of all kinds: "0.00" > 0 holds, because a text is above every number. In a rule that is a mistake, so that <, <=, >
// and >= fail for values of two kinds. Sort and its like keep jq's order, and so do == and !=.

// ordering gives the function that stands for one of those operators.
func ordering(holds orders) func(any, []any) any {
	return func(_ any, args []any) any {
		l, r := args[0], args[1]
		if err := orderable(kindOfGo(l), kindOfGo(r)); err != nil {
			return err
		}
		return holds.include(gojq.Compare(l, r))
	}
}

var orderings = map[gojq.Operator]string{
	gojq.OpLt: "__less", gojq.OpLe: "__lesseq", gojq.OpGt: "__greater", gojq.OpGe: "__greatereq",
}

// rank reports whether a comparison asks which of two values is above the other, rather than whether they are the same.
func (o orders) rank() bool { return o&less != 0 != (o&greater != 0) }

// orderable says what is wrong with ordering values of these kinds, and what to do.
func orderable(l, r Kind) error {
	if l == r || l.String() == r.String() {
		return nil
	}
	other := l
	if l == Null {
		other = r
	}
	hint := ""
	switch {
	case (l == Null || r == Null) && other == Number:
		hint = "; where it may be missing, write (.x // 0)"
	case (l == Null || r == Null) && other == String:
		hint = `; where it may be missing, write (.x // "")`
	case l == String && r == Number || l == Number && r == String:
		hint = "; make the string a number with tonumber"
	}
	return failedf("compares %s with %s%s", article(l), article(r), hint)
}

// mixed names the comparisons of a program that always fail, because the kinds of both sides can be seen and differ.
func mixed(q *gojq.Query) (warnings []string) {
	v := visitor{query: func(q *gojq.Query) {
		if orderings[q.Op] == "" || q.Term != nil {
			return
		}
		l, r := apparent(q.Left), apparent(q.Right)
		if l == Absent || r == Absent {
			return
		}
		if err := orderable(l, r); err != nil {
			warnings = append(warnings, fmt.Sprintf("%s always fails: it %s", q, err))
		}
	}}
	v.visit(q)
	return warnings
}

// apparent is the kind of all that q gives as far as it can be seen without running it, else Absent.
func apparent(q *gojq.Query) Kind {
	switch {
	case q.Term != nil:
		return apparentTerm(q.Term)
	case q.Op == gojq.OpPipe:
		return apparent(q.Right)
	case comparisons[q.Op] != 0 || q.Op == gojq.OpAnd || q.Op == gojq.OpOr:
		return True
	}
	return Absent
}

func apparentTerm(t *gojq.Term) Kind {
	if len(t.SuffixList) > 0 {
		return Absent
	}
	switch t.Type {
	case gojq.TermTypeNull:
		return Null
	case gojq.TermTypeTrue, gojq.TermTypeFalse:
		return True
	case gojq.TermTypeNumber:
		return Number
	case gojq.TermTypeString, gojq.TermTypeFormat:
		return String
	case gojq.TermTypeArray:
		return Array
	case gojq.TermTypeObject:
		return Object
	case gojq.TermTypeUnary:
		return apparentTerm(t.Unary.Term)
	case gojq.TermTypeQuery:
		return apparent(t.Query)
	case gojq.TermTypeFunc:
		return results[t.Func.Name]
	}
	return Absent
}

// results are the kinds of what some functions give.
var results = map[string]Kind{
	"tostring": String, "tojson": String, "ascii_downcase": String, "ascii_upcase": String, "ltrimstr": String, "rtrimstr": String, "trim": String,
	"join": String, "todate": String, "strftime": String, "type": String, "length": Number, "tonumber": Number, "floor": Number, "round": Number,
	"ceil": Number, "keys": Array, "split": Array, "map": Array, "not": True, "startswith": True, "endswith": True, "test": True, "has": True,
}
