package expr_test

import (
	"fmt"

	"github.com/ciobridge/ciobridge/mapping/expr"
)

// The programs of all rules are compiled into a set; a document is parsed once for all of them.
func Example() {
	set := expr.NewSet()
	var programs []*expr.Program
	for _, src := range []string{`.data.total > 10`, `{id: .user.id, sku: .data.items[0].sku}`,
		`[.data.items[].qty] | add`} {
		p, err := set.Compile(src)
		if err != nil {
			fmt.Println(err)
			return
		}
		programs = append(programs, p)
	}
	set.Seal()

	var doc expr.Document
	event := `{"user":{"id":"c_7"},"data":{"total":12.50,"items":[{"sku":"a","qty":2},{"sku":"b","qty":1}]}}`
	if err := doc.Parse(set, []byte(event)); err != nil {
		fmt.Println(err)
		return
	}
	for _, p := range programs {
		v, err := p.One(&doc)
		fmt.Printf("%s %v fast=%t\n", v.Raw, err, p.OnFastPath())
	}
	// Output:
	// true <nil> fast=true
	// {"id":"c_7","sku":"a"} <nil> fast=true
	// 3 <nil> fast=false
}

// A document that two readers could understand in two ways is refused.
func ExampleDocument_Parse() {
	set := expr.NewSet()
	set.Seal()
	var doc expr.Document
	for _, raw := range []string{`{"id":"c_7"}`, `{"id":"c_7","id":"c_8"}`, `{"id":"\ud800"}`} {
		fmt.Println(doc.Parse(set, []byte(raw)))
	}
	// Output:
	// <nil>
	// an object names the same key twice at byte 12
	// half of a surrogate pair in a string at byte 7
}
