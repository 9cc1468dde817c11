package mapping_test

import (
	"cmp"
	"os"
	"strings"
	"testing"

	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/actiontest"
	"github.com/ciobridge/ciobridge/mapping"
	"github.com/ciobridge/ciobridge/mapping/rulefile"
)

const actionsDocument = "../docs/actions.md"

// TestExamplesOfActions runs the examples of the documents, of which every action has one.
func TestExamplesOfActions(t *testing.T) {
	document, examples := actionExamples(t)
	missing := map[string]bool{}
	for _, a := range customerio.Actions() {
		missing[a.Operation().Name] = true
	}
	for i := len(examples) - 1; i >= 0; i-- { // a replacement moves what is behind it
		e := &examples[i]
		delete(missing, e.Action)
		got := requestIn(customerio.US, exampleCall(t, e))
		if *update {
			document = e.Replace(document, got)
		} else if got != e.Request {
			t.Errorf("%s: got\n%s\nwant\n%s", e.Action, got, e.Request)
		}
	}
	if len(missing) > 0 {
		t.Errorf("no example of %v", missing)
	}
	if *update {
		if err := os.WriteFile(actionsDocument, []byte(document), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func actionExamples(t *testing.T) (document string, examples []actiontest.Example) {
	t.Helper()
	text, err := os.ReadFile(actionsDocument)
	if err != nil {
		t.Fatal(err)
	}
	if examples, err = actiontest.Read(string(text)); err != nil {
		t.Fatal(err)
	}
	return string(text), examples
}

// exampleCall is the one call that an example makes.
func exampleCall(t *testing.T, e *actiontest.Example) event.Call {
	t.Helper()
	file, err := rulefile.Parse(e.Action, []byte(e.Rules()))
	if err != nil {
		t.Fatalf("%s: %v", e.Action, err)
	}
	rules, err := mapping.Compile(mapping.Config{Rules: file.Rules, Allow: customerio.DestructiveActions()})
	if err != nil {
		t.Fatalf("%s: %v", e.Action, err)
	}
	calls, failures := rules.Map(new(e.Message()))
	if len(calls) != 1 || len(failures) > 0 || calls[0].Step.Action != e.Action {
		t.Fatalf("%s: %d calls, failures %+v", e.Action, len(calls), failures)
	}
	return calls[0]
}

// requestIn writes the request in which a call travels, alone, in a region.
func requestIn(region customerio.Region, c event.Call) string {
	if c.Single == nil {
		return "POST " + region.URL(customerio.TrackAPI) + customerio.BatchPath + "\n" +
			string(customerio.BatchItems.With(c.Body)) + "\n"
	}
	if c.Single.Shared {
		c.Body = customerio.SegmentIDs.With(c.Body)
	}
	root := region.URL(customerio.Endpoint(c.Single.Destination).API())
	return strings.TrimRight(cmp.Or(c.Single.Method, "?")+" "+root+c.Single.Path+"\n"+string(c.Body), "\n") + "\n"
}
