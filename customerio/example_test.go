package customerio_test

import (
	"fmt"

	"github.com/ciobridge/ciobridge/customerio"
)

// The same status means different things at different endpoints, and a 200 is not believed without a look at its body.
func ExampleVerdictOf() {
	clean := customerio.ParseErrorBody([]byte(`{}`), 500)
	page := customerio.ParseErrorBody([]byte(`<html>Please log in</html>`), 500)
	fmt.Println(customerio.VerdictOf(customerio.Batch, 200, true, clean))
	fmt.Println(customerio.VerdictOf(customerio.Batch, 200, true, page))
	fmt.Println(customerio.VerdictOf(customerio.Batch, 400, true, clean))
	fmt.Println(customerio.VerdictOf(customerio.Batch, 404, true, clean))
	fmt.Println(customerio.VerdictOf(customerio.Single, 404, false, clean))
	// Output:
	// accepted
	// retry
	// split
	// halt
	// refused
}

// An answer may take a batch but for some of its calls. Only their places and a reason in our own words are kept.
func ExampleParseErrorBody() {
	body := customerio.ParseErrorBody([]byte(
		`{"errors":[{"batch_index":2,"reason":"invalid","field":"identifiers.id",`+
			`"message":"c_7 can't be longer than 150 bytes"}]}`), 3)
	for _, r := range body.Refusals {
		fmt.Printf("call %d: %s %s\n", r.Index, r.Field, r.Problem)
	}
	fmt.Println(customerio.VerdictOf(customerio.Batch, 207, true, body))
	// Output:
	// call 2: identifiers.id too long
	// accepted
}

// The table of operations says what an action is to Customer.io.
func ExampleAction_Operation() {
	for _, action := range []customerio.Action{customerio.Track, customerio.Suppress} {
		op := action.Operation()
		fmt.Println(op.Name, "repeatable:", op.Repeatable, "destructive:", op.Destructive)
		for _, f := range op.Fields {
			fmt.Println("  ", f.Key, f.Required, f.Identifiers)
		}
	}
	// Output:
	// track repeatable: true destructive: false
	//    person true [id email phone cio_id anonymous_id]
	//    name true []
	//    data false []
	//    except false []
	// suppress repeatable: false destructive: true
	//    person true [id email phone cio_id]
}
