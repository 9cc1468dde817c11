package app

import (
	"cmp"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

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
		out = append(out, q.shown(r))
	}
	return ok(object{"exports": out})
}

func getExport(q *query, r workspace.Record) exchange.Answer { return ok(object{"export": q.shown(r)}) }

// export keeps an export of rows of text, the first of which names the columns.
func (q *query) export(kind, description string, rows [][]string) exchange.Answer {
	plan := &q.w.Exports
	f := newFile(kind, rows, *plan)
	ready := q.now.Add(plan.Takes)
	r := workspace.Record{
		"user_id": 1, "user_email": "", "total": f.rows, "type": kind, "failed": false, "status": "done",
		"description": description, "downloads": 0, "created_at": q.now.Unix(), "updated_at": ready.Unix(),
		"ready": ready,
	}
	if plan.Fail > 0 {
		plan.Fail--
		r["failed"], r["status"], r["total"] = true, "failed", 0
	}
	id := q.w.Records(exports).Add(r)
	q.w.Records(files).Put(strconv.Itoa(id), workspace.Record{"file": f})
	return ok(object{"export": q.shown(r)})
}

// pending reports whether an export goes on.
func (q *query) pending(r workspace.Record) bool {
	ready, _ := r["ready"].(time.Time)
	return q.now.Before(ready)
}

// shown is an export as the API shows it: nothing is known of what comes of it before it is ready.
func (q *query) shown(r workspace.Record) object {
	out := stamp(r)
	if q.pending(r) {
		out["status"], out["failed"], out["total"], out["updated_at"] = "pending", false, 0, r["created_at"]
		out["deduplicate_id"] = text(r["id"]) + ":" + text(r["created_at"])
	}
	delete(out, "ready")
	return out
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

// exportDeliveries exports those of one thing. Drafts are exported by themselves.
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
	start, end, err := q.exported()
	if err != "" {
		return q.fail(http.StatusBadRequest, err)
	}
	rows := [][]string{append([]string{"delivery_id", "customer_id", "recipient", "subject"}, series...)}
	for _, m := range q.w.Deliveries() {
		_, reached := m.Metrics[q.text("metric")]
		drafts, _ := q.members()["drafts"].(bool)
		action, isAction := strings.CutPrefix(source, "action:")
		switch {
		case isAction && !strings.HasSuffix(m.Source, "/"+action), !isAction && !of(m, source), m.Draft != drafts,
			!reached && q.text("metric") != "", m.At < start, m.At > end:
			continue
		}
		row := []string{m.ID, m.Person.ID, m.Recipient, m.Subject}
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

// exported is the time whose deliveries are exported, by when they were made: six months up to now where nothing is
// said, and twelve at most, as documented. That the end is part of it is not; a client has to expect it.
func (q *query) exported() (start, end int64, wrong string) {
	end = q.now.Unix()
	for name, to := range map[string]*int64{"start": &start, "end": &end} {
		switch v := q.members()[name].(type) {
		case nil:
		case json.Number:
			n, err := v.Int64()
			if err != nil {
				return 0, 0, name + " must be unix seconds"
			}
			*to = n
		default:
			return 0, 0, name + " must be unix seconds"
		}
	}
	until := time.Unix(end, 0)
	if start == 0 {
		start = until.AddDate(0, -6, 0).Unix()
	}
	return max(start, until.AddDate(0, -12, 0).Unix()), end, ""
}

// usualLink is how long a link to a file holds, as documented.
const usualLink = 15 * time.Minute

// downloadExport tells where an export can be fetched: from the emulator itself, for some time.
func downloadExport(q *query, r workspace.Record) exchange.Answer {
	if q.pending(r) || r["status"] != "done" {
		return q.missing()
	}
	n, _ := r["downloads"].(int)
	r["downloads"] = n + 1
	expires := q.now.Add(cmp.Or(q.w.Exports.Link, usualLink))
	return ok(object{"url": q.base + FilePath + q.args[0] + ".csv?expires=" + strconv.FormatInt(expires.Unix(), 10)})
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
