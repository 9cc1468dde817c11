package registrytest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"sync"
	"testing"
)

// Registry is a registry and what it has. It ends with the test.
type Registry struct {
	URL string

	mu      sync.Mutex
	answers map[string]answer // by path
	down    bool
	asked   []string
}

type answer struct {
	status  int
	text    string
	deleted bool
}

// Reference is what a schema says of another one that it uses.
type Reference struct {
	Name    string `json:"name"`
	Subject string `json:"subject"`
	Version int    `json:"version"`
}

// Start starts a registry without any schema.
func Start(t testing.TB) *Registry {
	t.Helper()
	r := &Registry{answers: map[string]answer{}}
	s := httptest.NewServer(r)
	t.Cleanup(s.Close)
	r.URL = s.URL
	return r
}

// ServeHTTP answers one request. What is not there is told as a registry tells it.
func (r *Registry) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	path := req.URL.EscapedPath()
	r.asked = append(r.asked, path+" "+req.Header.Get("Authorization"))
	a, found := r.answers[path]
	switch {
	case r.down:
		a = answer{status: http.StatusServiceUnavailable}
	case !found || a.deleted && req.URL.Query().Get("deleted") != "true":
		a = answer{status: http.StatusNotFound, text: `{"error_code":40403,"message":"Schema not found"}`}
	case a.status == http.StatusFound:
		w.Header().Set("Location", "/elsewhere")
	}
	w.WriteHeader(a.status)
	fmt.Fprint(w, a.text)
}

// Register gives the registry a schema. Type is AVRO, PROTOBUF or JSON; empty is what a registry says of Avro.
func (r *Registry) Register(id uint32, typ, schema string, references ...Reference) {
	r.put("/schemas/ids/"+strconv.FormatUint(uint64(id), 10), typ, schema, references, false)
}

// RegisterGUID gives the registry a schema that is asked for by its GUID.
func (r *Registry) RegisterGUID(guid, typ, schema string) {
	r.put("/schemas/guids/"+guid, typ, schema, nil, false)
}

// RegisterVersion gives the registry a version of a subject, whose name stands as in a path.
func (r *Registry) RegisterVersion(subject string, version int, deleted bool, schema string, references ...Reference) {
	r.put(fmt.Sprintf("/subjects/%s/versions/%d", subject, version), "", schema, references, deleted)
}

func (r *Registry) put(path, typ, schema string, references []Reference, deleted bool) {
	body := map[string]any{"schema": schema}
	if typ != "" {
		body["schemaType"] = typ
	}
	if len(references) > 0 {
		body["references"] = references
	}
	text, err := json.Marshal(body)
	if err != nil {
		panic(err)
	}
	r.set(path, answer{http.StatusOK, string(text), deleted})
}

// Answer has the registry answer requests of a path with a status and a body.
func (r *Registry) Answer(path string, status int, body string) {
	r.set(path, answer{status, body, false})
}

func (r *Registry) set(path string, a answer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answers[path] = a
}

// SetDown begins or ends an outage.
func (r *Registry) SetDown(down bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.down = down
}

// Asked are the requests so far: path and authorization.
func (r *Registry) Asked() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.asked)
}
