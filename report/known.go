package report

import (
	"cmp"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// keepUntold is how many windows of an object are kept in the state that the reports no longer tell, the latest ones:
// some that come back, such as after a wider setting, are then known to be the same.
const keepUntold = 60

// known is what was published of one report and workspace: the last revision of each window, by object.
type known struct {
	store   Store
	prefix  string // of the keys
	objects map[string]*object
	dirty   map[string]*object // those that are to be stored
}

// An object is what was published of one.
type object struct {
	windows []window // in their order
	// Of windows that begin before forgotten it is not known which were told, but only that none was at a higher
	// revision than last.
	forgotten int64
	last      int
}

// A window is the last revision of one. Its bounds are in microseconds since 1970.
type window struct {
	start, end int64
	hash       hash
	revision   int32
	told       bool // in this attempt
}

func compareWindows(a, b window) int {
	return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(a.end, b.end))
}

// loadKnown reads what is stored.
func loadKnown(ctx context.Context, store Store, prefix string) (*known, error) {
	k := &known{store: store, prefix: prefix, objects: map[string]*object{}, dirty: map[string]*object{}}
	if store == nil {
		return k, nil
	}
	err := store.Load(ctx, prefix, func(key string, value []byte) error {
		o := &object{}
		if err := o.decode(value); err != nil {
			return fmt.Errorf("what stands under %s in the %s: %w", key, store.Place(), err)
		}
		k.objects[strings.TrimPrefix(key, prefix)] = o
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("load what was published: %w", err)
	}
	return k, nil
}

// find gives the last revision of a row and its hash; zero where none is known.
func (k *known) find(r Row) (revision int, h hash) {
	o := k.objects[r.Object]
	if o == nil {
		return 0, h
	}
	w := windowOf(r)
	if i, ok := slices.BinarySearchFunc(o.windows, w, compareWindows); ok {
		o.windows[i].told = true
		return int(o.windows[i].revision), o.windows[i].hash
	}
	if w.start < o.forgotten {
		return o.last, h
	}
	return 0, h
}

// note takes a revision as told. It is stored with the next call of save.
func (k *known) note(r Row, revision int, h hash) {
	o := k.objects[r.Object]
	if o == nil {
		o = &object{}
		k.objects[strings.Clone(r.Object)] = o
	}
	w := windowOf(r)
	i, ok := slices.BinarySearchFunc(o.windows, w, compareWindows)
	if !ok {
		o.windows = slices.Insert(o.windows, i, w)
	}
	o.windows[i].hash, o.windows[i].revision, o.windows[i].told = h, int32(revision), true
	k.dirty[r.Object] = o
}

// withdraw takes back that a revision was told, so that the next run tries it again.
func (k *known) withdraw(r Row, revision int) {
	if last, _ := k.find(r); last == revision {
		k.note(r, revision-1, hash{})
	}
}

// save stores what was noted.
func (k *known) save(ctx context.Context) error {
	for _, name := range slices.Sorted(maps.Keys(k.dirty)) {
		if err := k.store.Put(ctx, k.prefix+name, k.dirty[name].encode()); err != nil {
			return fmt.Errorf("store what was published: %w", err)
		}
		delete(k.dirty, name)
	}
	return nil
}

// forget takes out windows that were not told, beside the latest of each object.
func (k *known) forget() {
	for name, o := range k.objects {
		untold := 0
		for i := len(o.windows) - 1; i >= 0; i-- {
			if w := o.windows[i]; !w.told {
				untold++
				if untold > keepUntold {
					o.forgotten, o.last = max(o.forgotten, w.start+1), max(o.last, int(w.revision))
					o.windows[i].revision = 0
				}
			}
		}
		if untold > keepUntold {
			o.windows = slices.DeleteFunc(o.windows, func(w window) bool { return w.revision == 0 })
			k.dirty[name] = o
		}
	}
}

func windowOf(r Row) window {
	return window{start: r.Window.Start.UnixMicro(), end: r.Window.End.UnixMicro()}
}

// stored is the form of an object in the store. A window is an array, since there are many.
type stored struct {
	Windows   [][4]any `json:"windows"` // start, end, revision and hash
	Forgotten int64    `json:"forgotten,omitempty"`
	Last      int      `json:"last,omitempty"`
}

func (o *object) encode() []byte {
	s := stored{Windows: make([][4]any, len(o.windows)), Forgotten: o.forgotten, Last: o.last}
	for i, w := range o.windows {
		s.Windows[i] = [4]any{w.start, w.end, w.revision, w.hash.String()}
	}
	text, _ := json.Marshal(s) // of numbers and plain texts, which cannot fail
	return text
}

func (o *object) decode(text []byte) error {
	var s struct {
		Windows   [][4]json.RawMessage `json:"windows"`
		Forgotten int64                `json:"forgotten"`
		Last      int                  `json:"last"`
	}
	if err := json.Unmarshal(text, &s); err != nil {
		return err
	}
	o.forgotten, o.last, o.windows = s.Forgotten, s.Last, make([]window, len(s.Windows))
	for i, raw := range s.Windows {
		w, digits := &o.windows[i], ""
		for j, to := range []any{&w.start, &w.end, &w.revision, &digits} {
			if err := json.Unmarshal(raw[j], to); err != nil {
				return err
			}
		}
		if n, err := hex.Decode(w.hash[:], []byte(digits)[:min(len(digits), 2*len(w.hash))]); err != nil ||
			n != len(w.hash) {
			return fmt.Errorf("window %d has no hash", i)
		}
	}
	slices.SortFunc(o.windows, compareWindows)
	return nil
}
