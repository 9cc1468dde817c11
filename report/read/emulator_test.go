package read_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/emulator"
	"github.com/ciobridge/ciobridge/report"
	"github.com/ciobridge/ciobridge/report/read"
)

// emulated is an emulator, and what reads its reports, in virtual time.
type emulated struct {
	*emulator.Server
	t testing.TB
}

func (e emulated) rows(c report.Config) (rows map[string]map[string]json.RawMessage, malformed int) {
	e.t.Helper()
	api, _ := newAPI(e.t, e.Transport(), func(c *customerio.Config) { c.Region = customerio.US })
	all, err := run(e.t.Context(), e.t, api, c, report.Request{At: time.Now()})
	if err != nil {
		e.t.Fatalf("%s: %v", c.Type, err)
	}
	rows = map[string]map[string]json.RawMessage{}
	for _, line := range all.lines {
		if strings.HasPrefix(line, "malformed ") {
			malformed++
			continue
		}
		key, data, _ := strings.Cut(line, " {")
		var members map[string]json.RawMessage
		if err := json.Unmarshal([]byte("{"+data), &members); err != nil {
			e.t.Fatal(line, err)
		}
		rows[key] = members
	}
	return rows, malformed
}

// What is read of numbers is what the emulator's messages add up to, in the form that goes by steps and in that which
// goes by start and end, before and after people react.
func TestNumbersOfTheEmulator(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := emulated{emulator.New(emulator.Options{AppKey: "app"}), t}
		var to []string
		for n := range 100 {
			to = append(to, fmt.Sprintf("email:%d@example.com", n))
		}
		for _, source := range []string{"campaign:7", "newsletter:3", "broadcast:8"} {
			for range 3 {
				if _, err := e.Send(emulator.Sending{Source: source, To: to}); err != nil {
					t.Fatal(err)
				}
				time.Sleep(26 * time.Hour)
			}
		}
		for range 2 {
			for _, c := range []report.Config{
				{Name: "a", Type: "campaigns", Params: report.Params{Period: "days", Links: true}},
				{Name: "b", Type: "campaigns", Params: report.Params{Resolution: "days", Since: 20 * 24 * time.Hour}},
				{Name: "c", Type: "newsletters", Params: report.Params{Period: "weeks", MetricType: "email"}},
				{Name: "d", Type: "broadcasts", Params: report.Params{Period: "months"}},
			} {
				rows, _ := e.rows(c)
				for _, metric := range []string{"sent", "opened", "clicked", "bounced", "human_opened"} {
					got, want := 0, 0
					for key, row := range rows {
						if !strings.Contains(key, "/link/") {
							got += numberIn(t, row, metric)
						}
					}
					kind := strings.TrimSuffix(c.Type, "s") + ":"
					for _, m := range e.Deliveries() {
						if _, reached := m.Metrics[metric]; reached && strings.HasPrefix(m.Source, kind) {
							want++
						}
					}
					if got != want || metric == "sent" && want != 300 {
						t.Errorf("%s %s: %s %d, want %d of %d rows", c.Name, c.Type, metric, got, want, len(rows))
					}
				}
			}
			if err := e.ReactWithin(time.Hour); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func numberIn(t testing.TB, row map[string]json.RawMessage, metric string) (n int) {
	t.Helper()
	var nested map[string]json.RawMessage
	for _, raw := range row {
		if json.Unmarshal(raw, &nested) == nil {
			if raw, is := nested[metric]; is {
				row = map[string]json.RawMessage{metric: raw}
			}
		}
	}
	if err := json.Unmarshal(row[metric], &n); err != nil {
		t.Fatalf("%s in %v: %v", metric, row, err)
	}
	return n
}

// An export that takes long, fails, whose link has expired, or whose file breaks off is read whole all the same.
func TestExportsOfTheEmulator(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := emulated{emulator.New(emulator.Options{AppKey: "app"}), t}
		plan := emulator.Exports{Takes: 5 * time.Minute, Rows: 2000, Malformed: []int{5, 1000}, Fail: 2}
		if err := e.SetExports(plan); err != nil {
			t.Fatal(err)
		}
		for _, spec := range []string{
			"path=/_emulator/exports/,status=403,times=2", "path=/v1/exports/,status=429,retry_after=30,nth=2",
		} {
			f, err := emulator.ParseFault(spec)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := e.AddFault(f); err != nil {
				t.Fatal(err)
			}
		}
		rows, malformed := e.rows(report.Config{Name: "a", Type: "deliveries_export",
			Params: report.Params{Of: map[string]string{"campaign": "7"}}})
		if len(rows) != 1998 || malformed != 2 {
			t.Errorf("%d rows, and %d malformed ones", len(rows), malformed)
		}
		fired := e.FaultCounts()
		if fired["403 Forbidden"] != 2 || fired["429 Too Many Requests"] != 1 || e.Exports().Fail != 0 {
			t.Errorf("faults %v, %d exports are yet to fail", fired, e.Exports().Fail)
		}
	})
}

// The file of an export that breaks off is an error, after which the same export is read again.
func TestAFileOfTheEmulatorBreaksOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := emulated{emulator.New(emulator.Options{AppKey: "app", Exports: emulator.Exports{Rows: 2000}}), t}
		if _, err := e.AddFault(emulator.Fault{Path: "/_emulator/exports/", Break: 50_000, Times: 1}); err != nil {
			t.Fatal(err)
		}
		api, _ := newAPI(t, e.Transport(), nil)
		c := report.Config{Name: "a", Type: "deliveries_export",
			Params: report.Params{Of: map[string]string{"campaign": "7"}}}
		first, err := run(context.Background(), t, api, c, report.Request{At: time.Now()})
		if err == nil || first.rows == 0 || first.rows >= 2000 || first.saved == "" {
			t.Errorf("%d rows and %q before the file broke off: %v", first.rows, first.saved, err)
		}
		second, err := run(context.Background(), t, api, c, report.Request{At: time.Now(), Saved: first.saved})
		if err != nil || second.rows != 2000 {
			t.Errorf("%d rows: %v", second.rows, err)
		}
		begun := 0
		for _, r := range e.Receipts(0) {
			if r.Method == "POST" && r.Taken {
				begun++
			}
		}
		if begun != 1 {
			t.Errorf("%d exports were begun", begun)
		}
	})
}

// feed sends something to the emulator, by Track where the path says so and by App elsewhere.
func (e emulated) feed(path, body string) string {
	e.t.Helper()
	r := httptest.NewRequest(http.MethodPost, "http://localhost"+path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer app")
	r.Header.Set("Content-Type", "application/json")
	if strings.HasPrefix(path, "/api/") {
		r.SetBasicAuth(emulator.DefaultSiteID, emulator.DefaultAPIKey)
	}
	w := httptest.NewRecorder()
	e.ServeHTTP(w, r)
	if w.Code/100 != 2 {
		e.t.Fatalf("%s: %d %s", path, w.Code, w.Body)
	}
	return w.Body.String()
}

// People are told by look-ups and by an export, those without an id among them, and each once. Segments tell who is in
// them, and activities what Customer.io has taken and ignored, between one run and the next.
func TestPeopleOfTheEmulator(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := emulated{emulator.New(emulator.Options{AppKey: "app"}), t}
		e.feed("/v1/segments", `{"segment":{"name":"Others"}}`)
		e.feed("/v1/segments", `{"segment":{"name":"VIP"}}`)
		var items, ids []string
		for n := range 250 {
			who := fmt.Sprintf(`"id":"p%d"`, n)
			if n%50 == 0 {
				who = fmt.Sprintf(`"email":"%d@example.com"`, n)
			} else {
				ids = append(ids, fmt.Sprintf("%q", fmt.Sprintf("p%d", n)))
			}
			items = append(items, `{"type":"person","action":"identify","identifiers":{`+who+`},"attributes":{"n":`+
				fmt.Sprint(n)+`,"note":"a, \"b\"\nc"}}`)
		}
		e.feed("/api/v2/batch", `{"batch":[`+strings.Join(items, ",")+`]}`)
		e.feed("/api/v1/segments/2/add_customers", `{"ids":[`+strings.Join(ids, ",")+`]}`)
		everybody := `{"attribute":{"field":"cio_id","operator":"exists"}}`
		for _, c := range []struct {
			params report.Params
			want   int
		}{{report.Params{Segments: []string{"VIP"}}, 245}, {report.Params{Filter: everybody}, 250}} {
			looked, _ := e.rows(report.Config{Type: "customers", Params: c.params})
			exported, malformed := e.rows(report.Config{Type: "customers_export", Params: c.params})
			if len(looked) != c.want || len(exported) != c.want || malformed > 0 {
				t.Errorf("%d people looked up, %d exported, want %d", len(looked), len(exported), c.want)
			}
			byObject := map[string]map[string]json.RawMessage{}
			for key, row := range exported {
				object, _, _ := strings.Cut(key, " ")
				byObject[object] = row
			}
			for key, row := range looked {
				key, _, _ = strings.Cut(key, " ")
				var attributes struct{ N, Note string }
				n := strings.Trim(string(byObject[key]["n"]), `"`)
				if json.Unmarshal(row["attributes"], &attributes) != nil || attributes.N != n ||
					string(byObject[key]["note"]) != `"a, \"b\"\nc"` || attributes.Note != "a, \"b\"\nc" {
					t.Fatalf("%s: %s, exported as %s", key, row["attributes"], byObject[key])
				}
			}
		}
		members, _ := e.rows(report.Config{Type: "segments",
			Params: report.Params{Segments: []string{"2"}, Members: true}})
		counts, _ := e.rows(report.Config{Type: "segments"})
		if len(members) != 246 || len(counts) != 2 {
			t.Errorf("%d rows of a segment and its members, %d of all segments", len(members), len(counts))
		}

		api, _ := newAPI(t, e.Transport(), nil)
		var last time.Time
		for range 3 { // each run tells what has happened since the one before
			e.feed("/api/v2/batch", `{"batch":[`+
				`{"type":"person","action":"identify","identifiers":{"cio_id":"0123456789"},"attributes":{"a":1}}]}`)
			time.Sleep(time.Hour)
			all, err := run(t.Context(), t, api, report.Config{Type: "activities"},
				report.Request{At: time.Now(), Last: last})
			if err != nil || all.rows != 1 || !strings.Contains(all.lines[0], `"type":"failed_attribute_change"`) {
				t.Errorf("%q, %v", all.lines, err)
			}
			last = time.Now()
		}
	})
}

// A delivery is told by the run in whose time it was made, also one at the edge of two, and is the same row when that
// time is asked for again.
func TestDeliveriesOfTheEmulator(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := emulated{emulator.New(emulator.Options{AppKey: "app"}), t}
		api, _ := newAPI(t, e.Transport(), nil)
		c := report.Config{Type: "deliveries_export", Params: report.Params{Of: map[string]string{"campaign": "7"}}}
		deliveries := func(q report.Request) (keys []string) {
			all, err := run(t.Context(), t, api, c, q)
			if err != nil {
				t.Fatal(err)
			}
			for _, line := range all.lines {
				key, _, _ := strings.Cut(line, " {")
				keys = append(keys, key)
			}
			return keys
		}
		begin := time.Now()
		var told []string
		last := begin
		for range 3 {
			for range 2 { // one within the time of the run, and one at its end
				time.Sleep(time.Hour)
				if _, err := e.Send(emulator.Sending{Source: "campaign:7", To: []string{"id:a"}}); err != nil {
					t.Fatal(err)
				}
			}
			at := time.Now()
			told = append(told, deliveries(report.Request{At: at, Last: last})...)
			last = at
		}
		want := "[delivery/dl00000001 2000-01-01T01:00:00Z delivery/dl00000002 2000-01-01T02:00:00Z " +
			"delivery/dl00000003 2000-01-01T03:00:00Z delivery/dl00000004 2000-01-01T04:00:00Z " +
			"delivery/dl00000005 2000-01-01T05:00:00Z]"
		again := deliveries(report.Request{At: time.Now(), Window: report.Window{Start: begin, End: last}})
		if fmt.Sprint(told) != want || fmt.Sprint(again) != want {
			t.Errorf("told %v, and when asked again %v", told, again)
		}
	})
}

// A time that lies further back than Customer.io tells is refused with the time from which on it does, and one that a
// report's own settings reach for begins there.
func TestTimesBeforeThoseOfTheEmulator(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := emulated{emulator.New(emulator.Options{AppKey: "app"}), t}
		if _, err := e.Send(emulator.Sending{Source: "campaign:7", To: []string{"id:a"}}); err != nil {
			t.Fatal(err)
		}
		api, _ := newAPI(t, e.Transport(), nil)
		for params, since := range map[string]string{
			"": "1999-11-17T05:00:00Z", "months": "1990-02-01T00:00:00Z", "weeks": "1990-01-07T00:00:00Z",
		} {
			c := report.Config{Type: "campaigns", Params: report.Params{Resolution: params}}
			asked := report.Window{Start: time.Now().AddDate(-15, 0, 0), End: time.Now()}
			_, err := run(t.Context(), t, api, c, report.Request{At: time.Now(), Window: asked})
			if !errors.As(err, new(*read.ReachError)) || !strings.Contains(err.Error(), "goes back to "+since) {
				t.Errorf("%q: %v, want one that tells %s", params, err, since)
			}
		}
		rows, _ := e.rows(report.Config{Type: "campaigns", Params: report.Params{
			Resolution: "months", Since: 3652 * 24 * time.Hour}})
		if len(rows) != 119 {
			t.Errorf("%d months of ten years", len(rows))
		}
	})
}

// A time that ends within a bucket is told with the numbers of the whole bucket, as at any other time, and so is one
// for which a run is late.
func TestNumbersOfPartOfABucket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := emulated{emulator.New(emulator.Options{AppKey: "app"}), t}
		midnight := time.Now()
		time.Sleep(13 * time.Hour)
		if _, err := e.Send(emulator.Sending{Source: "campaign:7", To: []string{"id:a"}}); err != nil {
			t.Fatal(err)
		}
		api, _ := newAPI(t, e.Transport(), nil)
		c := report.Config{Type: "campaigns", Params: report.Params{Resolution: "daily"}}
		for _, now := range []time.Duration{15, 40} {
			time.Sleep(time.Until(midnight.Add(now * time.Hour)))
			for _, until := range []time.Duration{12, 15, 24} {
				asked := report.Window{Start: midnight, End: midnight.Add(until * time.Hour)}
				all, err := run(t.Context(), t, api, c, report.Request{At: time.Now(), Window: asked})
				if err != nil || all.rows != 1 || !strings.Contains(all.lines[0], `"sent":1,`) {
					t.Errorf("until %d h: %q, %v", until, all.lines, err)
				}
			}
			late, err := run(t.Context(), t, api, c, report.Request{At: midnight.Add(12 * time.Hour)})
			if err != nil || !strings.Contains(strings.Join(late.lines, ""), `"sent":1,`) {
				t.Errorf("a run that is late: %v, %v", late.lines, err)
			}
		}
	})
}

// A bucket may end between the question for the numbers of a campaign and that for those of its links.
func TestABucketThatEndsBeforeTheLinks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := emulated{emulator.New(emulator.Options{AppKey: "app"}), t}
		var to []string
		for n := range 50 {
			to = append(to, fmt.Sprintf("email:%d@example.com", n))
		}
		hour := time.Now()
		if _, err := e.Send(emulator.Sending{Source: "campaign:7", To: to}); err != nil {
			t.Fatal(err)
		}
		if err := e.ReactWithin(time.Minute); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour - 150*time.Millisecond) // before the list, of which the two follow at a tenth of a second
		rows, _ := e.rows(report.Config{Type: "campaigns", Params: report.Params{Period: "hours", Links: true}})
		ended := time.Since(hour) > time.Hour
		for key, row := range rows {
			if numberIn(t, row, "clicked") > 0 != strings.Contains(key, " "+hour.UTC().Format(time.RFC3339)+" ") {
				t.Errorf("%s: %s", key, row["metrics"])
			}
		}
		if !ended || len(rows) < 48 {
			t.Errorf("%d rows, of which the last came after the hour: %t", len(rows), ended)
		}
	})
}
