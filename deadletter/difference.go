package deadletter

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"unicode/utf8"
)

// Difference is a place in which two values differ, without their content.
type Difference struct {
	Path string // such as .user.id; names that do not look like a programmer's are hidden
	Was  string // its kind and length as Masked shows them; empty where there was nothing
	Is   string // the same of what stands there now; empty where nothing does
}

// String tells the difference in words.
func (d Difference) String() string {
	switch {
	case d.Was == "":
		return d.Path + " is new: " + d.Is
	case d.Is == "":
		return d.Path + " is gone, which was " + d.Was
	case d.Was == d.Is:
		return d.Path + " is another " + d.Is
	}
	return d.Path + " is " + d.Is + ", and was " + d.Was
}

// mostDifferences bounds what is listed of two values.
const mostDifferences = 100

// Differences lists where two values differ, at most a hundred places in the order of their paths. Values that differ
// only in blanks, or in the order or writing of their members, have none. Where one of them is no JSON they differ as a
// whole.
func Differences(was, is []byte) []Difference {
	a, okA := parsed(was)
	b, okB := parsed(is)
	if !okA || !okB {
		if bytes.Equal(was, is) {
			return nil
		}
		return []Difference{{".", string(Masked(was)), string(Masked(is))}}
	}
	var list []Difference
	compare(&list, "", a, b, 0)
	return list
}

func parsed(value []byte) (any, bool) {
	if !utf8.Valid(value) || !json.Valid(value) {
		return nil, false
	}
	in := json.NewDecoder(bytes.NewReader(value))
	in.UseNumber()
	var v any
	err := in.Decode(&v)
	return v, err == nil
}

func compare(list *[]Difference, path string, a, b any, depth int) {
	objectA, isA := a.(map[string]any)
	objectB, isB := b.(map[string]any)
	listA, isListA := a.([]any)
	listB, isListB := b.([]any)
	switch {
	case len(*list) == mostDifferences:
	case isA && isB && depth < maskDepth:
		names := map[string]bool{}
		for name := range objectA {
			names[name] = true
		}
		for name := range objectB {
			names[name] = true
		}
		for _, name := range slices.Sorted(maps.Keys(names)) {
			was, had := objectA[name]
			is, has := objectB[name]
			compareMember(list, path+"."+maskKey(name), member{was, had}, member{is, has}, depth)
		}
	case isListA && isListB && depth < maskDepth:
		for i := range max(len(listA), len(listB)) {
			compareMember(list, path+"["+strconv.Itoa(i)+"]", itemOf(listA, i), itemOf(listB, i), depth)
		}
	default:
		if !equal(a, b) {
			*list = append(*list, Difference{cmp.Or(path, "."), maskedKind(a), maskedKind(b)})
		}
	}
}

// member is what stands in a place, if anything does.
type member struct {
	value any
	is    bool
}

func itemOf(list []any, i int) member {
	if i < len(list) {
		return member{list[i], true}
	}
	return member{}
}

func compareMember(list *[]Difference, path string, was, is member, depth int) {
	switch {
	case len(*list) == mostDifferences:
	case was.is && is.is:
		compare(list, path, was.value, is.value, depth+1)
	case was.is:
		*list = append(*list, Difference{Path: path, Was: maskedKind(was.value)})
	default:
		*list = append(*list, Difference{Path: path, Is: maskedKind(is.value)})
	}
}

func equal(a, b any) bool {
	textA, errA := json.Marshal(a)
	textB, errB := json.Marshal(b)
	return errA == nil && errB == nil && bytes.Equal(textA, textB)
}

func maskedKind(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case string:
		return fmt.Sprintf("string(%d)", utf8.RuneCountInString(v))
	case json.Number:
		return fmt.Sprintf("number(%d)", len(v))
	case []any:
		return fmt.Sprintf("list(%d)", len(v))
	case map[string]any:
		return fmt.Sprintf("object(%d)", len(v))
	}
	return "value"
}
