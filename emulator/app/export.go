package app

import (
	"fmt"
	"net/http"
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

// export keeps an export, which is done at once.
func (q *query) export(kind, description string, total int) exchange.Answer {
	r := workspace.Record{
		"user_id": 1, "user_email": "", "total": total, "type": kind, "failed": false, "status": "done",
		"description": description, "downloads": 0, "created_at": q.now.Unix(), "updated_at": q.now.Unix(),
	}
	q.w.Records(exports).Add(r)
	return ok(object{"export": stamp(r)})
}

func exportCustomers(q *query) exchange.Answer {
	matches, err := filter(q.members()["filters"])
	if err != nil {
		return q.fail(http.StatusBadRequest, err.Error())
	}
	total := 0
	for _, p := range q.w.Known() {
		if matches(p) {
			total++
		}
	}
	return q.export("customers", "people", total)
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
	total := 0
	for _, m := range q.w.Deliveries() {
		if _, reached := m.Metrics[q.text("metric")]; of(m, source) && (reached || q.text("metric") == "") {
			total++
		}
	}
	return q.export("deliveries", "deliveries of "+source, total)
}

// downloadExport tells where an export can be fetched. The emulator has no files: nothing answers there.
func downloadExport(q *query, r workspace.Record) exchange.Answer {
	n, _ := r["downloads"].(int)
	r["downloads"] = n + 1
	return ok(object{"url": fmt.Sprintf("https://exports.invalid/%s.csv?expires=%d", q.args[0], q.now.Unix()+15*60)})
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
