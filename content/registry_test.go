package content_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ciobridge/ciobridge/content/registry"
	"github.com/ciobridge/ciobridge/internal/registrytest"
	"github.com/ciobridge/ciobridge/secret"
)

func client(t *testing.T, c registry.Config) *registry.Client {
	t.Helper()
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	cl, err := registry.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	return cl
}

// What a schema uses comes along, each behind what it uses itself, and once.
func TestSchemaWithReferences(t *testing.T) {
	r := registrytest.Start(t)
	a := registrytest.Reference{Name: "a.proto", Subject: "a/x", Version: 2}
	b := registrytest.Reference{Name: "b.proto", Subject: "b", Version: 1}
	r.Register(7, "PROTOBUF", "main", a, b)
	r.RegisterVersion("a%2Fx", 2, false, "A", b)
	r.RegisterVersion("b", 1, true, "B", a)
	got, err := client(t, registry.Config{URL: r.URL + "/"}).Schema(t.Context(), registry.Ref{ID: 7})
	want := registry.Schema{Type: "PROTOBUF", Text: "main",
		References: []registry.Reference{{Name: "b.proto", Text: "B"}, {Name: "a.proto", Text: "A"}}}
	if err != nil || fmt.Sprint(got) != fmt.Sprint(want) || len(r.Asked()) != 3 {
		t.Errorf("%v, %v, asked %v", got, err, r.Asked())
	}
}

func TestSchemaErrors(t *testing.T) {
	r := registrytest.Start(t)
	var many []registrytest.Reference
	for i := range 101 {
		many = append(many, registrytest.Reference{Name: fmt.Sprint(i), Subject: "s", Version: 1})
	}
	for id, a := range []struct {
		status int
		body   string
	}{
		1: {404, `<html>not found</html>`},
		2: {404, `{"error_code":404,"message":"No artifact"}`},
		3: {500, `{"error_code":50001}`},
		4: {401, ``},
		5: {200, `<html>hello</html>`},
		6: {302, ``},
		// what Confluent's says of a path that it does not know
		10: {404, `{"error_code":404,"message":"HTTP 404 Not Found"}`},
	} {
		if a.status > 0 {
			r.Answer(fmt.Sprintf("/schemas/ids/%d", id), a.status, a.body)
		}
	}
	r.Register(7, "", "x", registrytest.Reference{Name: "gone", Subject: "gone", Version: 1})
	r.Register(8, "", "x", many...)
	r.RegisterVersion("s", 1, false, "s")
	r.Register(9, "", "x", registrytest.Reference{Name: "away", Subject: "away", Version: 1})
	r.Answer("/subjects/away/versions/1", 503, "")
	r.Answer("/schemas/ids/2147483648", 404, "")
	c := client(t, registry.Config{URL: r.URL})
	var status *registry.StatusError
	var unknown *registry.UnknownError
	var incomplete *registry.ReferenceError
	for id, want := range map[uint32]string{
		0:  "the schema registry has no schema 0",
		1:  "what answers is no schema registry (status 404)",
		2:  "the schema registry has no schema 2",
		3:  "the schema registry has trouble (status 500)",
		4:  "the schema registry refuses the credentials (status 401)",
		5:  "what answers is no schema registry (status 200)",
		6:  "the schema registry has trouble (status 302)",
		7:  "schema 7 refers to one that the schema registry does not have",
		8:  "schema 8 refers to more than 100 others",
		9:  "what schema 9 refers to: the schema registry has trouble (status 503)",
		10: "what answers is no schema registry (status 404)",
		// not a number of Java's int, in which registries count: they answer with the 404 of a wrong path
		1 << 31: "the schema registry has no schema 2147483648",
	} {
		_, err := c.Schema(t.Context(), registry.Ref{ID: id})
		if err == nil || !strings.Contains(err.Error(), want) ||
			errors.As(err, &unknown) != (id == 0 || id == 2 || id == 1<<31) ||
			errors.As(err, &incomplete) != (id == 7 || id == 8) ||
			errors.As(err, &status) == (errors.As(err, &unknown) || errors.As(err, &incomplete)) {
			t.Errorf("schema %d: %v, want %s", id, err, want)
		}
	}
	nobody := client(t, registry.Config{URL: "http://127.0.0.1:1/secret"})
	if _, err := nobody.Schema(t.Context(), registry.Ref{ID: 1}); err == nil ||
		strings.Contains(err.Error(), "secret") {
		t.Error(err)
	}
}

// A schema may be named by a GUID. A registry that knows no GUIDs answers as if the path were wrong: it has none.
func TestSchemaByGUID(t *testing.T) {
	r := registrytest.Start(t)
	const guid = "01020304-0506-0708-090a-0b0c0d0e0f10"
	ref := registry.Ref{GUID: [16]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}}
	c := client(t, registry.Config{URL: r.URL})
	var unknown *registry.UnknownError
	r.Answer("/schemas/guids/"+guid, 404, `{"error_code":404,"message":"HTTP 404 Not Found"}`)
	if _, err := c.Schema(t.Context(), ref); !errors.As(err, &unknown) || !strings.Contains(err.Error(), guid) {
		t.Error(err)
	}
	r.RegisterGUID(guid, "", "x")
	if s, err := c.Schema(t.Context(), ref); err != nil || s.Text != "x" {
		t.Error(s, err)
	}
}

func TestSchemaAuthorization(t *testing.T) {
	file := filepath.Join(t.TempDir(), "key")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("k1\n")
	r := registrytest.Start(t)
	r.Register(1, "", `"int"`)
	basic := client(t, registry.Config{URL: r.URL, Username: "u", Password: secret.Ref{File: file}})
	bearer := client(t, registry.Config{URL: r.URL, Token: secret.Ref{File: file}})
	for _, c := range []*registry.Client{basic, bearer} {
		if _, err := c.Schema(t.Context(), registry.Ref{ID: 1}); err != nil {
			t.Fatal(err)
		}
	}
	write("k2")
	if s, err := bearer.Schema(t.Context(), registry.Ref{ID: 1}); err != nil || s.Type != "AVRO" {
		t.Fatal(s, err)
	}
	want := []string{"/schemas/ids/1 Basic dTprMQ==", "/schemas/ids/1 Bearer k1", "/schemas/ids/1 Bearer k2"}
	if fmt.Sprint(r.Asked()) != fmt.Sprint(want) {
		t.Errorf("%v", r.Asked())
	}
}

func TestConfigValidate(t *testing.T) {
	for want, c := range map[string]registry.Config{
		"url: is missing":               {Username: "u", Password: secret.Ref{Env: "P"}},
		"url: is no address":            {URL: "registry:8081"},
		"url: holds a user's name":      {URL: "http://u:p@registry:8081"},
		"password: is missing":          {URL: "http://registry:8081", Username: "u"},
		"username: is missing":          {URL: "http://registry:8081", Password: secret.Ref{Env: "P"}},
		"token: stands beside username": {URL: "http://r", Username: "u", Token: secret.Ref{Env: "T"}},
		"token: has both file and env":  {URL: "http://r", Token: secret.Ref{Env: "T", File: "f"}},
	} {
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	if err := (&registry.Config{}).Validate(); err != nil {
		t.Error(err)
	}
}
