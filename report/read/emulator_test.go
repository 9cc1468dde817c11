package read_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/emulator"
	"github.com/ciobridge/ciobridge/report"
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
