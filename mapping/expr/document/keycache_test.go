package document

import (
	"fmt"
	"strings"
	"testing"
)

// sequences are documents in the order in which one Document parses them: what comes later is not quite what came
// before.
var sequences = [][]string{
	// another key at each place
	{`{"a":1,"b":2,"c":3}`, `{"x":1,"b":2,"c":3}`, `{"a":1,"x":2,"c":3}`, `{"a":1,"b":2,"x":3}`, `{"a":1,"b":2,"c":3}`},
	// missing keys, other orders
	{`{"a":1,"b":2,"c":3}`, `{"b":2,"c":3}`, `{"a":1,"c":3}`, `{"a":1,"b":2}`, `{"c":1,"b":2,"a":3}`, `{}`},
	// more keys
	{`{"a":1,"b":2}`, `{"z":0,"a":1,"b":2}`, `{"a":1,"z":0,"b":2}`, `{"a":1,"b":2,"z":0}`},
	// keys that come twice
	{`{"a":1,"b":2}`, `{"a":1,"a":2}`, `{"a":1,"b":2,"a":3}`, `{"a":1,"b":2,"b":3}`, `{"b":1,"a":2,"b":3}`},
	// escaped keys
	{`{"a":1,"b":2}`, `{"a":1,"\u0061":2}`, `{"\u0061":1,"a":2}`, `{"\u0061":1,"\u0062":2}`,
		`{"\u0061":1,"b":2,"a":3}`, `{"\u007a":1,"z":2}`, `{"\u007a":1,"y":3,"z":2,"y":4}`, `{"y":3}`},
	// white space
	{`{"a":1,"b":2}`, `{ "a" : 1 , "b" : 2 }`, "{\n  \"a\": 1,\n  \"b\": 2\n}", "{\"a\":\t1 \r\n,\"b\":2}",
		`{"a": 1,"b"  :2}`, `{"a":1,"b":2}`, `{"a":1 "b":2}`, `{"a" 1}`, `{"a":}`, `{"a":1,}`, `{ }`},
	// keys that are expected again
	{`{"a":1,"b":2}`, `{"b":1,"a":2}`, `{"a":1,"b":2,"a":3}`, `{"b":1,"a":2,"b":3}`},
	{`{"b":1,"a":2}`, `{"b":1,"c":2}`, `{"a":1,"b":2,"a":3}`},
	// nested
	{`{"a":{"b":1}}`, `{"a":{"b":1,"b":2}}`, `{"a":[{"b":1},{"b":2,"c":3}]}`, `{"a":{"c":{"b":1}},"data":{"a":0}}`,
		`{"a":null}`, `{"a":[[{"b":1}],{"b":[]}]}`},
	// elements
	{`{"a":[{"b":1,"c":2},{"b":1,"c":2}]}`, `{"a":[{"c":1},{"b":1,"d":2},{"b":1,"b":2}]}`,
		`{"a":[{"b":1},{},3,{"b":{"b":1}},{"b":2}]}`, `[{"b":1},{"b":2}]`, `[[{"b":1}]]`},
	// long keys
	{`{"abcdefghijklmnopq":1}`, `{"abcdefghXjklmnopq":1}`, `{"abcdefghijklmnopX":1}`, `{"abcdefghijklmnopq":2}`,
		`{"abcdefghijklmnop":1,"abcdefghijklmnopq":1}`, `{"abcdefgh":1}`},
	// bytes that are no text
	{`{"größe":1}`, "{\"größe\":\"\xff\"}", "{\"gr\xc3\":1}", "{\"gr\xc3\":1}", "{\"a\xff\":1}", "{\"a\xff\":1}",
		`{"größe":2,"gr":1}`},
	// many keys
	{manyKeys(40, ""), manyKeys(40, `,"k7":0`), manyKeys(20, ""), manyKeys(20, `,"z":0,"k7":0`),
		manyKeys(70, `,"k69":0`), manyKeys(70, `,"\u006b7":0`)},
	{`{"a":1}`, `{"\u007a":1,` + manyKeys(50, "")[1:], `{"\u007a":1,` + manyKeys(50, `,"k49":0`)[1:],
		`{"\u007a":1,` + manyKeys(50, `,"k3":0,"z":0`)[1:], `{"\u007a":1,` + manyKeys(50, `,"k3":0,"z":`)[1:],
		`{"\u007a":1,` + manyKeys(50, `,"k3":0,"q":{"b":}`)[1:]},
	{escapedKeys(40, ""), escapedKeys(40, `,"k3":0`), escapedKeys(40, `,"z":0,"z":0`), escapedKeys(40, `,"k39":0,"k`)},
}

// escapedKeys is manyKeys with keys that are not learned.
func escapedKeys(n int, more string) string {
	return strings.ReplaceAll(manyKeys(n, ""), `"k`, `"\u006b`)[:len(manyKeys(n, ""))+5*n-1] + more + "}"
}

// withRoom gives each document as it is and with white space behind it: an expected key is compared where eight bytes
// are left.
func withRoom(raws []string) (all []string) {
	for _, raw := range raws {
		all = append(all, raw, raw+"        ")
	}
	return all
}

func TestKeyCache(t *testing.T) {
	w := want(t, wantedPaths)
	for _, raws := range sequences {
		var d Document
		for _, first := range raws {
			for _, raw := range withRoom(append([]string{first}, raws...)) { // each behind each
				if parseLikeFresh(t, w.places, &d, []byte(raw)) == nil {
					w.sameAsDecoded(t, &d, []byte(raw))
				}
			}
		}
	}
}

// The expected keys are what makes a second document cheap: here they must have been what was used.
func TestKeyCacheIsUsed(t *testing.T) {
	s := want(t, []string{".type", ".time", ".data.total", ".data.items[0].sku"}).places
	var d Document
	for _, raw := range orders(64)[:4] {
		_ = parseLikeFresh(t, s, &d, raw)
	}
	count := d.scan.cache.count
	for _, raw := range orders(64) {
		_ = parseLikeFresh(t, s, &d, raw)
	}
	if count == 0 || d.scan.cache.count != count {
		t.Errorf("%d keys and places after four orders, %d after all", count, d.scan.cache.count)
	}
	at := &d.scan.cache.root.start
	for _, want := range []string{"id", "type", "time", "data"} {
		if at = at.next[0]; at == nil || string(at.spelling[at.nameAt:at.nameEnd]) != want {
			t.Fatalf("want %s to be expected, not %v", want, at)
		}
	}
}

// readTwice gives a function that parses a document two times and holds the wanted values to those that a decoder
// finds.
func readTwice(t *testing.T) func(d *Document, raw string) {
	w := want(t, []string{".data.id", ".users.u7.name", ".last"})
	return func(d *Document, raw string) {
		t.Helper()
		_ = parseLikeFresh(t, w.places, d, []byte(raw))
		if err := parseLikeFresh(t, w.places, d, []byte(raw)); err == nil {
			w.sameAsDecoded(t, d, []byte(raw))
		}
	}
}

// What a Document remembers has bounds, and what lies beyond them is still read right.
func TestKeyCacheBounds(t *testing.T) {
	read := readTwice(t)
	t.Run("keys that are data", func(t *testing.T) {
		var d Document
		for n := range 100 {
			var b strings.Builder
			for i := range 10 {
				fmt.Fprintf(&b, `,"u%d":{"name":%d}`, n*7+i, i)
			}
			read(&d, `{"users":{`+b.String()[1:]+`},"last":1}`)
			read(&d, `{"users":{`+b.String()[1:]+b.String()+`},"last":1}`)
		}
		if users := d.scan.cache.root.start.next[0].inside; !users.dynamic || users.count > maxShapeKeys {
			t.Errorf("%d keys are remembered, dynamic=%v", users.count, users.dynamic)
		}
	})
	t.Run("too many places", func(t *testing.T) {
		var d Document
		for n := range maxShapeKeys {
			var b strings.Builder
			for i := range 40 {
				fmt.Fprintf(&b, `,"k%d":{}`, n*40+i)
			}
			read(&d, fmt.Sprintf(`{"p%d":{"id":1%s},"last":2}`, n, b.String()))
		}
		read(&d, `{"data":{"id":3,"x":{"y":[{"z":1}]}},"p0":{"new":{"newer":1,"newer":1}},"last":2}`)
		read(&d, `{"data":{"id":3,"x":{"y":[{"z":1}]}},"p0":{"new":{"newer":1}},"last":2}`)
		if n := d.scan.cache.count; n < maxCachedKeys || n > maxCachedKeys+1 {
			t.Errorf("%d keys and places are remembered", n)
		}
	})
}

func TestKeyCacheRenewed(t *testing.T) {
	read := readTwice(t)
	t.Run("long keys", func(t *testing.T) {
		var d Document
		long := strings.Repeat("k", maxSpelling)
		for n := maxSpelling - 6; n < maxSpelling; n++ {
			read(&d, fmt.Sprintf(`{"%s":1,"last":2}`, long[:n]))
			read(&d, fmt.Sprintf(`{"last":1,"%s":1,"%s":2}`, long[:n], long[:n]))
		}
	})
	t.Run("another set", func(t *testing.T) {
		var d Document
		other := want(t, []string{".last", ".data", ".data.id"})
		for range 3 {
			raw := `{"data":{"id":7},"last":1}`
			read(&d, raw)
			_ = parseLikeFresh(t, other.places, &d, []byte(raw))
			other.sameAsDecoded(t, &d, []byte(raw))
		}
	})
	t.Run("numbers run out", func(t *testing.T) {
		var d Document
		read(&d, `{"data":{"id":7},"last":1}`)
		d.scan.cache.object = 1<<31 - 1
		read(&d, `{"data":{"id":7},"last":1}`)
		read(&d, `{"data":{"id":7},"last":1}`)
		if d.scan.cache.object > 100 {
			t.Error("the numbers do not start over")
		}
	})
}
