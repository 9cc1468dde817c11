package emulator

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

func TestManyAtOnce(t *testing.T) {
	var log brokenLog // writes are serialised by the server, or the race detector says so
	c := start(t, Options{KeepReceipts: -1, ReceiptLog: &log, Faults: []Fault{
		{Name: "lost", Status: 503, Probability: 0.2, Applied: true}, {Name: "late", Nth: 3, Times: 4, Latency: 1},
	}})
	const senders, batches = 8, 25
	var all sync.WaitGroup
	for n := range senders {
		all.Go(func() {
			for b := range batches {
				body := `{"batch":[` + event(fmt.Sprint(n), n*1000+b) +
					`,` + identify(fmt.Sprint(n), fmt.Sprintf(`{"b":%d}`, b)) + `]}`
				for {
					r, err := c.try("POST", batchPath, body)
					if err != nil {
						t.Error(err)
						return
					}
					if r.status == 200 {
						break
					}
				}
				c.s.People()
				c.s.Stats()
				c.s.FaultCounts()
			}
		})
	}
	all.Wait()
	for i, r := range c.s.Receipts(0) {
		if r.N != i+1 {
			t.Fatalf("receipt %d has number %d", i+1, r.N)
		}
	}
	people := c.s.People()
	for _, p := range people {
		if p.Events != batches || string(p.Attributes["b"]) != fmt.Sprint(batches-1) {
			t.Errorf("%+v", p)
		}
	}
	got := c.s.Stats()
	if len(people) != senders || got.Duplicates != c.s.FaultCounts()["lost"] || got.Duplicates == 0 ||
		got.Requests != log.writes {
		t.Errorf("%d people, %d writes, stats %+v, faults %v", len(people), log.writes, got, c.s.FaultCounts())
	}
}

// FuzzBatch holds the emulator to two promises about any bytes: it answers, and each item of a batch that is read is
// taken or is listed in the errors, never both.
func FuzzBatch(f *testing.F) {
	for _, row := range operationRows {
		if len(row.item) < 2000 {
			f.Add([]byte(`{"batch":[` + row.item + `]}`))
		}
	}
	for _, seed := range []string{`{"batch":[1,"\ud800",{"a":1,"a":2},[]]}`, `{"batch":[{}],"batch":[{}]}`,
		"{\"batch\":[\"\xff\"]}", `{"batch":[-0,1e5,0.1E-7,01]}`} {
		f.Add([]byte(seed))
	}
	s := New(Options{KeepReceipts: 1000})
	f.Fuzz(func(t *testing.T, body []byte) {
		before := s.Stats()
		r := httptest.NewRequest("POST", "http://localhost"+batchPath, strings.NewReader(string(body)))
		r.SetBasicAuth(DefaultSiteID, DefaultAPIKey)
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		var answer struct {
			Errors []struct {
				Index                  *int `json:"batch_index"`
				Reason, Field, Message string
			}
		}
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
			t.Fatalf("answer %d %s: %v", w.Code, w.Body, err)
		}
		after := s.Stats()
		items := after.Items - before.Items
		var sent struct{ Batch []json.RawMessage }
		readable := json.Unmarshal(body, &sent) == nil
		switch w.Code {
		case 200, 207:
			if !readable || items != len(sent.Batch) {
				t.Fatalf("%d items were found in %q, encoding/json finds %d", items, body, len(sent.Batch))
			}
			refused := map[int]bool{}
			for _, e := range answer.Errors {
				if e.Index == nil || *e.Index < 0 || *e.Index >= items || e.Reason == "" || e.Message == "" {
					t.Fatalf("error %+v of %d items", e, items)
				}
				refused[*e.Index] = true
			}
			if after.Taken-before.Taken != items-len(refused) || (w.Code == 207) != (len(refused) > 0) {
				t.Fatalf("%d: %d taken, %d refused of %d", w.Code, after.Taken-before.Taken, len(refused), items)
			}
			receipts := s.Receipts(s.book.next - items)
			for i, r := range receipts {
				if want := sent.Batch[items-len(receipts)+i]; string(r.Body) != string(want) {
					t.Fatalf("receipt of %q, want %q", r.Body, want)
				}
			}
		case 400, 413:
			if items != 0 || len(answer.Errors) == 0 {
				t.Fatalf("%d with %d items: %s", w.Code, items, w.Body)
			}
		default:
			t.Fatalf("answer %d", w.Code)
		}
	})
}

// BenchmarkBatch reports how many events of 1 KB one core takes, HTTP not counted.
func BenchmarkBatch(b *testing.B) {
	const size = 450
	var items []string
	pad := x(800)
	for n := range size {
		items = append(items,
			fmt.Sprintf(`{"type":"person","action":"event","identifiers":{"id":"p%d"},"name":"bought","id":"ULID%022d","timestamp":1700000000,"attributes":{"n":%d,"pad":%q}}`, n, n, n, pad))
	}
	body := `{"batch":[` + strings.Join(items, ",") + `]}`
	s := New(Options{})
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		fresh := strings.ReplaceAll(body, "ULID", fmt.Sprintf("%04d", n))
		r := httptest.NewRequest("POST", "http://localhost"+batchPath, strings.NewReader(fresh))
		r.SetBasicAuth(DefaultSiteID, DefaultAPIKey)
		r.Header.Set("Content-Type", "application/json")
		w := discard{http.Header{}}
		s.ServeHTTP(w, r)
	}
	if got := s.Stats(); got.Applied != got.Items {
		b.Fatalf("%+v", got)
	}
	b.ReportMetric(float64(size*b.N)/b.Elapsed().Seconds(), "items/s")
}

type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(b []byte) (int, error) { return io.Discard.Write(b) }
func (d discard) WriteHeader(int)             {}
