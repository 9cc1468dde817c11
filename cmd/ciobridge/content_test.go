package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hamba/avro/v2"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ciobridge/ciobridge/internal/exit"
)

// registry is a schema registry in the process, which is away until it has a schema.
type registry struct {
	*httptest.Server
	mu      sync.Mutex
	schemas map[string]string
}

func startRegistry(t *testing.T) *registry {
	t.Helper()
	r := &registry{schemas: map[string]string{}}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		r.mu.Lock()
		defer r.mu.Unlock()
		schema, found := r.schemas[strings.TrimPrefix(req.URL.Path, "/schemas/ids/")]
		switch {
		case len(r.schemas) == 0:
			w.WriteHeader(http.StatusServiceUnavailable)
		case !found:
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprint(w, `{"error_code":40403}`)
		default:
			_ = json.NewEncoder(w).Encode(map[string]string{"schema": schema})
		}
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *registry) register(id, schema string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.schemas[id] = schema
}

const orderSchema = `{"type":"record","name":"Order","fields":[{"name":"type","type":"string"},
 {"name":"customer","type":"long"},{"name":"total","type":{"type":"bytes","logicalType":"decimal","precision":9,"scale":2}},
 {"name":"at","type":{"type":"long","logicalType":"timestamp-millis"}}]}`

// Values in Avro reach Customer.io by their schema. A registry that is away is waited for; a schema that it does not
// have makes a dead letter, which is replayed when it has been registered.
func TestAvroReachesCustomerIO(t *testing.T) {
	beside(t)
	b := newBus(t, 1)
	r := startRegistry(t)
	b.write("rules.yaml", `rules:
  - name: order
    event: order
    time: .at
    do: [{track: {person: .customer, name: ordered, data: {total: .total, at: .at}}}]
tests:
  - {name: an order, given: {event: {type: order, customer: 7, total: 1.5}}, want: [{track: {person: "7"}}]}
`)
	letters := b.path("dead.jsonl")
	path := b.configure(fmt.Sprintf("{kafka: {brokers: [%q], group: bridge, start_at: earliest, session_timeout: 1s, "+
		"topics: [{name: %s, content: avro}]}}", b.brokers[0], eventsTopic), "{file: "+letters+"}")
	from := []string{"-c", path, "--set", "schema_registry.url=" + r.URL}
	order, err := avro.Marshal(avro.MustParse(orderSchema), map[string]any{"type": "order", "customer": int64(7),
		"total": big.NewRat(129, 50), "at": int64(1_791_194_400_123)})
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []byte{1, 2} {
		value := append([]byte{0, 0, 0, 0, id}, order...)
		if err := b.client.ProduceSync(context.Background(), &kgo.Record{Value: value}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	p := start(t, append([]string{"run"}, from...)...)
	eventually(t, "the outage is told", 20*time.Second, func() bool {
		return p.adminAddr() != "" &&
			strings.Contains(get(t, "http://"+p.adminAddr()+"/metrics"), "ciobridge_schema_registry_waiting 1")
	})
	r.register("1", orderSchema)
	b.receives("event", "id:7")
	eventually(t, "the other one is a dead letter", 20*time.Second, func() bool {
		text, err := os.ReadFile(letters)
		return err == nil && strings.Contains(string(text), "has schema 2, which the schema registry does not have")
	})
	if code := p.stop(); code != exit.OK {
		t.Errorf("exit code %d", code)
	}
	expect(t, exit.OK, "1 test passed: ok", append([]string{"check"}, from...)...)
	r.register("2", orderSchema)
	expect(t, exit.OK, "1 delivered", append([]string{"deadletters", "replay", "--all"}, from...)...)
	events := 0
	for _, receipt := range b.cio.Receipts(0) {
		if receipt.Action == "event" {
			events++
			if body := string(receipt.Body); !strings.Contains(body, `"total":2.58`) ||
				!strings.Contains(body, `"timestamp":1791194400`) {
				t.Errorf("Customer.io received %s", body)
			}
		}
	}
	if events != 2 {
		t.Errorf("%d events arrived", events)
	}
}
