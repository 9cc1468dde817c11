package jq

import (
	"fmt"

	"github.com/itchyny/gojq"

	"github.com/ciobridge/ciobridge/mapping/expr/document"
	"github.com/ciobridge/ciobridge/mapping/expr/limits"
	"github.com/ciobridge/ciobridge/mapping/expr/syntax"
)

// Jq orders values of all kinds: "0.00" > 0 holds, because a text is above every number. In a rule that is a mistake,
// so that <, <=, > and >= fail for values of two kinds. Sort and its like keep jq's order, and so do == and !=.

// Orders are those of the outcomes Less, Equal and Greater for which a comparison holds, as bits.
type Orders uint8

// The outcomes.
const (
	Less Orders = 1 << iota
	Equal
	Greater
)

// Include reports whether the comparison holds for an outcome, which is -1, 0 or 1.
func (o Orders) Include(order int) bool { return o>>(order+1)&1 != 0 }

// Mirrored are the Orders of the comparison with its sides exchanged.
func (o Orders) Mirrored() Orders { return o&Equal | o&Less<<2 | o&Greater>>2 }

// Comparisons are the operators that compare, with the outcomes for which they hold.
var Comparisons = map[gojq.Operator]Orders{
	gojq.OpEq: Equal, gojq.OpNe: Less | Greater, gojq.OpLt: Less, gojq.OpLe: Less | Equal, gojq.OpGt: Greater,
	gojq.OpGe: Greater | Equal,
}

// ordering gives the function that stands for one of those operators.
func ordering(holds Orders) func(any, []any) any {
	return func(_ any, args []any) any {
		l, r := args[0], args[1]
		if err := Orderable(kindOfGo(l), kindOfGo(r)); err != nil {
			return err
		}
		return holds.Include(gojq.Compare(l, r))
	}
}

var orderings = map[gojq.Operator]string{
	gojq.OpLt: "__less", gojq.OpLe: "__lesseq", gojq.OpGt: "__greater", gojq.OpGe: "__greatereq",
}

// Rank reports whether a comparison asks which of two values is above the other, rather than whether they are the same.
func (o Orders) Rank() bool { return o&Less != 0 != (o&Greater != 0) }

// Orderable says what is wrong with ordering values of these kinds, and what to do.
func Orderable(l, r document.Kind) error {
	if l == r || l.String() == r.String() {
		return nil
	}
	other := l
	if l == document.Null {
		other = r
	}
	hint := ""
	switch {
	case (l == document.Null || r == document.Null) && other == document.Number:
		hint = "; where it may be missing, write (.x // 0)"
	case (l == document.Null || r == document.Null) && other == document.String:
		hint = `; where it may be missing, write (.x // "")`
	case l == document.String && r == document.Number || l == document.Number && r == document.String:
		hint = "; make the string a number with tonumber"
	}
	return limits.Failedf("compares %s with %s%s", document.Article(l), document.Article(r), hint)
}

// warnings names the comparisons of a program that always fail, because the kinds of both sides can be seen and differ.
func warnings(q *gojq.Query) (found []string) {
	v := syntax.Visitor{Query: func(q *gojq.Query) {
		if orderings[q.Op] == "" || q.Term != nil {
			return
		}
		l, r := apparent(q.Left), apparent(q.Right)
		if l == document.Absent || r == document.Absent {
			return
		}
		if err := Orderable(l, r); err != nil {
			found = append(found, fmt.Sprintf("%s always fails: it %s", q, err))
		}
	}}
	v.Visit(q)
	return found
}

// apparent is the kind of all that q gives as far as it can be seen without running it, else Absent.
func apparent(q *gojq.Query) document.Kind {
	switch {
	case q.Term != nil:
		return apparentTerm(q.Term)
	case q.Op == gojq.OpPipe:
		return apparent(q.Right)
	case Comparisons[q.Op] != 0 || q.Op == gojq.OpAnd || q.Op == gojq.OpOr:
		return document.True
	}
	return document.Absent
}

func apparentTerm(t *gojq.Term) document.Kind {
	if len(t.SuffixList) > 0 {
		return document.Absent
	}
	switch t.Type {
	case gojq.TermTypeNull:
		return document.Null
	case gojq.TermTypeTrue, gojq.TermTypeFalse:
		return document.True
	case gojq.TermTypeNumber:
		return document.Number
	case gojq.TermTypeString, gojq.TermTypeFormat:
		return document.String
	case gojq.TermTypeArray:
		return document.Array
	case gojq.TermTypeObject:
		return document.Object
	case gojq.TermTypeUnary:
		return apparentTerm(t.Unary.Term)
	case gojq.TermTypeQuery:
		return apparent(t.Query)
	case gojq.TermTypeFunc:
		return results[t.Func.Name]
	}
	return document.Absent
}

// results are the kinds of what some functions give.
var results = map[string]document.Kind{
	"tostring": document.String, "tojson": document.String, "ascii_downcase": document.String,
	"ascii_upcase": document.String, "ltrimstr": document.String, "rtrimstr": document.String,
	"trim": document.String,
	"join": document.String, "todate": document.String, "strftime": document.String, "type": document.String,
	"length": document.Number, "tonumber": document.Number, "floor": document.Number, "round": document.Number,
	"ceil": document.Number, "keys": document.Array, "split": document.Array, "map": document.Array,
	"not": document.True, "startswith": document.True, "endswith": document.True, "test": document.True,
	"has": document.True,
}
