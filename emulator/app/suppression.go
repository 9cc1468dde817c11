package app

import (
	"net/http"
	"slices"
	"strings"

	"github.com/ciobridge/ciobridge/emulator/exchange"
	"github.com/ciobridge/ciobridge/emulator/workspace"
)

// The addresses to which the provider of e-mail sends nothing, by category. They are no people: a suppressed person is
// another thing.

var categories = []string{"blocks", "bounces", "spam_reports", "invalid_emails"}

func suppressions(q *query, category string) *workspace.Records {
	return q.w.Records("esp/" + category)
}

// category checks the one that a segment of the path names.
func (q *query) category(name string) (wrong exchange.Answer) {
	if !slices.Contains(categories, name) {
		return q.fail(http.StatusBadRequest, "category must be one of "+strings.Join(categories, ", "))
	}
	return wrong
}

func (q *query) suppressed(category, domain string) exchange.Answer {
	if wrong := q.category(category); wrong.Status != 0 {
		return wrong
	}
	out := []workspace.Record{}
	for _, r := range suppressions(q, category).All() {
		if domain == "" || strings.HasSuffix(text(r["email"]), "@"+domain) {
			out = append(out, r)
		}
	}
	answer := object{"category": category, "suppressions": out}
	if domain != "" {
		answer["next"] = ""
	}
	return ok(answer)
}

func listSuppressions(q *query) exchange.Answer { return q.suppressed(q.args[0], "") }

func domainSuppressions(q *query) exchange.Answer { return q.suppressed(q.args[1], q.args[0]) }

func searchSuppressions(q *query) exchange.Answer {
	for _, category := range categories {
		if r, is := suppressions(q, category).Get(q.args[0]); is {
			return ok(object{"category": category, "suppressions": []workspace.Record{r}})
		}
	}
	return ok(object{"category": "", "suppressions": []workspace.Record{}})
}

func addSuppression(q *query) exchange.Answer {
	if wrong := q.category(q.args[0]); wrong.Status != 0 {
		return wrong
	}
	if why := workspace.Named("email", q.args[1]).Wrong(); why != "" {
		return q.fail(http.StatusBadRequest, why)
	}
	suppressions(q, q.args[0]).Put(q.args[1], workspace.Record{
		"email": q.args[1], "created": q.now.Unix(), "reason": "", "status": "",
	})
	return ok(object{})
}

func removeSuppression(q *query) exchange.Answer {
	if wrong := q.category(q.args[0]); wrong.Status != 0 {
		return wrong
	}
	if !suppressions(q, q.args[0]).Delete(q.args[1]) {
		return q.missing()
	}
	return done
}
