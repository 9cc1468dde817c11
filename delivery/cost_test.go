package delivery_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/delivery"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/canarytest"
	"github.com/ciobridge/ciobridge/internal/longtest"
)

func TestMain(m *testing.M) {
	longtest.Together(8)
	goleak.VerifyTestMain(m)
}

// newLoopback makes a Sender over a real connection to a server that takes everything.
func newLoopback(tb testing.TB, requestsPerSecond int) *delivery.Sender {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, "{}\n")
	}))
	tb.Cleanup(server.Close)
	key := filepath.Join(tb.TempDir(), "key")
	if err := os.WriteFile(key, []byte("key"), 0o600); err != nil {
		tb.Fatal(err)
	}
	c := customerio.DefaultConfig()
	c.Region, c.SiteIDFile, c.APIKeyFile, c.URL = customerio.US, key, key, server.URL
	client, err := customerio.NewClient(c, 4, nil)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(client.Close)
	c.RequestsPerSecond = requestsPerSecond
	s := delivery.New([]delivery.Workspace{{Client: client, Config: c}}, canarytest.Logger(tb), canarytest.Registry(tb))
	return s
}

func kilobytes(n int) []event.Call {
	calls := make([]event.Call, n)
	for i := range calls {
		calls[i] = event.Call{Step: step,
			Body: fmt.Appendf(nil, `{"n":%d,"x":"%s"}`, i, bytes.Repeat([]byte("x"), 950))}
	}
	return calls
}

// A full batch allocates no more often than a small one: nothing is allocated for a call but its outcome.
func TestACallCostsNoAllocation(t *testing.T) {
	s := newLoopback(t, 100_000)
	allocations := func(calls []event.Call) float64 {
		return testing.AllocsPerRun(50, func() {
			if got := count(s.Send(context.Background(), calls)); got.delivered != len(calls) {
				t.Fatalf("outcomes %+v", got)
			}
		})
	}
	few, many := allocations(kilobytes(5)), allocations(kilobytes(480))
	if many > few+30 { // the connection is read and written more often
		t.Errorf("%g allocations for 480 calls, %g for 5", many, few)
	}
}

func BenchmarkSend(b *testing.B) {
	for _, n := range []int{10, 100, 480} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s, calls := newLoopback(b, 1_000_000), kilobytes(n)
			b.ReportAllocs()
			for b.Loop() {
				if outcomes := s.Send(context.Background(), calls); outcomes[0].Result != event.Delivered {
					b.Fatal(outcomes[0].Failure)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/call")
		})
	}
}
