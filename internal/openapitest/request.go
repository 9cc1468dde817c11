package openapitest

import (
	"bytes"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Request is a request as it goes over the wire.
type Request struct {
	Method, URL string
	ContentType string
	Body        []byte
}

// Difference is one thing in which a request is not as the documents say.
type Difference struct {
	Operation string // the method, the document and the path; of an event and an item of a batch also what it is
	At        string // where in the request: body, query or path, and the members; * is any element
	Rule      string // what it breaks
	detail    string
}

func (d Difference) String() string {
	return fmt.Sprintf("%s: %s: %s (%s)", d.Operation, d.At, d.Rule, d.detail)
}

// checker looks at one request.
type checker struct {
	*document
	operation string
	found     []Difference
}

func (c *checker) differ(at, rule, format string, args ...any) {
	c.found = append(c.found, Difference{Operation: c.operation, At: at, Rule: rule,
		detail: fmt.Sprintf(format, args...)})
}

// check gives the differences of a request.
func check(documents []*document, r Request) []Difference {
	for _, d := range documents {
		for _, server := range d.servers {
			if rest, ok := strings.CutPrefix(r.URL, server+"/"); ok {
				c := &checker{document: d}
				c.request(r, "/"+rest)
				return c.found
			}
		}
	}
	c := &checker{operation: r.Method + " " + r.URL}
	c.differ("host", "is in no document", "")
	return c.found
}

func (c *checker) request(r Request, target string) {
	place, query, _ := strings.Cut(target, "?")
	template, args := c.find(place, strings.ToLower(r.Method))
	c.operation = r.Method + " " + c.api + " " + template
	if args == nil {
		c.operation = r.Method + " " + c.api + " " + place
		c.differ("path", "is not in the document", "")
		return
	}
	at := "/paths/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(template)
	method := at + "/" + strings.ToLower(r.Method)
	values, err := url.ParseQuery(query)
	if err != nil {
		c.differ("query", "cannot be read", "%v", err)
	}
	declared := map[string]bool{}
	for _, above := range []string{at, method} {
		for i, parameter := range list(c.at(above), "parameters") {
			c.parameter(fmt.Sprintf("%s/parameters/%d", above, i), parameter, args, values, declared)
		}
	}
	for name := range values {
		if !declared[name] {
			c.differ("query/"+name, "is not in the document", "")
		}
	}
	c.body(r, method)
}

// find gives the template of a path and the values that stand in it; nil where there is no such operation.
func (c *checker) find(place, method string) (template string, args map[string]string) {
	have := strings.Split(place, "/")
	for template, item := range member(c.root, "paths") {
		want := strings.Split(template, "/")
		if len(want) != len(have) || asObject(item)[method] == nil {
			continue
		}
		args = map[string]string{}
		for i := range want {
			if name, ok := strings.CutPrefix(want[i], "{"); ok && have[i] != "" {
				args[strings.TrimSuffix(name, "}")], _ = url.PathUnescape(have[i])
			} else if want[i] != have[i] {
				args = nil
				break
			}
		}
		if args != nil {
			return template, args
		}
	}
	return "", nil
}

// at gives what stands at a JSON pointer into the document.
func (c *checker) at(pointer string) object {
	var v any = c.root
	for part := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		if elements, ok := v.([]any); ok {
			i, _ := strconv.Atoi(part)
			v = elements[i]
			continue
		}
		v = asObject(v)[strings.NewReplacer("~1", "/", "~0", "~").Replace(part)]
	}
	return asObject(v)
}

func (c *checker) parameter(at string, parameter any, args map[string]string, query url.Values,
	declared map[string]bool) {
	if ref := textOf(parameter, "$ref"); ref != "" {
		at, parameter = strings.TrimPrefix(ref, "#"), c.resolve(parameter)
	}
	name, in := textOf(parameter, "name"), textOf(parameter, "in")
	var values []string
	switch in {
	case "path":
		values = []string{args[name]}
	case "query":
		declared[name] = true
		values = query[name]
		if required, _ := asObject(parameter)["required"].(bool); required && len(values) == 0 {
			c.differ("query/"+name, "required", "")
		}
	}
	for _, text := range values {
		var v any = text
		if kind := textOf(c.resolve(c.at(at)["schema"]), "type"); kind == "integer" || kind == "boolean" {
			if n, err := jsonschema.UnmarshalJSON(strings.NewReader(text)); err == nil {
				v = n
			}
		}
		c.validate(at+"/schema", v, in+"/"+name)
	}
}

func (c *checker) body(r Request, method string) {
	schema := member(c.at(method), "requestBody", "content", "application/json", "schema")
	switch {
	case schema == nil && len(r.Body) > 0:
		c.differ("body", "is not in the document", "")
		return
	case schema == nil, len(r.Body) == 0:
		return
	case r.ContentType != "application/json":
		c.differ("body", "is no application/json", "%s", r.ContentType)
		return
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(r.Body))
	if err != nil {
		c.differ("body", "is no JSON", "%v", err)
		return
	}
	if kind := textOf(v, "type"); strings.HasSuffix(c.operation, "/events") && kind != "" {
		c.operation += " " + kind
	}
	c.validate(method+"/requestBody/content/application~1json/schema", v, "body")
	if len(c.items) == 0 || !strings.HasSuffix(r.URL, "/batch") {
		return
	}
	batch := c.operation
	for _, item := range list(v, "batch") {
		words := textOf(item, "type") + " " + textOf(item, "action")
		c.operation = batch + " " + words
		if c.items[words] == "" {
			c.differ("item", "is not in the document", "")
			continue
		}
		c.validate(c.items[words], item, "item")
	}
}
