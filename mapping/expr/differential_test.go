package expr

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/itchyny/gojq"

	"github.com/ciobridge/ciobridge/internal/longtest"
	"github.com/ciobridge/ciobridge/mapping/expr/document"
)

// TestDifferential runs random programs of the fast form on random documents and holds every output to gojq's. How
// many runs it makes can be set by CIOBRIDGE_EXECUTIONS; other runs than those of the last time come from another
// CIOBRIDGE_SEED.
func TestDifferential(t *testing.T) {
	want := fromEnvironment(t, "CIOBRIDGE_EXECUTIONS", longtest.Either(2_000, 60_000))
	seed := fromEnvironment(t, "CIOBRIDGE_SEED", 1)
	start := time.Now()
	done, programs, outputs, failures := 0, 0, 0, 0
	for batch := uint64(0); done < want && !t.Failed(); batch++ {
		c := newCampaign(t, &generator{rand.New(rand.NewPCG(uint64(seed), batch))})
		c.run(t, want-done)
		if done%10_000_000 > (done+c.runs)%10_000_000 {
			t.Logf("%d executions, %s", done+c.runs, time.Since(start).Round(time.Second))
		}
		done, programs, outputs, failures = done+c.runs, programs+len(c.programs), outputs+c.outputs,
			failures+c.failures
	}
	t.Logf("%d executions of %d programs in %s: %d outputs, %d failures, the same as gojq's", done, programs,
		time.Since(start).Round(time.Millisecond), outputs, failures)
	if outputs < done/4 || failures < done/100 {
		t.Error("the programs say too little")
	}
}

func fromEnvironment(t *testing.T, name string, otherwise int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// campaign is a set of programs that runs on many documents.
type campaign struct {
	g        *generator
	set      *Set
	programs []*Program
	codes    []*gojq.Code
	doc      Document
	message  any

	runs, outputs, failures int
}

func newCampaign(t *testing.T, g *generator) *campaign {
	c := &campaign{g: g, set: NewSet(), message: stdDecode(t, []byte(testMessage))}
	for len(c.programs) < 50 {
		src := g.program(1 + g.IntN(4))
		p, err := c.set.Compile(src, "message", "item")
		if err != nil {
			t.Fatalf("%s: %v", src, err)
		}
		if p.OnFastPath() {
			c.programs = append(c.programs, p)
			c.codes = append(c.codes, reference(t, src))
		}
	}
	c.set.Seal()
	return c
}

func (c *campaign) run(t *testing.T, most int) {
	for range 400 {
		raw := []byte(c.g.event())
		if err := c.doc.Parse(c.set, raw); err != nil {
			t.Fatalf("%s: %v", raw, err)
		}
		c.doc.Bind("message", Value{Kind: Object, Raw: []byte(testMessage)})
		decoded := stdDecode(t, raw)
		for i, p := range c.programs {
			if c.runs == most {
				return
			}
			c.runs++
			if !c.same(t, p, c.codes[i].Run(decoded, c.message)) {
				sameAs(t, c.codes[i], p, &c.doc, raw) // says what differs
				t.Fatalf("%s differs on %s", p, raw)
			}
		}
	}
}

// same runs the program and compares each output with gojq's next one.
func (c *campaign) same(t *testing.T, p *Program, outputs gojq.Iter) bool {
	same := true
	compare := func(v Value) error {
		c.outputs++
		want, ok := outputs.Next()
		same = same && ok && sameJSON(t, v, want)
		return nil
	}
	var err error
	if p.fast.several {
		err = p.Each(&c.doc, compare)
	} else {
		var v Value
		if v, err = p.One(&c.doc); err == nil && v.Kind != Absent {
			_ = compare(v)
		}
	}
	rest, ok := outputs.Next()
	if _, failed := rest.(error); failed {
		c.failures++
		return same && err != nil
	}
	return same && !ok && err == nil
}

// sameJSON reports whether v is what gojq gave.
func sameJSON(t *testing.T, v Value, want any) bool {
	if document.KindOf(v.Raw[0]) != v.Kind {
		return false
	}
	switch want := want.(type) {
	case error:
		return false
	case nil:
		return string(v.Raw) == "null"
	case bool:
		return string(v.Raw) == strconv.FormatBool(want)
	case json.Number:
		return string(v.Raw) == string(want)
	case int:
		var text [20]byte
		return string(v.Raw) == string(strconv.AppendInt(text[:0], int64(want), 10))
	case string:
		if v.Kind == String && string(v.Raw[1:len(v.Raw)-1]) == want {
			return json.Valid(v.Raw)
		}
	}
	text, err := gojq.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	return string(v.Raw) == string(text) || json.Valid(v.Raw) && canonical(t, v.Raw) == string(text)
}
