package app

import (
	"mime"
	"mime/multipart"
	"net/http"
	"slices"
	"strings"

	"github.com/ciobridge/ciobridge/emulator/exchange"
	"github.com/ciobridge/ciobridge/emulator/workspace"
)

// resource is a kind of thing that the API makes, shows, changes and deletes.
type resource struct {
	kind     string // under which its records are kept
	one, all string // what an answer calls one, and a list
	required []string
	bare     bool // one is answered by itself, and not as the member of an object
	shown    bool // a change is answered with what became of it, and not with a 204
	meta     bool // a list has the numbers of pages, and no token of the next
}

var (
	folders    = resource{kind: "design_studio/folders", one: "folder", all: "folders", meta: true, required: named}
	emails     = resource{kind: "design_studio/emails", one: "email", all: "emails", meta: true, required: named}
	components = resource{
		kind: "design_studio/components", one: "component", all: "components", meta: true,
		required: []string{"name", "tag"},
	}
	assets      = resource{kind: "assets/files", one: "asset", all: "assets", meta: true}
	assetsIn    = resource{kind: "assets/folders", one: "folder", all: "folders", meta: true, required: named}
	collections = resource{kind: "collections", one: "collection", all: "collections", shown: true, required: named}
	webhooks    = resource{
		kind: "reporting_webhooks", all: "reporting_webhooks", bare: true, shown: true,
		required: []string{"endpoint", "events"},
	}
	named = []string{"name"}
)

func (s resource) answer(r workspace.Record) exchange.Answer {
	if s.bare {
		return ok(stamp(r))
	}
	return ok(object{s.one: stamp(r)})
}

func (s resource) list() endpoint {
	return endpoint{serve: func(q *query) exchange.Answer {
		out := []object{}
		for _, r := range q.w.Records(s.kind).All() {
			out = append(out, stamp(r))
		}
		if !s.meta {
			return ok(object{s.all: out})
		}
		number, good := q.whole("page", 1)
		size, good2 := q.whole("limit", 1000)
		if !good || !good2 || number < 1 || size < 1 || size > 10_000 {
			return q.fail(http.StatusBadRequest, "page must be a whole number from 1, and limit one from 1 to 10000")
		}
		from := min((number-1)*size, len(out))
		answer := object{
			s.all:  out[from:min(from+size, len(out))],
			"meta": object{"page": number, "limit": size, "total": len(out)},
		}
		if strings.HasPrefix(s.kind, "design_studio/") && s.all != "folders" {
			answer["folders"] = slices.Concat([]workspace.Record{}, q.w.Records(folders.kind).All())
		}
		return ok(answer)
	}}
}

func (s resource) create() endpoint {
	return endpoint{kind: "resource", action: "create", check: needs(s.required...),
		serve: func(q *query) exchange.Answer {
			r := workspace.Record{"created_at": q.now.Unix(), "updated_at": q.now.Unix()}
			q.change(r)
			q.w.Records(s.kind).Add(r)
			return s.answer(r)
		}}
}

func (s resource) found(serve func(q *query, r workspace.Record) exchange.Answer) func(q *query) exchange.Answer {
	return func(q *query) exchange.Answer {
		r, is := q.w.Records(s.kind).Get(q.args[0])
		if !is {
			return q.missing()
		}
		return serve(q, r)
	}
}

func (s resource) get() endpoint {
	return endpoint{serve: s.found(func(_ *query, r workspace.Record) exchange.Answer { return s.answer(r) })}
}

func (s resource) update() endpoint {
	return endpoint{kind: "resource", action: "update", check: needs(),
		serve: s.found(func(q *query, r workspace.Record) exchange.Answer {
			q.change(r)
			if s.shown {
				return s.answer(r)
			}
			return done
		})}
}

func (s resource) delete() endpoint {
	return endpoint{kind: "resource", action: "delete",
		serve: s.found(func(q *query, _ workspace.Record) exchange.Answer {
			q.w.Records(s.kind).Delete(q.args[0])
			return done
		})}
}

// createAsset takes a file that is uploaded.
func createAsset(q *query) exchange.Answer {
	media, params, err := mime.ParseMediaType(q.contentType)
	if err != nil || media != "multipart/form-data" {
		return q.fail(http.StatusBadRequest, "the Content-Type must be multipart/form-data")
	}
	const most = 2 << 20
	form, err := multipart.NewReader(strings.NewReader(q.raw), params["boundary"]).ReadForm(most)
	if err != nil {
		return q.fail(http.StatusBadRequest, "the form cannot be read")
	}
	defer func() { _ = form.RemoveAll() }() // of what was too large for memory, of which there is nothing
	files := form.File["file"]
	if len(files) != 1 {
		return q.fail(http.StatusBadRequest, "file is required")
	}
	f := files[0]
	kind := f.Header.Get("Content-Type")
	if f.Size > most || !strings.HasPrefix(kind, "image/") && kind != "application/pdf" {
		return q.fail(http.StatusBadRequest, "file must be an image or a PDF of at most 2 MB")
	}
	r := workspace.Record{
		"name": f.Filename, "filename": f.Filename, "content_type": kind, "size": f.Size,
		"created_at": q.now.Unix(), "updated_at": q.now.Unix(),
	}
	for name, values := range form.Value {
		r[name] = values[0]
	}
	q.w.Records(assets.kind).Add(r)
	return assets.answer(r)
}

// collectionContent shows the rows of a collection.
func collectionContent(_ *query, r workspace.Record) exchange.Answer {
	if rows, is := r["data"].([]any); is {
		return ok(rows)
	}
	return ok([]any{})
}

func changeCollectionContent(q *query, r workspace.Record) exchange.Answer {
	rows, is := q.body.([]any)
	if !is {
		return q.fail(http.StatusBadRequest, "the content must be an array of rows")
	}
	r["data"], r["rows"], r["updated_at"] = rows, len(rows), q.now.Unix()
	return collections.answer(r)
}

// emailLanguages are the translations of an email of the design studio.
func emailLanguages(q *query) string { return emails.kind + "/" + q.args[0] + "/languages" }

func listEmailLanguages(q *query, _ workspace.Record) exchange.Answer {
	out := []object{}
	for _, r := range q.w.Records(emailLanguages(q)).All() {
		out = append(out, stamp(r))
	}
	return ok(object{"email_translations": out})
}

func createEmailLanguage(q *query, _ workspace.Record) exchange.Answer {
	r := workspace.Record{"created_at": q.now.Unix(), "updated_at": q.now.Unix()}
	q.change(r)
	q.w.Records(emailLanguages(q)).Put(q.text("language"), r)
	return ok(object{"email_translation": stamp(r)})
}

func emailLanguage(method string) endpoint {
	return endpoint{serve: emails.found(func(q *query, _ workspace.Record) exchange.Answer {
		records := q.w.Records(emailLanguages(q))
		r, is := records.Get(q.args[1])
		switch {
		case !is:
			return q.missing()
		case method == http.MethodGet:
			return ok(object{"email_translation": stamp(r)})
		case method == http.MethodDelete:
			records.Delete(q.args[1])
		default:
			q.change(r)
		}
		return done
	})}
}
