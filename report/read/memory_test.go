package read_test

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/internal/longtest"
	"github.com/ciobridge/ciobridge/report"
	"github.com/ciobridge/ciobridge/report/read"
)

// exporter is an App API with one export of so many bytes at least, in rows of which one in a hundred cannot be read.
func exporter(t testing.TB, size int, rows *int) (read.API, *httptest.Server) {
	t.Helper()
	note := strings.Repeat("n", 400)
	var server *httptest.Server
	server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/v1/exports/customers", "/v1/exports/1":
			fmt.Fprint(w, `{"export":{"id":1,"status":"done"}}`)
		case "/v1/exports/1/download":
			fmt.Fprintf(w, `{"url":"%s/files/1"}`, server.URL)
		default:
			b := bufio.NewWriterSize(w, 64<<10)
			defer b.Flush()
			fmt.Fprint(b, "cio_id,email,note,plan\n")
			for written, n := 0, 0; written < size; n++ {
				stray := ""
				if n%100 == 99 {
					stray = `"`
				} else {
					*rows++
				}
				k, err := fmt.Fprintf(b, "a%d,%d@example.com,\"said \"\"hi\"\", %s\",go%sld\n", n, n, note, stray)
				if err != nil {
					return
				}
				written += k
			}
		}
	}))
	t.Cleanup(server.Close)
	api, _ := newAPI(t, nil, func(c *customerio.Config) { c.URL, c.AppRequestsPerSecond = server.URL, 1000 })
	return api, server
}

// A file is read while it comes, whatever its size: what is held of it does not grow.
func TestMemoryOfALargeExport(t *testing.T) {
	size := longtest.Either(12<<20, 2<<30)
	want := 0
	api, _ := exporter(t, size, &want)
	reader, err := read.New(everybody, api)
	if err != nil {
		t.Fatal(err)
	}
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	before, most := m.HeapInuse, uint64(0)
	rows, malformed, bytes := 0, 0, 0
	began := time.Now()
	err = reader.Read(t.Context(), report.Request{
		At:        at,
		Save:      func(context.Context, string) error { return nil },
		Malformed: func(context.Context, report.Malformed) error { malformed++; return nil },
	}, func(r report.Row) error {
		rows++
		bytes += len(r.Data)
		if rows%2000 == 0 {
			runtime.ReadMemStats(&m)
			most = max(most, m.HeapInuse)
		}
		return nil
	})
	if err != nil || rows != want || malformed < want/100-1 || bytes < size {
		t.Errorf("%d rows of %d, %d malformed, %d bytes of %d, %v", rows, want, malformed, bytes, size, err)
	}
	if most > before+24<<20 {
		t.Errorf("%d MiB are held while %d MiB are read", (most-before)>>20, size>>20)
	}
	t.Logf("%d rows in %s, %d KiB held at most", rows, time.Since(began).Round(time.Millisecond),
		(int64(most)-int64(before))>>10)
}

func BenchmarkExport(b *testing.B) {
	rows := 0
	size := 16 << 20
	api, _ := exporter(b, size, &rows)
	reader, err := read.New(everybody, api)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		err := reader.Read(b.Context(), report.Request{
			At:        at,
			Save:      func(context.Context, string) error { return nil },
			Malformed: func(context.Context, report.Malformed) error { return nil },
		}, func(report.Row) error { return nil })
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
}
