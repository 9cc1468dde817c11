package rulefile

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/customerio/rawrequest"
	"github.com/ciobridge/ciobridge/internal/yamltree"
	"github.com/ciobridge/ciobridge/mapping"
	"github.com/ciobridge/ciobridge/mapping/rawcall"
)

// requestRow is the row of a field of a request of one's own.
func requestRow(f *customerio.Field) row[mapping.Action] {
	found := requestKeys.find(f.Key)
	return row[mapping.Action]{found.Row, func(r *reader, n *yamltree.Node, a *mapping.Action) {
		if a.Request == nil {
			a.Request = &mapping.Request{Pos: a.Pos}
		}
		found.read(r, n, a.Request)
	}}
}

// requestKeys are the keys of a request of one's own, beside person.
var requestKeys = table[mapping.Request]{
	{yamltree.Row{Key: "api", Form: yamltree.InText, Choices: customerio.APINames(), Required: true,
		Meaning: "The API, which decides the host and what authorises the request.", Example: "app"},
		func(r *reader, n *yamltree.Node, s *mapping.Request) { s.API = r.text(n) }},
	{yamltree.Row{Key: "method", Form: yamltree.InText, Choices: rawrequest.Methods(), Required: true,
		Meaning: "The method.", Example: "POST"},
		func(r *reader, n *yamltree.Node, s *mapping.Request) { s.Method = r.text(n) }},
	{yamltree.Row{Key: "path", Form: yamltree.InText, Required: true,
		Meaning: "The path, with or without what the paths of the API begin with. Expressions stand in braces, each " +
			"within one part of the path, and their values are encoded.",
		Example: "'/customers/{.user_id}/attributes'"},
		func(r *reader, n *yamltree.Node, s *mapping.Request) { s.Path = r.text(n) }},
	{yamltree.Row{Key: "query", Form: yamltree.InnerMap, Inside: requestValues,
		Meaning: "Values of the query by name. A list is several values of one name.", Example: "{id_type: email}"},
		func(r *reader, n *yamltree.Node, s *mapping.Request) { s.Query = r.requestValues(n) }},
	{yamltree.Row{Key: "headers", Form: yamltree.InnerMap,
		Inside:  requestHeaders,
		Meaning: "Headers by name, of those that may be given.", Example: "{X-Request-Id: .id}"},
		func(r *reader, n *yamltree.Node, s *mapping.Request) { s.Headers = r.requestHeaders(n) }},
	{yamltree.Row{Key: "body", Form: yamltree.InJSON,
		Meaning: "The body: an expression, or YAML that becomes JSON, with expressions at any depth.",
		Example: "{data: {headline: .title}}"},
		func(r *reader, n *yamltree.Node, s *mapping.Request) { s.Body = r.node(n) }},
	{yamltree.Row{Key: "form", Form: yamltree.InnerMap, Inside: requestValues,
		Meaning: "Fields of a form, in place of a body.", Example: "{list: .list}"},
		func(r *reader, n *yamltree.Node, s *mapping.Request) { s.Form = r.requestValues(n) }},
	{yamltree.Row{Key: "files", Form: yamltree.InnerMap, Inside: requestFiles,
		Meaning: "Files of a form, by the name of the field.", Example: "{file: {name: people.csv, content: .csv}}"},
		func(r *reader, n *yamltree.Node, s *mapping.Request) { s.Files = r.requestFiles(n) }},
	{yamltree.Row{Key: "timeout", Form: yamltree.InDuration,
		Meaning: "Ends one attempt, from 100ms to 14s. Left out, it is that of `customerio`.", Example: "2s"},
		func(r *reader, n *yamltree.Node, s *mapping.Request) { s.Timeout = r.duration(n) }},
	{yamltree.Row{Key: "retry", Form: yamltree.InnerMap, Inside: func() []yamltree.Row { return retryKeys.rows() },
		Meaning: "How often the request is made. Left out, as often as it takes.", Example: "{max_attempts: 5}"},
		func(r *reader, n *yamltree.Node, s *mapping.Request) { readMap(r, n, retryKeys, &s.Retry) }},
	{yamltree.Row{Key: "response", Form: yamltree.InText, Choices: rawcall.Responses(), Default: "json",
		Meaning: "What the answer is. One that should be JSON and is not counts as none.", Example: "text"},
		func(r *reader, n *yamltree.Node, s *mapping.Request) { s.Response = r.text(n) }},
	{yamltree.Row{Key: "reply_to", Form: yamltree.InText,
		Meaning: "The topic or subject to which the answer is published before the call counts as done.",
		Example: "ciobridge.answers"},
		func(r *reader, n *yamltree.Node, s *mapping.Request) { s.ReplyTo = r.text(n) }},
	{yamltree.Row{Key: "debug", Form: yamltree.InBool, Default: "false",
		Meaning: "Logs each attempt: method, path without values, status and time.", Example: "true"},
		func(r *reader, n *yamltree.Node, s *mapping.Request) { s.Debug = r.truth(n) }},
}

// requestHeaders are the headers that a request may have.
func requestHeaders() (rows []yamltree.Row) {
	for _, name := range rawrequest.AllowedHeaders() {
		example := ".id"
		if name == "Content-Type" {
			example = "text/csv"
		}
		rows = append(rows, yamltree.Row{Key: name, Form: yamltree.InValue, Example: example,
			Meaning: "The header " + name + ": an expression or a literal."})
	}
	return rows
}

// requestHeaders reads a map of headers, whose names may be written in any case.
func (r *reader) requestHeaders(n *yamltree.Node) (out []rawcall.Named) {
	r.entries(n, func(key string, _, value *yamltree.Node) {
		name := http.CanonicalHeaderKey(key)
		problem := rawrequest.CheckHeader(name)
		if slices.ContainsFunc(out, func(h rawcall.Named) bool { return h.Name == name }) {
			problem = "is given twice"
		}
		if problem != "" {
			r.fail(value, "%s", problem)
			return
		}
		out = append(out, rawcall.Named{Name: name, Value: r.value(value)})
	})
	return out
}

var retryKeys = table[rawcall.Retry]{
	{yamltree.Row{Key: "max_attempts", Form: yamltree.InWhole, Default: "0",
		Meaning: "After so many attempts the call is a dead letter. 0 is as often as it takes.", Example: "5"},
		func(r *reader, n *yamltree.Node, t *rawcall.Retry) { t.MaxAttempts = r.whole(n) }},
	{yamltree.Row{Key: "delay", Form: yamltree.InDuration,
		Meaning: "The pause before the second attempt. Left out, it is 1s with `backoff` or `all_errors`, and else " +
			"as the bridge has it.",
		Example: "5s"},
		func(r *reader, n *yamltree.Node, t *rawcall.Retry) { t.Delay = r.duration(n) }},
	{yamltree.Row{Key: "backoff", Form: yamltree.InText, Choices: rawcall.Backoffs(), Default: rawcall.Constant,
		Meaning: "Whether each pause is as long as the one before, or twice that.", Example: rawcall.Exponential},
		func(r *reader, n *yamltree.Node, t *rawcall.Retry) { t.Backoff = r.text(n) }},
	{yamltree.Row{Key: "all_errors", Form: yamltree.InBool, Default: "false",
		Meaning: "Tries again what was refused, too. It needs max_attempts.", Example: "true"},
		func(r *reader, n *yamltree.Node, t *rawcall.Retry) { t.AllErrors = r.truth(n) }},
}

func requestValues() []yamltree.Row {
	return []yamltree.Row{{Form: yamltree.InValue, Example: ".id",
		Meaning: "A name, and its value: an expression or a literal. A `!` behind the name says that the call needs " +
			"the value."}}
}

// requestValues reads a map of names to expressions and literals, in the order of the names.
func (r *reader) requestValues(n *yamltree.Node) (out []rawcall.Named) {
	r.marked(n, func(name string, required bool, value mapping.Term) {
		out = append(out, rawcall.Named{Name: name, Required: required, Value: value})
	})
	return out
}

// node reads YAML that becomes JSON, in which texts that begin as expressions are some.
func (r *reader) node(n *yamltree.Node) mapping.Node {
	out := mapping.Node{Pos: n.Place}
	switch n.Kind {
	case yamltree.Map:
		out.IsObject = true
		r.entries(n, func(name string, _, value *yamltree.Node) {
			m := mapping.NodeMember{Value: r.node(value)}
			m.Name, m.Required = strings.CutSuffix(name, "!")
			out.Object = append(out.Object, m)
		})
	case yamltree.List:
		out.IsList = true
		out.List = list(r, n, r.node)
	case yamltree.Null:
		if n.Value != "null" {
			r.fail(n, "has no value; give one, write null, or quote this expression if YAML cut it here")
		}
		out.Term = mapping.Term{Literal: "null", Pos: n.Place}
	default:
		out.Term = r.value(n)
	}
	return out
}

func requestFiles() []yamltree.Row {
	return []yamltree.Row{{Form: yamltree.InnerMap, Inside: func() []yamltree.Row { return requestFileKeys.rows() },
		Meaning: "The name of a field, and its file.", Example: "{name: people.csv, content: .csv}"}}
}

var requestFileKeys = table[rawcall.File]{
	{yamltree.Row{Key: "content", Form: yamltree.InValue, Required: true,
		Meaning: "The content: an expression that gives a text, or a value that is sent as JSON.", Example: ".csv"},
		func(r *reader, n *yamltree.Node, f *rawcall.File) { f.Content = r.value(n) }},
	{yamltree.Row{Key: "name", Form: yamltree.InValue,
		Meaning: "The name of the file. Left out, it is that of the field.", Example: "people.csv"},
		func(r *reader, n *yamltree.Node, f *rawcall.File) { f.Name = r.value(n) }},
	{yamltree.Row{Key: "type", Form: yamltree.InText, Default: "application/octet-stream",
		Meaning: "The type of the content.", Example: "text/csv"},
		func(r *reader, n *yamltree.Node, f *rawcall.File) { f.Type = r.text(n) }},
	{yamltree.Row{Key: "base64", Form: yamltree.InBool, Default: "false",
		Meaning: "The text of the content is base64, and is sent decoded.", Example: "true"},
		func(r *reader, n *yamltree.Node, f *rawcall.File) { f.Base64 = r.truth(n) }},
}

func (r *reader) requestFiles(n *yamltree.Node) (out []rawcall.File) {
	r.entries(n, func(name string, _, value *yamltree.Node) {
		f := rawcall.File{Field: name, Pos: value.Place}
		readMap(r, value, requestFileKeys, &f)
		out = append(out, f)
	})
	slices.SortFunc(out, func(a, b rawcall.File) int { return strings.Compare(a.Field, b.Field) })
	return out
}

func (r *reader) duration(n *yamltree.Node) time.Duration {
	d, err := time.ParseDuration(n.Value)
	if n.Kind != yamltree.Text || err != nil {
		r.fail(n, "want a time such as 2s or 500ms, found %s", n.Describe())
	}
	return d
}

func (r *reader) whole(n *yamltree.Node) int {
	i, err := strconv.Atoi(n.Value)
	if n.Kind != yamltree.Number || err != nil {
		r.fail(n, "want a whole number, found %s", n.Describe())
	}
	return i
}

// workspaceCompared is a key of every call.
var workspaceCompared = yamltree.Row{Key: "workspace", Form: yamltree.InJSON, Example: "shop_us",
	Meaning: "The workspace to which the call goes, by its name; null for the first."}

// requestCompared are the keys of a request as tests compare it.
var requestCompared = []yamltree.Row{
	workspaceCompared,
	{Key: "method", Form: yamltree.InJSON, Meaning: "The method.", Example: "GET"},
	{Key: "path", Form: yamltree.InJSON, Meaning: "The path with its query, as it is sent.",
		Example: "'/v1/customers?email=a%40b.c'"},
	{Key: "headers", Form: yamltree.InJSON, Meaning: "Headers that are sent, by name.", Example: "{X-Request-Id: '7'}"},
	{Key: "body", Form: yamltree.InJSON, Meaning: "The body: JSON, or a text.", Example: "{data: {headline: Soon}}"},
}
