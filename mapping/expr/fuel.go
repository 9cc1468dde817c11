package expr

import (
	"github.com/ciobridge/ciobridge/mapping/expr/limits"
)

// exhausted says that no run on the document may begin any more, or is nil.
func (d *Document) exhausted() error {
	if d.used > limits.MaxUsed {
		return &limits.EvalError{Kind: limits.TimedOut,
			Reason: "did not run: the event's expressions took as much as 25 may take alone"}
	}
	return nil
}

// payToRead pays for a look through the text of a value that a program on the fast path does in a loop.
func (d *Document) payToRead(v Value) error { return d.fuel.Pay(len(v.Raw) / 8) }

// payToDecode pays for making gojq's values of a value.
func (d *Document) payToDecode(v Value) error { return d.fuel.Pay(8 * len(v.Raw)) }

// payToCompare pays for the comparison of two values.
func (d *Document) payToCompare(l, r Value) error {
	if l.Kind != r.Kind || l.Kind < Array {
		return d.payToRead(l)
	}
	if err := d.payToDecode(l); err != nil {
		return err
	}
	return d.payToDecode(r)
}
