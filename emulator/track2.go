package emulator

import (
	"net/http"
	"strconv"

	"github.com/ciobridge/ciobridge/emulator/jsondoc"
)

const (
	batchPath  = "/api/v2/batch"
	entityPath = "/api/v2/entity"
)

// entity reads one operation, the body itself.
func (x *exchange) entity() {
	if !x.post() || !x.parse() {
		return
	}
	if len(x.document.Flaws) > 0 {
		x.malformed(x.document.Flaws[0].Message)
		return
	}
	x.calls = append(x.calls, readItem(&x.document, 0))
	x.answer = success
	if problems := x.calls[0].problems; len(problems) > 0 {
		x.answer = newProblem(http.StatusBadRequest, problems...)
	}
}

// batch reads {"batch":[…]}: a body that is wrong as a whole is a 400, items that are wrong are listed in a 207.
func (x *exchange) batch() {
	if !x.post() || !x.parse() {
		return
	}
	d := &x.document
	if d.Nodes[0].Kind != jsondoc.Object {
		x.malformed("must be an object")
		return
	}
	items := none
	for m := range d.Children(0) {
		if d.Key(m) != "batch" {
			x.wrong(problem{reason: reasonInvalid, field: d.Key(m), message: "is not a field of a batch"})
			return
		}
		items = m
	}
	switch {
	case d.Nodes[0].Size > 1:
		x.malformed(d.Flaws[0].Message)
	case items == none:
		x.wrong(problem{reason: reasonRequired, field: "batch", message: "is required"})
	case d.Nodes[items].Kind != jsondoc.Array:
		x.wrong(problem{reason: reasonInvalid, field: "batch", message: "must be an array"})
	case d.Nodes[items].Size == 0:
		x.wrong(problem{reason: reasonRequired, field: "batch", message: "cannot be empty"})
	default:
		x.items(items)
	}
}

func (x *exchange) items(array int) {
	d := &x.document
	flaws := d.Flaws // those of an item stand before those of the next
	for m := range d.Children(array) {
		c := readItem(d, m)
		for len(flaws) > 0 && flaws[0].At < d.Nodes[m].End {
			c.refuse(reasonInvalid, "", flaws[0].Message)
			flaws = flaws[1:]
		}
		x.calls = append(x.calls, c)
	}
	x.answerBatch()
}

// answerBatch words the answer to a batch from the problems of its calls.
func (x *exchange) answerBatch() {
	x.answer = success
	var b []byte
	for i := range x.calls {
		for _, p := range x.calls[i].problems {
			if b == nil {
				b = append(b, `{"errors":[`...)
			} else {
				b = append(b, ',')
			}
			b = strconv.AppendInt(append(b, `{"batch_index":`...), int64(i), 10)
			b = appendProblem(append(b, ','), p)
		}
	}
	if b != nil {
		x.answer = answer{status: x.partial, body: string(append(b, "]}\n"...))}
	}
}

func (x *exchange) post() bool {
	if x.method == http.MethodPost {
		return true
	}
	x.refuse(oldProblem(http.StatusMethodNotAllowed, "method not allowed"), "method not allowed")
	return false
}

func (x *exchange) parse() bool {
	if err := x.document.Read(x.body); err != nil {
		x.refuse(newProblem(http.StatusBadRequest, problem{reasonInvalid, "body", "must be valid JSON", ""}),
			"invalid JSON: "+err.Error())
		return false
	}
	return true
}

func (x *exchange) malformed(message string) {
	x.wrong(problem{reason: reasonInvalid, field: "body", message: message})
}

func (x *exchange) wrong(p problem) {
	x.refuse(newProblem(http.StatusBadRequest, p), p.sentence())
}
