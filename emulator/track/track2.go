package track

import (
	"net/http"
	"strconv"

	"github.com/ciobridge/ciobridge/emulator/exchange"
	"github.com/ciobridge/ciobridge/emulator/jsondoc"
	"github.com/ciobridge/ciobridge/emulator/workspace"
)

const (
	batchPath  = "/api/v2/batch"
	entityPath = "/api/v2/entity"
)

// entity reads one operation, the body itself.
func (x request) entity([]string) {
	if !x.parse() {
		return
	}
	if len(x.Document.Flaws) > 0 {
		x.malformed(x.Document.Flaws[0].Message)
		return
	}
	x.Calls = append(x.Calls, *readItem(&x.Document, 0).Call)
	x.Answer = exchange.Success
	if problems := x.Calls[0].Problems; len(problems) > 0 {
		x.Answer = exchange.Problems(http.StatusBadRequest, problems...)
	}
}

// batch reads {"batch":[…]}: a body that is wrong as a whole is a 400, items that are wrong are listed in a 207.
func (x request) batch([]string) {
	if !x.parse() {
		return
	}
	d := &x.Document
	if d.Nodes[0].Kind != jsondoc.Object {
		x.malformed("must be an object")
		return
	}
	items := none
	for m := range d.Children(0) {
		if d.Key(m) != "batch" {
			x.wrong(workspace.Problem{Reason: workspace.Invalid, Field: d.Key(m), Message: "is not a field of a batch"})
			return
		}
		items = m
	}
	switch {
	case d.Nodes[0].Size > 1:
		x.malformed(d.Flaws[0].Message)
	case items == none:
		x.wrong(workspace.Problem{Reason: workspace.Required, Field: "batch", Message: "is required"})
	case d.Nodes[items].Kind != jsondoc.Array:
		x.wrong(workspace.Problem{Reason: workspace.Invalid, Field: "batch", Message: "must be an array"})
	case d.Nodes[items].Size == 0:
		x.wrong(workspace.Problem{Reason: workspace.Required, Field: "batch", Message: "cannot be empty"})
	default:
		x.items(items)
	}
}

func (x request) items(array int) {
	d := &x.Document
	flaws := d.Flaws // those of an item stand before those of the next
	for m := range d.Children(array) {
		c := readItem(d, m)
		for len(flaws) > 0 && flaws[0].At < d.Nodes[m].End {
			c.Refuse(workspace.Invalid, "", flaws[0].Message)
			flaws = flaws[1:]
		}
		x.Calls = append(x.Calls, *c.Call)
	}
	x.answerBatch()
}

// answerBatch words the answer to a batch from the problems of its calls.
func (x request) answerBatch() {
	x.Answer = exchange.Success
	var b []byte
	for i := range x.Calls {
		for _, p := range x.Calls[i].Problems {
			if b == nil {
				b = append(b, `{"errors":[`...)
			} else {
				b = append(b, ',')
			}
			b = strconv.AppendInt(append(b, `{"batch_index":`...), int64(i), 10)
			b = exchange.AppendProblem(append(b, ','), p)
		}
	}
	if b != nil {
		x.Answer = exchange.Answer{Status: x.Partial, Body: string(append(b, "]}\n"...))}
	}
}

func (x request) parse() bool {
	if err := x.Document.Read(x.Body); err != nil {
		p := workspace.Problem{Reason: workspace.Invalid, Field: "body", Message: "must be valid JSON"}
		x.Refuse(exchange.Problems(http.StatusBadRequest, p), "invalid JSON: "+err.Error())
		return false
	}
	return true
}

func (x request) malformed(message string) {
	x.wrong(workspace.Problem{Reason: workspace.Invalid, Field: "body", Message: message})
}

func (x request) wrong(p workspace.Problem) {
	x.Refuse(exchange.Problems(http.StatusBadRequest, p), p.Sentence())
}
