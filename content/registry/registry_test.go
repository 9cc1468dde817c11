package registry

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ciobridge/ciobridge/secret"
)

func serve(t *testing.T, answers map[string]string) (url string, seen *[]string) {
	t.Helper()
	seen = &[]string{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*seen = append(*seen, r.URL.EscapedPath()+" "+r.Header.Get("Authorization"))
		answer, ok := answers[r.URL.EscapedPath()]
		if text, deleted := strings.CutPrefix(answer, "deleted:"); deleted {
			answer, ok = text, r.URL.Query().Get("deleted") == "true"
		}
		if !ok {
			w.WriteHeader(http.StatusNotFound)
			answer = `{"error_code":40403}`
		}
		if status, text, ok := strings.Cut(answer, "|"); ok {
			code := 0
			fmt.Sscan(status, &code)
			if code == http.StatusFound {
				w.Header().Set("Location", "/elsewhere")
			}
			w.WriteHeader(code)
			answer = text
		}
		fmt.Fprint(w, answer)
	}))
	t.Cleanup(s.Close)
	return s.URL, seen
}

func client(t *testing.T, c Config) *Client {
	t.Helper()
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	cl, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	return cl
}

// What a schema uses comes along, each behind what it uses itself, and once.
func TestSchemaWithReferences(t *testing.T) {
	url, seen := serve(t, map[string]string{
		"/api/schemas/ids/7": `{"schema":"main","schemaType":"PROTOBUF","references":[
			{"name":"a.proto","subject":"a/x","version":2},{"name":"b.proto","subject":"b","version":1}]}`,
		"/api/subjects/a%2Fx/versions/2": `{"schema":"A","references":[{"name":"b.proto","subject":"b","version":1}]}`,
		"/api/subjects/b/versions/1":     `deleted:{"schema":"B","references":[{"name":"a.proto","subject":"a/x","version":2}]}`,
	})
	got, err := client(t, Config{URL: url + "/api/"}).Schema(t.Context(), 7)
	want := Schema{"PROTOBUF", "main", []Reference{{"b.proto", "B"}, {"a.proto", "A"}}}
	if err != nil || fmt.Sprint(got) != fmt.Sprint(want) || len(*seen) != 3 {
		t.Errorf("%v, %v, asked %v", got, err, *seen)
	}
}

func TestSchemaErrors(t *testing.T) {
	var many []string
	for i := range 101 {
		many = append(many, fmt.Sprintf(`{"name":"r%d","subject":"s","version":1}`, i))
	}
	url, _ := serve(t, map[string]string{
		"/schemas/ids/1":            `404|<html>not found</html>`,
		"/schemas/ids/2":            `404|{"error_code":404,"message":"No artifact"}`,
		"/schemas/ids/3":            `500|{"error_code":50001}`,
		"/schemas/ids/4":            `401|`,
		"/schemas/ids/5":            `<html>hello</html>`,
		"/schemas/ids/6":            `302|`,
		"/schemas/ids/7":            `{"schema":"x","references":[{"name":"gone","subject":"gone","version":1}]}`,
		"/schemas/ids/9":            `{"schema":"x","references":[{"name":"away","subject":"away","version":1}]}`,
		"/subjects/away/versions/1": `503|`,
		"/schemas/ids/2147483648":   `404|`,
		"/subjects/s/versions/1":    `{"schema":"s"}`,
		"/schemas/ids/8":            `{"schema":"x","references":[` + strings.Join(many, ",") + `]}`,
	})
	c := client(t, Config{URL: url})
	var status *StatusError
	var unknown *UnknownError
	var incomplete *ReferenceError
	for id, want := range map[uint32]string{
		0: "the schema registry has no schema 0",
		1: "what answers is no schema registry (status 404)",
		2: "the schema registry has no schema 2",
		3: "the schema registry has trouble (status 500)",
		4: "the schema registry refuses the credentials (status 401)",
		5: "what answers is no schema registry (status 200)",
		6: "the schema registry has trouble (status 302)",
		7: "schema 7 refers to one that the schema registry does not have",
		8: "schema 8 refers to more than 100 others",
		9: "what schema 9 refers to: the schema registry has trouble (status 503)",
		// not a number of Java's int, in which registries count: they answer with the 404 of a wrong path
		1 << 31: "the schema registry has no schema 2147483648",
	} {
		_, err := c.Schema(t.Context(), id)
		if err == nil || !strings.Contains(err.Error(), want) ||
			errors.As(err, &unknown) != (id == 0 || id == 2 || id == 1<<31) ||
			errors.As(err, &incomplete) != (id == 7 || id == 8) ||
			errors.As(err, &status) == (errors.As(err, &unknown) || errors.As(err, &incomplete)) {
			t.Errorf("schema %d: %v, want %s", id, err, want)
		}
	}
	if _, err := client(t, Config{URL: "http://127.0.0.1:1/secret"}).Schema(t.Context(), 1); err == nil ||
		strings.Contains(err.Error(), "secret") {
		t.Error(err)
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
	url, seen := serve(t, map[string]string{"/schemas/ids/1": `{"schema":"\"int\""}`})
	basic := client(t, Config{URL: url, Username: "u", Password: secret.Ref{File: file}})
	bearer := client(t, Config{URL: url, Token: secret.Ref{File: file}})
	for _, c := range []*Client{basic, bearer} {
		if _, err := c.Schema(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
	}
	write("k2")
	if s, err := bearer.Schema(t.Context(), 1); err != nil || s.Type != "AVRO" {
		t.Fatal(s, err)
	}
	want := []string{"/schemas/ids/1 Basic dTprMQ==", "/schemas/ids/1 Bearer k1", "/schemas/ids/1 Bearer k2"}
	if fmt.Sprint(*seen) != fmt.Sprint(want) {
		t.Errorf("%v", *seen)
	}
}

func TestConfigValidate(t *testing.T) {
	for want, c := range map[string]Config{
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
	if err := (&Config{}).Validate(); err != nil {
		t.Error(err)
	}
}
