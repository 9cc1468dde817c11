package app

import (
	"encoding/csv"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/ciobridge/ciobridge/emulator/exchange"
	"github.com/ciobridge/ciobridge/emulator/workspace"
)

const exports = "exports"

func listExports(q *query) exchange.Answer {
	all := q.w.Records(exports).All()
	if len(all) == 0 {
		return ok(object{"exports": nil}) // so the real service was seen to answer
	}
	out := []object{}
	for _, r := range all {
		out = append(out, stamp(r))
	}
	return ok(object{"exports": out})
}

// export keeps an export, which is done at once: rows of text, the first of which names the columns.
func (q *query) export(kind, description string, rows [][]string) exchange.Answer {
	r := workspace.Record{
		"user_id": 1, "user_email": "", "total": len(rows) - 1, "type": kind, "failed": false, "status": "done",
		"description": description, "downloads": 0, "created_at": q.now.Unix(), "updated_at": q.now.Unix(),
	}
	id := q.w.Records(exports).Add(r)
	var b strings.Builder
	_ = csv.NewWriter(&b).WriteAll(rows) // into memory, which takes all
	q.w.Records(files).Put(strconv.Itoa(id), workspace.Record{"csv": b.String()})
	return ok(object{"export": stamp(r)})
}

// files are the contents of exports, by the same ids.
const files = "exports/files"

// File gives what an export holds, as CSV.
func File(w *workspace.Workspace, id string) (content string, is bool) {
	r, is := w.Records(files).Get(id)
	return text(r["csv"]), is
}

// exportCustomers exports the people whom a filter finds, with the attributes that are asked for, or all.
func exportCustomers(q *query) exchange.Answer {
	matches, err := filter(q.members()["filters"])
	if err != nil {
		return q.fail(http.StatusBadRequest, err.Error())
	}
	var found []map[string]string
	columns := []string{"id", "email", "cio_id"}
	asked, some := q.members()["attributes"].([]any)
	for _, name := range asked {
		columns = append(columns, text(name))
	}
	others := map[string]bool{}
	for _, p := range q.w.Known() {
		if !matches(p) {
			continue
		}
		attributes, _ := customer(p)["attributes"].(map[string]string)
		found = append(found, attributes)
		for name := range attributes {
			if !some && !slices.Contains(columns, name) {
				others[name] = true
			}
		}
	}
	columns = append(columns, slices.Sorted(maps.Keys(others))...)
	rows := [][]string{columns}
	for _, attributes := range found {
		row := make([]string, len(columns))
		for i, name := range columns {
			row[i] = attributes[name]
		}
		rows = append(rows, row)
	}
	return q.export("customers", "people", rows)
}

// parents name what an export of deliveries can be about: one of them.
var parents = map[string]string{
	"newsletter_id": "newsletter:", "campaign_id": "campaign:", "transactional_message_id": "transactional:",
	"action_id": "action:",
}

func exportDeliveries(q *query) exchange.Answer {
	source, given := "", 0
	for name, kind := range parents {
		if v, is := q.members()[name]; is {
			source, given = kind+text(v), given+1
		}
	}
	if given != 1 {
		return q.fail(http.StatusBadRequest,
			"exactly one of newsletter_id, campaign_id, transactional_message_id and action_id is required")
	}
	rows := [][]string{append([]string{"delivery_id", "customer_id", "recipient", "subject", "created"}, series...)}
	for _, m := range q.w.Deliveries() {
		if _, reached := m.Metrics[q.text("metric")]; !of(m, source) || !reached && q.text("metric") != "" {
			continue
		}
		row := []string{m.ID, m.Person.ID, m.Recipient, m.Subject, text(m.At)}
		for _, metric := range series {
			at := ""
			if when, is := m.Metrics[metric]; is {
				at = text(when)
			}
			row = append(row, at)
		}
		rows = append(rows, row)
	}
	return q.export("deliveries", "deliveries of "+source, rows)
}

// downloadExport tells where an export can be fetched: from the emulator itself.
func downloadExport(q *query, r workspace.Record) exchange.Answer {
	n, _ := r["downloads"].(int)
	r["downloads"] = n + 1
	return ok(object{"url": q.base + "/_emulator/exports/" + q.args[0] + ".csv"})
}

// createImport takes the order to import a file, which the emulator does not fetch.
func createImport(q *query) exchange.Answer {
	given, _ := q.members()["import"].(object)
	address, kind := text(given["data_file_url"]), text(given["type"])
	if !strings.HasPrefix(address, "https://") && !strings.HasPrefix(address, "http://") || kind == "" {
		return q.fail(http.StatusBadRequest, "import.data_file_url and import.type are required")
	}
	r := workspace.Record{
		"rows_imported": 0, "rows_to_import": 0, "state": "imported", "error": "", "created_at": q.now.Unix(),
		"updated_at": q.now.Unix(),
	}
	for k, v := range given {
		r[k] = v
	}
	id := q.w.Records("imports").Add(r)
	if r["name"] == nil {
		r["name"] = "import " + strconv.Itoa(id)
	}
	return ok(object{"import": stamp(r)})
}
