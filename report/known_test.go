package report

import (
	"bytes"
	"context"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// FuzzKnown reads what may stand in a store. What can be read is the same when it is written and read again.
func FuzzKnown(f *testing.F) {
	o := object{forgotten: 7, last: 3}
	for i := range 3 {
		o.windows = append(o.windows, window{start: int64(i), end: int64(i + 1), revision: 2, hash: hashOf([]byte{1})})
	}
	f.Add(o.encode())
	f.Add([]byte(`{"windows":[[1,2,3,"00"]]}`))
	f.Add([]byte(`{"windows":[[1,2,3]],"last":-1}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var first, second object
		if first.decode(text) != nil {
			return
		}
		if err := second.decode(first.encode()); err != nil || !slices.Equal(first.windows, second.windows) ||
			first.forgotten != second.forgotten || first.last != second.last {
			t.Errorf("%s is read as %+v, and then as %+v, %v", text, first, second, err)
		}
	})
}

// FuzzEventID reads ids of events, of which those of others are none of ours.
func FuzzEventID(f *testing.F) {
	f.Add(rowIDOf("a", "b", "c", Window{}).revision(12))
	f.Add("00-1")
	f.Add("")
	f.Fuzz(func(t *testing.T, id string) {
		row, revision, ok := readEventID(id)
		if ok && !bytes.EqualFold([]byte(row.revision(revision)), []byte(id)) && len(id) < 44 && id[33] != '0' &&
			id[33] != '+' {
			t.Errorf("%q is read as %q", id, row.revision(revision))
		}
	})
}

// Ids differ where any part of what a row is differs, and parts do not run into each other.
func TestIDs(t *testing.T) {
	at := time.Date(2026, 3, 8, 10, 0, 0, 0, time.UTC)
	day := Window{at, at.Add(24 * time.Hour)}
	ids := map[string]bool{}
	for _, id := range []rowID{
		rowIDOf("a", "", "campaign/1", day), rowIDOf("b", "", "campaign/1", day), rowIDOf("a", "b", "campaign/1", day),
		rowIDOf("a", "", "campaign/11", day), rowIDOf("a", "", "campaign/1", Window{at, at}),
		rowIDOf("a", "", "campaign/1", Window{day.End, day.End}), rowIDOf("", "a", "campaign/1", day),
		rowIDOf("acampaign/1", "", "", day),
	} {
		ids[id.revision(1)], ids[id.revision(2)] = true, true
	}
	if len(ids) != 16 {
		t.Errorf("%d ids are different, of 16", len(ids))
	}
	elsewhere := time.FixedZone("", 3600)
	if rowIDOf("a", "", "campaign/1", Window{at.In(elsewhere), day.End.In(elsewhere)}) != rowIDOf("a", "", "campaign/1",
		day) {
		t.Error("the zone of a window counts")
	}
	const want = "3eb89dc97de7c020e3f6df2e153b5578-3" // for ever: a consumer knows events by it
	if got := rowIDOf("daily", "eu", "campaign/7", day).revision(3); got != want {
		t.Errorf("the id is %s, want %s", got, want)
	}
}

// What is read back is found by its row, with the last revision, in every part.
func TestReadBack(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	list := &listed{}
	want := map[rowID]int{}
	for i := range 1000 {
		row := rowIDOf("a", "", string(rune(i)), Window{})
		for revision := 1 + random.IntN(5); revision > 0; revision -= 1 + random.IntN(2) {
			list.ids = append(list.ids, row.revision(revision))
			want[row] = max(want[row], revision)
		}
	}
	list.ids = append(list.ids, "01ARZ3NDEKTSV4RRFFQ69G5FAV", "of-1", rowID{}.revision(1)+"x")
	random.Shuffle(len(list.ids), func(i, j int) { list.ids[i], list.ids[j] = list.ids[j], list.ids[i] })
	parts, _, err := partsOf(t.Context(), list, "", 500)
	if err != nil || parts < 3 {
		t.Fatal(parts, err)
	}
	found := 0
	for part := range parts {
		b, err := readPublished(t.Context(), list, "", part, parts, 1)
		if err != nil {
			t.Fatal(err)
		}
		for row, revision := range want {
			if !b.has(row) {
				continue
			}
			found++
			if got, hash := b.find(row); got != revision || hash != hashOf([]byte(row.revision(revision))).short() {
				t.Errorf("revision %d is found, want %d", got, revision)
			}
		}
		if got, _ := b.find(rowIDOf("b", "", "", Window{})); got != 0 {
			t.Error("what was never published is found")
		}
	}
	if found != len(want) {
		t.Errorf("%d rows are found, of %d", found, len(want))
	}
}

// A listed is a target that holds some ids, each with a hash of its own.
type listed struct {
	Target
	ids []string
}

func (l *listed) Published(_ context.Context, _ string, each func(id, hash string)) error {
	for _, id := range l.ids {
		each(id, hashOf([]byte(id)).String())
	}
	return nil
}
