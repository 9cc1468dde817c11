package workspace

import (
	"fmt"
	"strings"
	"time"
)

// Segments are the manual segments of the workspace.
const Segments = "segments"

// NewSegment makes the record of a manual segment.
func NewSegment(name, description string, at time.Time) Record {
	return Record{"name": name, "description": description, "created_at": at.Unix(), "updated_at": at.Unix()}
}

// applySegment adds people to a manual segment, or takes them from it. A segment comes to be when it is first named,
// because the emulator has no other way to learn of the user's own; one that was deleted stays so.
func (w *Workspace) applySegment(c *Call, at time.Time) string {
	segments := w.Records(Segments)
	if segments.Gone(c.Name) {
		return UnknownSegment
	}
	segment, ok := segments.Get(c.Name)
	if !ok {
		segment = NewSegment("segment "+c.Name, "", at)
		segments.Put(strings.Clone(c.Name), segment)
	}
	segment["updated_at"] = at.Unix()
	ignored, missed := UnknownPerson, c.Odd
	for _, id := range c.IDs {
		p := w.people[id]
		if p == nil || p.suppressed {
			missed++
			continue
		}
		ignored = ""
		if c.Action == "add_customers" {
			p.segments[strings.Clone(c.Name)] = struct{}{}
		} else {
			delete(p.segments, c.Name)
		}
	}
	if missed > 0 && ignored == "" { // of those who are all unknown the caller tells
		w.log(activity{Activity: Activity{
			Type: "failed_batch_update", Name: c.Name, Data: fmt.Sprintf(`{"reason":"%s","ids":%d}`, UnknownPerson, missed),
		}}, at)
	}
	return ignored
}

// DeleteSegment removes a segment, and reports whether there was one.
func (w *Workspace) DeleteSegment(id string) bool {
	for p := range w.all {
		delete(p.segments, id)
	}
	return w.Records(Segments).Delete(id)
}
