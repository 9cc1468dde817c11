package rawcall

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"

	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/customerio/rawrequest"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/mapping/expr"
	"github.com/ciobridge/ciobridge/mapping/expr/document"
	"github.com/ciobridge/ciobridge/mapping/operand"
)

type file struct {
	field         string
	name, content term
	kind          string
	base64        bool
}

// Write appends the body of the request for one event to the writer's, and gives the request that carries it, to the
// workspace of that number.
func (r *Call) Write(w *operand.Writer, workspace int) (*event.Request, *operand.Problem) {
	path, p := r.target(w)
	if p != nil {
		return nil, p
	}
	query, p := pairs(w, r.query)
	if p != nil {
		return nil, p
	}
	header, p := r.header(w)
	if p != nil {
		return nil, p
	}
	content, p := r.content(w)
	if p != nil {
		return nil, p
	}
	if n := len(content.Body); n > customerio.MaxRawBytes {
		return nil, &operand.Problem{Reason: event.ReasonTooLarge, Field: "body",
			Detail: fmt.Sprintf("the body is %d bytes; %d are the most", n, customerio.MaxRawBytes)}
	}
	made, err := rawrequest.New(r.api, r.method, path, append(r.fixed[:len(r.fixed):len(r.fixed)], query...), header,
		content)
	if err != nil {
		field, tooLarge := "path", new(rawrequest.SizeError)
		if errors.As(err, &tooLarge) {
			field = "body"
		}
		return nil, &operand.Problem{Reason: event.ReasonTooLarge, Field: field, Detail: err.Error()}
	}
	w.Body = append(w.Body, content.Body...)
	return &event.Request{
		Method: made.Method, Path: made.Path, Destination: event.Destination(made.Endpoint.In(workspace)),
		Raw: &event.Raw{Header: made.Header, RawStep: &r.step},
	}, nil
}

func (r *Call) target(w *operand.Writer) (string, *operand.Problem) {
	values := make([]string, len(r.places))
	for i := range r.places {
		v, p := r.places[i].value(w)
		if p != nil {
			return "", p
		}
		if absent(v) {
			return "", r.places[i].problem(event.ReasonMissingField, "is absent or null")
		}
		var what string
		if values[i], what = text(v); what != "" {
			return "", r.places[i].problem(event.ReasonInvalidValue, what)
		}
	}
	path, err := r.path.Append(nil, values)
	var wrong *rawrequest.ValueError
	if errors.As(err, &wrong) {
		return "", r.places[wrong.Place].problem(event.ReasonInvalidValue, wrong.Problem)
	}
	return string(path), nil
}

// given gives a value, which is absent only where it need not be there.
func (n *named) given(w *operand.Writer) (expr.Value, *operand.Problem) {
	v, p := n.value(w)
	if p == nil && absent(v) && n.required {
		p = n.problem(event.ReasonMissingField, "is absent or null")
	}
	return v, p
}

// pairs gives the values that are there. A list is a value for each of its elements.
func pairs(w *operand.Writer, from []named) (out []rawrequest.Pair, p *operand.Problem) {
	for i := range from {
		f := &from[i]
		v, p := f.given(w)
		if p != nil {
			return nil, p
		}
		if absent(v) {
			continue
		}
		before := len(out)
		add := func(v expr.Value) string {
			value, what := text(v)
			out = append(out, rawrequest.Pair{Name: f.name, Value: value})
			return what
		}
		what := ""
		if v.Kind == expr.Array {
			for element := range document.ElementsOf(v) {
				if what == "" && !absent(element) {
					what = add(element)
				}
			}
		} else {
			what = add(v)
		}
		if what == "" && rawrequest.CheckPairs(out[before:]) != nil {
			what = "is no text in UTF-8"
		}
		if what != "" {
			return nil, f.problem(event.ReasonInvalidValue, what)
		}
	}
	return out, nil
}

func (r *Call) header(w *operand.Writer) (http.Header, *operand.Problem) {
	if len(r.headers) == 0 {
		return nil, nil
	}
	header := http.Header{}
	for i := range r.headers {
		h := &r.headers[i]
		v, p := h.given(w)
		if p != nil {
			return nil, p
		}
		if absent(v) {
			continue
		}
		value, what := text(v)
		if what == "" {
			what = rawrequest.CheckHeaderValue(value)
		}
		if what != "" {
			return nil, h.problem(event.ReasonInvalidValue, what)
		}
		header.Set(h.name, value)
	}
	return header, nil
}

func (r *Call) content(w *operand.Writer) (rawrequest.Content, *operand.Problem) {
	switch {
	case len(r.files) > 0:
		return r.multipart(w)
	case len(r.form) > 0:
		fields, p := pairs(w, r.form)
		return rawrequest.Content{Type: rawrequest.FormType, Body: rawrequest.AppendPairs(nil, fields)}, p
	case r.body.IsZero():
		return rawrequest.Content{}, nil
	case r.isText():
		v, p := r.body.Value(w)
		if p != nil {
			return rawrequest.Content{}, p
		}
		body, what := text(v)
		if absent(v) || what != "" {
			return rawrequest.Content{}, r.body.Problem(event.ReasonInvalidValue, "is no text")
		}
		return rawrequest.Content{Type: r.kind, Body: []byte(body)}, nil
	}
	body, there, p := r.body.Append(nil, w)
	if p == nil && !there {
		p = &operand.Problem{Reason: event.ReasonMissingField, Field: "body", Detail: "is absent or null"}
	}
	return rawrequest.Content{Type: "application/json", Body: body}, p
}

func (r *Call) multipart(w *operand.Writer) (rawrequest.Content, *operand.Problem) {
	fields, p := pairs(w, r.form)
	if p != nil {
		return rawrequest.Content{}, p
	}
	var files []rawrequest.File
	for i := range r.files {
		f := &r.files[i]
		made := rawrequest.File{Field: f.field, Name: f.field, Type: f.kind}
		name, p := f.name.value(w)
		if p == nil && !absent(name) {
			var what string
			if made.Name, what = text(name); what != "" {
				p = f.name.problem(event.ReasonInvalidValue, what)
			}
		}
		if p != nil {
			return rawrequest.Content{}, p
		}
		if made.Content, p = f.bytes(w); p != nil {
			return rawrequest.Content{}, p
		}
		files = append(files, made)
	}
	body, kind, err := rawrequest.Multipart(fields, files)
	if err != nil {
		return rawrequest.Content{}, &operand.Problem{Reason: event.ReasonInvalidValue, Field: "files",
			Detail: "cannot be written as a form"}
	}
	return rawrequest.Content{Type: kind, Body: body}, nil
}

// bytes is the content of a file.
func (f *file) bytes(w *operand.Writer) ([]byte, *operand.Problem) {
	v, p := f.content.value(w)
	if p != nil {
		return nil, p
	}
	if absent(v) {
		return nil, f.content.problem(event.ReasonMissingField, "is absent or null")
	}
	if v.Kind == expr.Object || v.Kind == expr.Array {
		return v.Raw, nil
	}
	content, what := text(v)
	if what != "" {
		return nil, f.content.problem(event.ReasonInvalidValue, what)
	}
	if !f.base64 {
		return []byte(content), nil
	}
	decoded, err := base64.StdEncoding.DecodeString(content)
	if err != nil {
		return nil, f.content.problem(event.ReasonInvalidValue, "is no base64")
	}
	return decoded, nil
}
