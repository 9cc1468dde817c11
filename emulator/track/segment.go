package track

import (
	"net/url"
	"strconv"

	"github.com/ciobridge/ciobridge/emulator/exchange"
	"github.com/ciobridge/ciobridge/emulator/jsondoc"
	"github.com/ciobridge/ciobridge/emulator/workspace"
)

// segment reads the people to add to a manual segment or to take from it. Entries that are not of the kind asked for
// are ignored, as documented.
func segment(action string) func(request, []string) {
	return func(x request, args []string) { x.segment(action, args[0]) }
}

func (x request) segment(action, id string) {
	if !x.parseObject() {
		return
	}
	c := newCall(x.Body)
	c.Type, c.Action, c.Name, c.Who = "segment", action, id, workspace.Named("segment", id)
	if n, err := strconv.ParseInt(id, 10, 32); err != nil || n < 1 {
		c.Refuse(workspace.Invalid, "segment_id", "must be a positive 32-bit integer")
	}
	c.segmentPeople(&x.Document, x.Query)
	x.take(c, exchange.Success)
}

func (c call) segmentPeople(d *jsondoc.Document, rawQuery string) {
	query, err := url.ParseQuery(rawQuery)
	if err != nil {
		c.Refuse(workspace.Invalid, "query", "is malformed")
	}
	kind := "id"
	if query.Has("id_type") {
		kind = query.Get("id_type")
	}
	if kind != "id" && kind != "email" && kind != "cio_id" {
		c.Refuse(workspace.Invalid, "id_type", oneOf("id", "email", "cio_id"))
	}
	list := d.Member(0, "ids")
	if list == none || d.Nodes[list].Kind != jsondoc.Array || d.Nodes[list].Size == 0 {
		c.Refuse(workspace.Required, "ids", "must be an array with 1 to 1000 strings")
		return
	}
	if d.Nodes[list].Size > maxSegmentIDs {
		c.Refuse(workspace.Invalid, "ids", "cannot have more than 1000 entries")
	}
	for m := range d.Children(list) {
		if d.Nodes[m].Kind != jsondoc.String {
			c.Refuse(workspace.Invalid, "ids", "must be strings")
			return
		}
		if id := workspace.Named(kind, d.Text(m)); id.Wrong() == "" {
			c.IDs = append(c.IDs, id.Canonical())
		} else {
			c.Odd++
		}
	}
}
