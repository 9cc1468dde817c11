package report_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ciobridge/ciobridge/internal/cloudevent"
	"github.com/ciobridge/ciobridge/internal/filelock"
	"github.com/ciobridge/ciobridge/internal/longtest"
	"github.com/ciobridge/ciobridge/report"
	"github.com/ciobridge/ciobridge/report/file"
	"github.com/ciobridge/ciobridge/report/internal/placetest"
)

// storedInFile are the ids of a file by their subjects.
func storedInFile(t *testing.T, path, format string) map[string][]string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string][]string{}
	if format == "csv" {
		rows, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		for _, cells := range rows[1:] {
			ids[cells[7]] = append(ids[cells[7]], cells[0])
		}
		return ids
	}
	for line := range bytes.Lines(text) {
		var e struct{ ID, Subject string }
		if err := json.Unmarshal(line, &e); err != nil {
			t.Fatal(err)
		}
		ids[e.Subject] = append(ids[e.Subject], e.ID)
	}
	return ids
}

func TestFileTarget(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"ndjson", "csv"} {
		path := filepath.Join(t.TempDir(), "sub", "rows")
		remove := func() {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		}
		placetest.Targets(t, placetest.TargetPlace{
			Open:   func() report.Target { return file.NewTarget(path, format) },
			Stored: func() map[string][]string { return storedInFile(t, path, format) },
			Remake: remove, Remove: remove, Made: true,
		})
	}
}

// A process that dies while it writes leaves a part of what it wrote, which may end in the middle of a cell with line
// breaks. The next one cuts off what is no whole row, and tells of the others.
func TestARestOfALineIsCutOff(t *testing.T) {
	t.Parallel()
	awkward := placetest.Event("b", "a")
	awkward.Data = map[string]any{"row": map[string]any{"sent": "\"two\"\nlines, \n\n and quotes\n"}}
	events := []cloudevent.Event{placetest.Event("a", "a"), awkward}
	for _, format := range []string{"ndjson", "csv"} {
		path := filepath.Join(t.TempDir(), "rows")
		first := file.NewTarget(path, format)
		if err := first.Publish(t.Context(), events); err != nil {
			t.Fatal(err)
		}
		first.Close()
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for cut := len(whole); cut >= 0; cut -= longtest.Either(29, 1) {
			if err := os.WriteFile(path, whole[:cut], 0o600); err != nil {
				t.Fatal(err)
			}
			next := file.NewTarget(path, format)
			want := placetest.Published(t, next, "")
			if len(want) == 2 && cut < len(whole) || len(want) == 0 && cut == len(whole) {
				t.Fatalf("%s cut at %d of %d: %v are told of", format, cut, len(whole), want)
			}
			if err := next.Publish(t.Context(), []cloudevent.Event{placetest.Event("c", "a")}); err != nil {
				t.Fatalf("%s cut at %d: %v", format, cut, err)
			}
			next.Close()
			want["c"] = "hash of c"
			again := file.NewTarget(path, format)
			if got := placetest.Published(t, again, ""); !maps.Equal(got, want) {
				t.Fatalf("%s cut at %d: %v are told of, want %v", format, cut, got, want)
			}
			again.Close()
		}
	}
}

// The columns are those of the first row. What a later row has beyond them is kept too.
func TestTable(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rows.csv")
	publish := func(data string) {
		t.Helper()
		target := file.NewTarget(path, "csv")
		defer target.Close()
		if err := target.Publish(t.Context(), []cloudevent.Event{{
			ID: "1", Type: "io.customer.report.campaigns", Subject: "campaign/7", Revision: 2, ContentHash: "ff",
			Workspace: "EU", Time: time.Date(2026, 3, 8, 14, 0, 0, 0, time.UTC), Data: json.RawMessage(data),
		}}); err != nil {
			t.Fatal(err)
		}
	}
	publish(`{"report":"daily","object":"campaign/7","revision":2,
		"window":{"start":"2026-03-07T08:00:00Z","end":"2026-03-08T08:00:00Z"},
		"row":{"campaign":{"id":7,"name":"a, \"b\""},"campaign_id":8,"metrics":{"sent":10,"by":{"x":1}},"links":[1, 2],
		"none":null,"report":"mine","more":1,"empty":{}}}`)
	publish(`{"report":"daily","row":{"campaign":{"name":"c"},"metrics":{"sent":12,"bounced":3},"deep":{"x":"y"}}}`)
	publish(`{"report":"daily"}`)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const want = `event_id,content_hash,revision,event_type,event_time,workspace,report,object,window_start,window_end,` +
		`campaign_id,campaign_name,campaign_id_2,metrics_sent,metrics_by,links,none,empty,more
1,ff,2,io.customer.report.campaigns,2026-03-08T14:00:00Z,EU,daily,campaign/7,2026-03-07T08:00:00Z,` +
		`2026-03-08T08:00:00Z,7,"a, ""b""",8,10,"{""x"":1}","[1,2]",,{},"{""report"":""mine"",""more"":1}"
1,ff,2,io.customer.report.campaigns,2026-03-08T14:00:00Z,EU,daily,campaign/7,,,,c,,12,,,,,"{""metrics_bounced"":3,""deep_x"":""y""}"
1,ff,2,io.customer.report.campaigns,2026-03-08T14:00:00Z,EU,daily,campaign/7,,,,,,,,,,,
`
	if string(text) != want {
		t.Errorf("the file is\n%swant\n%s", text, want)
	}
}

// Who moves the file away between two groups gets a new one, which begins with its own columns.
func TestAFileThatIsMovedAway(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rows.csv")
	target := file.NewTarget(path, "csv")
	defer target.Close()
	for i := range 2 {
		e := placetest.Event("1", "a")
		e.Data = map[string]any{fmt.Sprint("column", i): i}
		if err := target.Publish(t.Context(), []cloudevent.Event{e}); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(path)
		column := fmt.Sprint("column", i)
		if err != nil || strings.Count(string(text), "\n") != 2 || !strings.Contains(string(text), column) {
			t.Errorf("the file is %s, %v", text, err)
		}
		if err := os.Rename(path, path+fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
	}
}

// What is no file of reports is left as it is.
func TestWhatIsNoFileOfReports(t *testing.T) {
	dir := t.TempDir()
	foreign := filepath.Join(dir, "foreign")
	const text = "id,name\n1,a\nand the rest of a line"
	if err := os.WriteFile(foreign, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{foreign, dir} {
		for _, format := range []string{"ndjson", "csv"} {
			if err := file.NewTarget(path, format).Check(t.Context()); !errors.Is(err, report.ErrUnfit) {
				t.Errorf("%s: %v", format, err)
			}
		}
	}
	if got, err := os.ReadFile(foreign); err != nil || string(got) != text {
		t.Errorf("it became %q, %v", got, err)
	}
	if _, err := file.NewStore(dir).Check(t.Context()); !errors.Is(err, report.ErrUnfit) {
		t.Errorf("the state in a folder: %v", err)
	}
	target := file.NewTarget(filepath.Join(dir, "rows"), "")
	defer target.Close()
	if err := target.Published(t.Context(), "x", nil); err == nil {
		t.Error("a position that is none is understood")
	}
	lock, err := os.OpenFile(filepath.Join(dir, "rows.lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err == nil {
		err = filelock.Lock(lock)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := target.Check(ctx); !errors.Is(err, filelock.ErrLocked) {
		t.Errorf("while another uses it: %v", err)
	}
}

// failing is an output that is closed.
type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, os.ErrClosed }

func TestOutput(t *testing.T) {
	var out bytes.Buffer
	target := file.NewOutput(&out, "ndjson")
	events := []cloudevent.Event{placetest.Event("a", "x"), placetest.Event("b", "x")}
	if err := target.Publish(t.Context(), events); err != nil {
		t.Fatal(err)
	}
	if got := placetest.Published(t, target, ""); len(got) != 0 || strings.Count(out.String(), "\n") != 2 {
		t.Errorf("%s; told %v", &out, got)
	}
	if err := file.NewOutput(failing{}, "csv").Publish(t.Context(), events); !errors.Is(err, os.ErrClosed) {
		t.Errorf("an output that is closed: %v", err)
	}
}

// Whatever stands in a row, it is one row, and its event is found again by the next process.
func FuzzTable(f *testing.F) {
	f.Add("id", "a\nb\"", `{"a":"\"\n,","b":[1],"a":2}`)
	path := filepath.Join(f.TempDir(), "rows")
	f.Fuzz(func(t *testing.T, id, hash, data string) {
		if id == "" || id == "event_id" || !json.Valid([]byte(data)) || strings.ContainsRune(id+hash, '\r') {
			return
		}
		events := []cloudevent.Event{
			{ID: id, ContentHash: hash, Data: json.RawMessage(data)}, {ID: "second", Data: json.RawMessage(data)},
		}
		var text bytes.Buffer
		if file.NewOutput(&text, "csv").Publish(t.Context(), events) != nil {
			return // a text that JSON does not take
		}
		if err := os.WriteFile(path, text.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		target := file.NewTarget(path, "csv")
		defer target.Close()
		var got []string
		tell := func(id, hash string) { got = append(got, id, hash) }
		if err := target.Published(t.Context(), "", tell); err != nil {
			t.Fatal(err)
		}
		if whole, err := os.ReadFile(path); err != nil || !bytes.Equal(whole, text.Bytes()) {
			t.Fatalf("of %d bytes %d are whole, %v", text.Len(), len(whole), err)
		}
		if len(got) != 4 || got[0] != id || got[1] != hash || got[2] != "second" {
			t.Fatalf("got %q", got)
		}
	})
}

func BenchmarkPublishToAFile(b *testing.B) {
	for _, format := range []string{"ndjson", "csv"} {
		b.Run(format, func(b *testing.B) {
			target := file.NewTarget(filepath.Join(b.TempDir(), "rows"), format)
			defer target.Close()
			placetest.Rate(b, target)
		})
	}
}
