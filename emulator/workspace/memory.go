package workspace

import "github.com/oklog/ulid/v2"

// repeated reports whether an id was seen, and remembers it. At least the latest half of the ids to remember are known.
func (w *Workspace) repeated(id ulid.ULID) bool {
	_, seen := w.seen[id]
	_, before := w.seenBefore[id]
	if seen || before {
		return true
	}
	if len(w.seen) >= max(1, w.remember/2) {
		w.seenBefore, w.seen = w.seen, map[ulid.ULID]struct{}{}
	}
	w.seen[id] = struct{}{}
	return false
}

// Remembered tells how many event ids are known.
func (w *Workspace) Remembered() int { return len(w.seen) + len(w.seenBefore) }
