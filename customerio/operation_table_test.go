package customerio

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the table of actions into the documents")

const document = "../docs/actions.md"

// TestTheDocumentsShowEveryAction keeps the table of actions in the documents as the table of operations has them.
func TestTheDocumentsShowEveryAction(t *testing.T) {
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	begin, end := []byte("<!-- actions: made by go test ./customerio -update -->\n"),
		[]byte("<!-- end of actions -->\n")
	before, rest, found := bytes.Cut(text, begin)
	_, after, ended := bytes.Cut(rest, end)
	if !found || !ended {
		t.Fatalf("%s has no place for the table of actions", document)
	}
	want := bytes.Join([][]byte{before, begin, []byte(actionTable()), end, after}, nil)
	if bytes.Equal(text, want) {
		return
	}
	if !*update {
		t.Fatalf("the table of actions in %s is not up to date; go test ./customerio -update writes it:\n%s", document,
			actionTable())
	}
	if err := os.WriteFile(document, want, 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestTheDocumentsNameEveryActionAsOthersDo holds the table of names in other products to the table of operations: each
// action has its row, in order, and a name or a dash for each product.
func TestTheDocumentsNameEveryActionAsOthersDo(t *testing.T) {
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	const head = "| action | Ibexa Connect | Prismatic | Tray | Segment | RudderStack |\n|---|---|---|---|---|---|\n"
	_, rest, found := strings.Cut(string(text), head)
	if !found {
		t.Fatalf("%s has no table of the names in other products", document)
	}
	table, _, _ := strings.Cut(rest, "\n\n")
	rows := strings.Split(table, "\n")
	for i, a := range Actions() {
		if i >= len(rows) {
			t.Fatalf("%s: no row from here on", a.Operation().Name)
		}
		cells := strings.Split(strings.Trim(rows[i], "|"), "|")
		if len(cells) != 6 || strings.TrimSpace(cells[0]) != "`"+a.Operation().Name+"`" {
			t.Fatalf("want a row for %s with five names, found %s", a.Operation().Name, rows[i])
		}
		for _, cell := range cells {
			if strings.TrimSpace(cell) == "" {
				t.Errorf("%s: a cell has neither a name nor a dash: %s", a.Operation().Name, rows[i])
			}
		}
	}
	if len(rows) != len(Actions()) {
		t.Errorf("%d rows of %d actions", len(rows), len(Actions()))
	}
}

// TestTheReadmeLeadsToTheActions has somebody who reads the README find them all.
func TestTheReadmeLeadsToTheActions(t *testing.T) {
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "\nActions are ")
	sentence, _, _ := strings.Cut(rest, "\n\n")
	for _, name := range []string{"`identify`", "`track`", "(docs/actions.md)"} {
		if !strings.Contains(sentence, name) {
			t.Errorf("the README's sentence about actions does not have %s: %q", name, sentence)
		}
	}
}

func actionTable() string {
	var b strings.Builder
	b.WriteString("| action | what it does | fields | the person is named by | goes to | besides |\n" +
		"|---|---|---|---|---|---|\n")
	for _, a := range Actions() {
		op := a.Operation()
		var fields []string
		for i := range op.Fields {
			fields = append(fields, fieldCell(&op.Fields[i]))
		}
		var kinds []string
		if f := op.Field(PersonField); f != nil {
			for _, name := range f.IdentifierNames() {
				kinds = append(kinds, "`"+name+"`")
			}
		}
		place := BatchPath
		switch {
		case op.Path != "":
			place = op.Path
		case a == RawRequest:
			place = "path"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | `%s` | %s |\n", op.Name, op.Purpose, strings.Join(fields, ", "),
			strings.Join(kinds, ", "), place, strings.Join(besides(op), "; "))
	}
	return b.String()
}

func fieldCell(f *Field) string {
	cell := "`" + f.Key + "`"
	if f.Required {
		cell = "**" + cell + "**"
	}
	switch {
	case f.MaxBytes > 0:
		cell += fmt.Sprintf(" (up to %d bytes)", f.MaxBytes)
	case f.MaxRunes > 0:
		cell += fmt.Sprintf(" (up to %d characters)", f.MaxRunes)
	case f.MaxEntries > 0 && f.Kind == ValueField:
		cell += fmt.Sprintf(" (up to %d)", f.MaxEntries)
	case f.MaxEntries > 0:
		cell += fmt.Sprintf(" (up to %d, with those removed)", f.MaxEntries)
	}
	return cell
}

func besides(op *Operation) (out []string) {
	if op.Destructive {
		out = append(out, "needs `allow: ["+op.Name+"]`")
	}
	switch op.Timestamp {
	case EventTime:
		out = append(out, "carries the event's time")
	case ReplayTime:
		out = append(out, "carries the event's time in a replay only")
	}
	if op.Repeatable {
		out = append(out, "Customer.io ignores a repeat of its id")
	}
	if op.Once {
		out = append(out, "counts twice if it is sent twice, and so passes the send ledger")
	}
	if op.GoesAlone() {
		out = append(out, fmt.Sprintf("over %d bytes it goes alone, with up to %d bytes of data", MaxItemBytes,
			MaxEventDataBytes))
	}
	return out
}
