package app

import (
	"net/http"

	"github.com/ciobridge/ciobridge/emulator/exchange"
	"github.com/ciobridge/ciobridge/emulator/workspace"
)

const snippets = "snippets"

func listSnippets(q *query) exchange.Answer {
	return ok(object{"snippets": append([]workspace.Record{}, q.w.Records(snippets).All()...)})
}

// putSnippet makes a snippet, or changes the one of that name where it may.
func putSnippet(create bool) endpoint {
	return endpoint{kind: "resource", action: "update", check: needs("name", "value"),
		serve: func(q *query) exchange.Answer {
			records := q.w.Records(snippets)
			name := q.text("name")
			if _, is := records.Get(name); is && create {
				return q.fail(http.StatusUnprocessableEntity, "there is a snippet of this name")
			}
			r := workspace.Record{"name": name, "value": q.text("value"), "updated_at": q.now.Unix()}
			records.Put(name, r)
			return ok(object{"snippet": r})
		}}
}

func deleteSnippet(q *query) exchange.Answer {
	if !q.w.Records(snippets).Delete(q.args[0]) {
		return q.missing()
	}
	return done
}
