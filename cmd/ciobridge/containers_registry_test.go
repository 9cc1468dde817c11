package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/avro"
	"go.uber.org/zap"

	contents "github.com/ciobridge/ciobridge/content"
	schemas "github.com/ciobridge/ciobridge/content/registry"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/containertest"
)

// realRegistry is an Apicurio Registry in a container, at an address that stays when it is started again.
type realRegistry struct {
	*containertest.Door
	t   *testing.T
	c   *containertest.Container
	url string
}

func startRealRegistry(t *testing.T) *realRegistry {
	t.Helper()
	r := &realRegistry{Door: containertest.OpenDoor(t), t: t, c: containertest.Start(t, "registry", "")}
	r.LeadTo(r.c.Address())
	r.url = "http://" + r.Addr().String() + "/apis/ccompat/v7"
	return r
}

// usedSchema names a schema that another one uses.
type usedSchema struct {
	Name    string `json:"name"`
	Subject string `json:"subject"`
	Version int    `json:"version"`
}

// register gives a schema to the registry as a producer does, and returns its number.
func (r *realRegistry) register(subject, typ, schema string, references ...usedSchema) byte {
	r.t.Helper()
	body, err := json.Marshal(map[string]any{"schemaType": typ, "schema": schema, "references": references})
	if err != nil {
		r.t.Fatal(err)
	}
	res, err := http.Post(r.url+"/subjects/"+subject+"/versions", "application/vnd.schemaregistry.v1+json",
		bytes.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	var answer struct {
		ID byte `json:"id"`
	}
	if err := json.Unmarshal(text, &answer); err != nil || res.StatusCode != http.StatusOK || answer.ID == 0 {
		r.t.Fatalf("register %s: status %d: %s", subject, res.StatusCode, text)
	}
	return answer.ID
}

func (r *realRegistry) decoder(url string) *contents.Decoder {
	r.t.Helper()
	d, err := contents.NewDecoder(schemas.Config{URL: url}, zap.NewNop(), prometheus.NewRegistry())
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(d.Close)
	return d
}

const (
	realAddress = `{"type":"record","name":"Address","namespace":"shop","fields":[{"name":"city","type":"string"}]}`
	realOrder   = `{"type":"record","name":"Order","namespace":"shop","fields":[{"name":"id","type":"long"},
 {"name":"to","type":"shop.Address"}]}`
	realMoney   = `syntax = "proto3"; package common; message Money { int64 cents = 1; }`
	realPayment = `syntax = "proto3"; package shop; import "common/money.proto";
 message Payment { common.Money sum = 1; string by = 2; }`
	realLogin = `{"$schema":"http://json-schema.org/draft-07/schema#","type":"object"}`
)

// Values of all forms are read by the schemas of a real registry, with what those refer to. What it does not have is
// unreadable, and names its number.
func TestRealRegistry(t *testing.T) {
	t.Parallel()
	r := startRealRegistry(t)
	r.register("address", "AVRO", realAddress)
	order := r.register("orders-value", "AVRO", realOrder, usedSchema{"shop.Address", "address", 1})
	r.register("common%2Fmoney.proto", "PROTOBUF", realMoney)
	payment := r.register("payments-value", "PROTOBUF", realPayment,
		usedSchema{"common/money.proto", "common/money.proto", 1})
	login := r.register("logins-value", "JSON", realLogin)

	d := r.decoder(r.url)
	for _, test := range []struct {
		form           string
		id             byte
		data           string
		content, wrong string
	}{
		{contents.Avro, order, realOrderBytes(t), `{"id":9007199254740993,"to":{"city":"Linz"}}`, ""},
		{contents.Protobuf, payment, "\x00\x0a\x02\x08\x7b\x12\x02me", `{"sum":{"cents":123},"by":"me"}`, ""},
		{contents.JSONSchema, login, `{"user":"c_7"}`, `{"user":"c_7"}`, ""},
		{contents.Avro, 99, realOrderBytes(t), "", "has schema 99, which the schema registry does not have"},
		{contents.Protobuf, 99, "\x00", "", "has schema 99, which the schema registry does not have"},
		{contents.Avro, payment, "\x00", "", `which the registry has as "PROTOBUF"; content: avro wants "AVRO"`},
	} {
		m := event.Message{Value: append([]byte{0, 0, 0, 0, test.id}, test.data...)}
		if err := d.Decode(t.Context(), event.Forms{Value: test.form}, &m); err != nil {
			t.Fatal(err)
		}
		if string(m.ValueContent()) != test.content || !strings.Contains(m.Unreadable(), test.wrong) ||
			(test.wrong == "") != (m.Unreadable() == "") {
			t.Errorf("%s, schema %d: %s, %s", test.form, test.id, m.ValueContent(), m.Unreadable())
		}
	}
	r.isWaitedFor(order)
	r.isAskedAtTheRightPath(order)
}

func realOrderBytes(t *testing.T) string {
	t.Helper()
	cache := &avro.SchemaCache{}
	var order *avro.Schema
	for _, text := range []string{realAddress, realOrder} {
		var err error
		if order, err = cache.Parse(text); err != nil {
			t.Fatal(err)
		}
	}
	data, err := order.Encode(map[string]any{"id": int64(9007199254740993), "to": map[string]any{"city": "Linz"}})
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func (r *realRegistry) answers() bool {
	res, err := http.Get(r.url + "/subjects")
	if err != nil {
		return false
	}
	res.Body.Close()
	return res.StatusCode == http.StatusOK
}

// isWaitedFor stops the registry, asks for a schema, and starts it again: what asks waits meanwhile, and is told.
func (r *realRegistry) isWaitedFor(id byte) {
	r.t.Helper()
	r.c.Docker("stop")
	d := r.decoder(r.url)
	m := event.Message{Value: append([]byte{0, 0, 0, 0, id}, realOrderBytes(r.t)...)}
	decoded := make(chan error, 1)
	go func() { decoded <- d.Decode(r.t.Context(), event.Forms{Value: contents.Avro}, &m) }()
	eventually(r.t, "the outage is told", 20*time.Second, func() bool { return len(d.Troubles()) == 1 })
	r.c.Docker("start")
	r.LeadTo(r.c.AddressAgain())
	eventually(r.t, "the registry answers again", 3*time.Minute, r.answers)
	select {
	case err := <-decoded:
		if err != nil || string(m.ValueContent()) != `{"id":9007199254740993,"to":{"city":"Linz"}}` {
			r.t.Errorf("after the outage: %v, %s, %s", err, m.ValueContent(), m.Unreadable())
		}
	case <-time.After(time.Minute):
		r.t.Fatal("the registry is back, and the value is not read")
	}
	if len(d.Troubles()) != 0 {
		r.t.Errorf("after the outage: %q", d.Troubles())
	}
}

// isAskedAtTheRightPath asks below a wrong path. The registry's server answers 404 there too, and that must be an
// outage: else a mistake in the address would make every value a dead letter.
func (r *realRegistry) isAskedAtTheRightPath(id byte) {
	r.t.Helper()
	for _, path := range []string{"", "/apis", "/apis/ccompat/v99"} {
		d := r.decoder("http://" + r.Addr().String() + path)
		m := event.Message{Value: append([]byte{0, 0, 0, 0, id}, realOrderBytes(r.t)...)}
		ctx, cancel := context.WithCancel(r.t.Context())
		ended := make(chan error, 1)
		go func() { ended <- d.Decode(ctx, event.Forms{Value: contents.Avro}, &m) }()
		eventually(r.t, "a wrong path is told", 20*time.Second, func() bool { return len(d.Troubles()) == 1 })
		cancel()
		if err := <-ended; err == nil || m.Unreadable() != "" {
			r.t.Errorf("%q: %v, %q", path, err, m.Unreadable())
		}
	}
}
