package workspace

import (
	"cmp"
	"slices"
	"strconv"
)

// Record is one thing of a workspace that is no person, object or event: a segment, a campaign, a snippet. It has the
// members that the App API shows, and a numeric id.
type Record map[string]any

// Records are the things of one kind, by their ids.
type Records struct {
	next int
	byID map[string]Record
	gone map[string]bool // ids of those that were deleted
}

// Records gives the things of a kind.
func (w *Workspace) Records(kind string) *Records {
	r := w.records[kind]
	if r == nil {
		r = &Records{next: 1, byID: map[string]Record{}, gone: map[string]bool{}}
		w.records[kind] = r
	}
	return r
}

// Add gives a record the next id and keeps it.
func (r *Records) Add(record Record) (id int) {
	id = r.next
	r.Put(strconv.Itoa(id), record)
	record["id"] = id
	return id
}

// Put keeps a record under an id, such as a language or a number that somebody else chose.
func (r *Records) Put(id string, record Record) {
	if n, err := strconv.Atoi(id); err == nil {
		r.next = max(r.next, n+1)
		record["id"] = n
	}
	r.byID[id] = record
	delete(r.gone, id)
}

// Get finds a record.
func (r *Records) Get(id string) (Record, bool) {
	record, ok := r.byID[id]
	return record, ok
}

// Delete removes a record and reports whether there was one.
func (r *Records) Delete(id string) bool {
	_, ok := r.byID[id]
	delete(r.byID, id)
	if ok {
		r.gone[id] = true
	}
	return ok
}

// Gone reports whether a record of that id was deleted.
func (r *Records) Gone(id string) bool { return r.gone[id] }

// All lists the records in the order of their ids.
func (r *Records) All() []Record {
	ids := make([]string, 0, len(r.byID))
	for id := range r.byID {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) })
	out := make([]Record, len(ids))
	for i, id := range ids {
		out[i] = r.byID[id]
	}
	return out
}
