package syntax

import (
	"strconv"

	"github.com/itchyny/gojq"

	"github.com/ciobridge/ciobridge/mapping/expr/document"
)

// IsConstant reports whether q is nothing but a number or a string.
func IsConstant(q *gojq.Query) bool {
	t := q.Term
	return t != nil && len(q.FuncDefs) == 0 && len(t.SuffixList) == 0 &&
		(t.Type == gojq.TermTypeNumber || t.Type == gojq.TermTypeString && t.Str.Queries == nil)
}

// LiteralNumber is the text of a term that is nothing but a number, with its sign.
func LiteralNumber(t *gojq.Term) (string, bool) {
	switch {
	case t == nil || len(t.SuffixList) > 0:
		return "", false
	case t.Type == gojq.TermTypeNumber:
		return t.Number, true
	case t.Type == gojq.TermTypeUnary && t.Unary.Op == gojq.OpSub && t.Unary.Term.Type == gojq.TermTypeNumber:
		return "-" + t.Unary.Term.Number, len(t.Unary.Term.SuffixList) == 0
	}
	return "", false
}

// ConstantStep is the step that an index takes; ok is false where that is computed, and for a slice.
func ConstantStep(x *gojq.Index) (document.Step, bool) {
	switch {
	case x.Name != "":
		return document.Step{Name: x.Name, Key: true}, true
	case x.Str != nil:
		return document.Step{Name: x.Str.Str, Key: true}, x.Str.Queries == nil
	case x.IsSlice || x.Start.Term == nil || len(x.Start.FuncDefs) > 0:
		return document.Step{}, false
	case x.Start.Term.Type == gojq.TermTypeString && len(x.Start.Term.SuffixList) == 0:
		return document.Step{Name: x.Start.Term.Str.Str, Key: true}, x.Start.Term.Str.Queries == nil
	}
	text, ok := LiteralNumber(x.Start.Term)
	i, err := strconv.ParseInt(text, 10, 32)
	return document.Step{Index: int(i)}, ok && err == nil
}

// ConstantString is the text of a program that is nothing but a string.
func ConstantString(q *gojq.Query) (text string, ok bool) {
	if t := q.Term; t != nil && t.Type == gojq.TermTypeString && t.Str.Queries == nil {
		return t.Str.Str, true
	}
	return "", false
}

// Signature is the name of a function with its number of arguments, as gojq writes it.
func Signature(name string, args int) string { return name + "/" + strconv.Itoa(args) }
