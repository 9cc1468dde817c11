package emulator

import (
	"net/http"
	"net/url"
	"strconv"

	"github.com/ciobridge/ciobridge/emulator/jsondoc"
)

// segment reads the people to add to a manual segment or to take from it. Entries that are not of the kind asked for
// are ignored, as documented.
func (x *exchange) segment(args []string) {
	if args[1] != "add_customers" && args[1] != "remove_customers" {
		x.refuse(oldProblem(http.StatusNotFound, "not found"), "no such path")
		return
	}
	if !x.parseObject() {
		return
	}
	c := newCall(x.body)
	c.typ, c.action, c.name, c.who = "segment", args[1], args[0], identifier{"segment", args[0]}
	if id, err := strconv.ParseInt(args[0], 10, 32); err != nil || id < 1 {
		c.refuse(reasonInvalid, "segment_id", "must be a positive 32-bit integer")
	}
	c.segmentPeople(&x.document, x.query)
	x.take(c, success)
}

func (c *call) segmentPeople(d *jsondoc.Document, rawQuery string) {
	query, err := url.ParseQuery(rawQuery)
	if err != nil {
		c.refuse(reasonInvalid, "query", "is malformed")
	}
	kind := "id"
	if query.Has("id_type") {
		kind = query.Get("id_type")
	}
	if kind != "id" && kind != "email" && kind != "cio_id" {
		c.refuse(reasonInvalid, "id_type", oneOf("id", "email", "cio_id"))
	}
	list := d.Member(0, "ids")
	if list == none || d.Nodes[list].Kind != jsondoc.Array || d.Nodes[list].Size == 0 {
		c.refuse(reasonRequired, "ids", "must be an array with 1 to 1000 strings")
		return
	}
	if d.Nodes[list].Size > maxSegmentIDs {
		c.refuse(reasonInvalid, "ids", "cannot have more than 1000 entries")
	}
	for m := range d.Children(list) {
		if d.Nodes[m].Kind != jsondoc.String {
			c.refuse(reasonInvalid, "ids", "must be strings")
			return
		}
		if id := (identifier{kind, d.Text(m)}); wrongIdentifier(id) == "" {
			c.ids = append(c.ids, id.canonical())
		}
	}
}
