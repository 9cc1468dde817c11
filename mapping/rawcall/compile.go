package rawcall

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/customerio/rawrequest"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/choice"
	"github.com/ciobridge/ciobridge/mapping/operand"
)

// Call is a compiled request.
type Call struct {
	api     customerio.API
	method  string
	path    rawrequest.Path
	places  []term
	fixed   []rawrequest.Pair // the query that stands in the path
	query   []named
	headers []named
	body    operand.Tree
	form    []named
	files   []file
	kind    string // the type of the content, where a header gives it

	step event.RawStep
}

type named struct {
	term
	name     string
	required bool
}

// compiler notes mistakes of one request.
type compiler struct {
	*operand.Compiler
	from *Spec
}

func (c *compiler) wrong(where, format string, args ...any) {
	c.Wrong(c.from.Pos, where, format, args...)
}

// Compile compiles a request, and notes its mistakes. Taken says why no answer may be published under a name; nil lets
// all be published.
func Compile(oc *operand.Compiler, from *Spec, taken func(name string) string) *Call {
	c := &compiler{oc, from}
	out := &Call{method: strings.ToUpper(from.Method)}
	var known bool
	if out.api, known = customerio.ParseAPI(from.API); !known {
		c.word("api", from.API, customerio.APINames())
	}
	if !slices.Contains(rawrequest.Methods(), out.method) {
		c.word("method", out.method, rawrequest.Methods())
	}
	c.path(out)
	out.query = c.named("query", from.Query)
	for _, q := range from.Query {
		if q.Name == "" {
			c.Wrong(q.Value.Pos, "query", "a name is empty")
		}
	}
	c.headers(out)
	c.content(out)
	c.options(out)
	if to := from.ReplyTo; to != "" && taken != nil {
		if why := taken(to); why != "" {
			c.wrong("reply_to", "%s", why)
		}
	}
	return out
}

// word notes a word that is none of those that are known, or is missing.
func (c *compiler) word(where, given string, known []string) {
	if given == "" {
		c.wrong(where, "is missing: want %s", choice.List(known))
		return
	}
	c.wrong(where, "no such word%s; want %s", choice.Near(given, known), choice.List(known))
}

func (c *compiler) path(out *Call) {
	if c.from.Path == "" {
		c.wrong("path", "is missing: want one such as /customers/{.user_id}/attributes")
		return
	}
	var expressions []string
	var err error
	if out.path, out.fixed, expressions, err = rawrequest.ParseTemplate(out.api, c.from.Path); err != nil {
		c.wrong("path", "%v", err)
		return
	}
	for _, text := range expressions {
		t := operand.Term{Program: strings.TrimSpace(strings.TrimPrefix(text, "=")), Pos: c.from.Pos}
		out.places = append(out.places, c.term(t, "path"))
	}
}

func (c *compiler) named(where string, from []Named) (out []named) {
	for _, f := range from {
		out = append(out, named{c.term(f.Value, where+"."+f.Name), f.Name, f.Required})
	}
	return out
}

func (c *compiler) headers(out *Call) {
	for _, h := range c.from.Headers {
		at := "headers." + h.Name
		if problem := rawrequest.CheckHeader(h.Name); problem != "" {
			c.Wrong(h.Value.Pos, at, "%s", problem)
			continue
		}
		t := c.term(h.Value, at)
		if http.CanonicalHeaderKey(h.Name) == "Content-Type" {
			if t.prog != nil {
				c.Wrong(h.Value.Pos, at, "want a literal: how the body is written depends on it")
				continue
			}
			out.kind, _ = text(t.literal)
		}
		if t.prog == nil {
			value, problem := text(t.literal)
			if problem == "" {
				problem = rawrequest.CheckHeaderValue(value)
			}
			if problem != "" {
				c.Wrong(h.Value.Pos, at, "%s", problem)
			}
		}
		out.headers = append(out.headers, named{t, h.Name, h.Required})
	}
}

// content compiles the body, of which there is one kind at most.
func (c *compiler) content(out *Call) {
	form := len(c.from.Form)+len(c.from.Files) > 0
	switch {
	case !c.from.Body.IsZero() && form:
		c.wrong("body", "stands beside a form or files: give one of them")
	case out.method == http.MethodGet && (form || !c.from.Body.IsZero()):
		c.wrong("method", "a GET has no body")
	case form && out.kind != "":
		c.wrong("headers.Content-Type", "a form has a type of its own: leave it out")
	}
	if !c.from.Body.IsZero() {
		out.body = c.Tree("body", &c.from.Body)
		if out.isText() && (c.from.Body.IsObject || c.from.Body.IsList) {
			c.wrong("body", "is sent as a text, because Content-Type says that it is no JSON: want an expression or "+
				"a text")
		}
	}
	out.form = c.named("form", c.from.Form)
	for _, f := range c.from.Files {
		at := "files." + f.Field
		if f.Content.IsZero() {
			c.Wrong(f.Pos, at+".content", "is missing")
			continue
		}
		if problem := rawrequest.CheckHeaderValue(f.Type); problem != "" {
			c.Wrong(f.Pos, at+".type", "%s", problem)
		}
		out.files = append(out.files, file{field: f.Field, name: c.term(f.Name, at+".name"),
			content: c.term(f.Content, at+".content"), kind: f.Type, base64: f.Base64})
	}
}

// isText reports whether the body is a text that is sent as it is.
func (r *Call) isText() bool {
	return r.kind != "" && !strings.Contains(strings.ToLower(r.kind), "json")
}

// Once reports whether making the request twice may count twice.
func (r *Call) Once() bool { return !rawrequest.Repeatable(r.method) }

// ReplyTo is the topic or subject to which the answer is published; empty for none, and of a nil Call.
func (r *Call) ReplyTo() string {
	if r == nil {
		return ""
	}
	return r.step.ReplyTo
}

// Timeout is how long an attempt may take; 0 is the destination's, and that of a nil Call.
func (r *Call) Timeout() time.Duration {
	if r == nil {
		return 0
	}
	return r.step.Timeout
}

// API is the API that the request is for.
func (r *Call) API() customerio.API { return r.api }
