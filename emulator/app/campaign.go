package app

import (
	"net/http"
	"strconv"

	"github.com/ciobridge/ciobridge/emulator/exchange"
	"github.com/ciobridge/ciobridge/emulator/workspace"
)

// What people make in the user interface: campaigns, broadcasts and transactional messages. The emulator has no such
// interface, so that each is there as soon as it is named.

// made are the members of one when it comes to be.
var made = map[string]func(q *query, id string) workspace.Record{
	"campaigns": func(q *query, id string) workspace.Record { return q.flow(id, "campaign", "segment") },
	"broadcasts": func(q *query, id string) workspace.Record {
		return q.flow(id, "broadcast", "triggered_broadcast")
	},
	"transactional": (*query).template,
}

func (q *query) flow(id, name, kind string) workspace.Record {
	at := q.now.Unix()
	return workspace.Record{
		"name": name + " " + id, "description": "", "type": kind, "active": true, "state": "running", "created": at,
		"updated": at, "first_started": at, "actions": []object{{"id": 1, "type": "email"}},
	}
}

func (q *query) template(id string) workspace.Record {
	at := q.now.Unix()
	return workspace.Record{
		"id": id, "name": "transactional message " + id, "description": "", "send_to_unsubscribed": true,
		"link_tracking": true, "open_tracking": true, "hide_message_body": false, "queue_drafts": false,
		"created_at": at, "updated_at": at,
	}
}

// exists gives the record of something that is named, and makes it where it is new. The id is a number; a transactional
// message may also have a name.
func (q *query) exists(kind, id string) (r workspace.Record, is bool) {
	records := q.w.Records(kind)
	if r, is = records.Get(id); is {
		return r, true
	}
	make, can := made[kind]
	if n, err := strconv.Atoi(id); !can || kind != "transactional" && (err != nil || n < 1) {
		return nil, false
	}
	r = make(q, id)
	records.Put(id, r)
	return r, true
}

// listed makes an endpoint that lists the things of a kind.
func listed(kind, name string) endpoint {
	return endpoint{serve: func(q *query) exchange.Answer {
		out := []object{}
		for _, r := range q.w.Records(kind).All() {
			out = append(out, stamp(r))
		}
		part, next, good := page(q, out, 1000, 1000)
		if !good {
			return q.badPage()
		}
		return ok(object{name: part, "next": next})
	}}
}

// got makes an endpoint that shows one thing.
func got(kind, name string) endpoint {
	return within(kind, func(q *query, r workspace.Record) exchange.Answer { return ok(object{name: stamp(r)}) })
}

// within makes an endpoint about the thing that the first segment names.
func within(kind string, serve func(q *query, r workspace.Record) exchange.Answer) endpoint {
	return endpoint{serve: func(q *query) exchange.Answer {
		r, is := q.exists(kind, q.args[0])
		if !is {
			return q.missing()
		}
		return serve(q, r)
	}}
}

// about makes an endpoint that reports on the deliveries of the thing that the first segment names.
func about(kind string, report func(q *query, source string) exchange.Answer) endpoint {
	return within(kind, func(q *query, _ workspace.Record) exchange.Answer {
		return report(q, source(kind, q.args[0]))
	})
}

func messagesOf(q *query, source string) exchange.Answer { return q.messages(source, "") }

// part is the content of a thing: an action of a campaign, a variant of a newsletter. Those of what people make in the
// user interface are there as soon as they are named.
func (q *query) part(kind, id string) (workspace.Record, bool) {
	records := q.w.Records(kind)
	if r, is := records.Get(id); is {
		return r, true
	}
	if n, err := strconv.Atoi(id); err != nil || n < 1 {
		return nil, false
	}
	r := q.content("content " + id)
	records.Put(id, r)
	return r, true
}

func (q *query) content(name string) workspace.Record {
	at := q.now.Unix()
	return workspace.Record{
		"name": name, "type": "email", "subject": "", "body": "", "from": "", "language": "", "created": at,
		"updated": at,
	}
}

// parts makes an endpoint that lists the contents of a thing.
func parts(kind, folder, name string) endpoint {
	return within(kind, func(q *query, _ workspace.Record) exchange.Answer {
		q.part(kind+"/"+q.args[0]+"/"+folder, "1")
		out := []object{}
		for _, r := range q.w.Records(kind + "/" + q.args[0] + "/" + folder).All() {
			out = append(out, stamp(r))
		}
		part, next, good := page(q, out, 10, 10)
		if !good {
			return q.badPage()
		}
		return ok(object{name: part, "next": next})
	})
}

// gotPart makes an endpoint that shows one content, or changes it and shows it then.
func gotPart(kind, folder, name string) endpoint {
	return within(kind, func(q *query, _ workspace.Record) exchange.Answer {
		r, is := q.part(kind+"/"+q.args[0]+"/"+folder, q.args[1])
		if !is {
			return q.missing()
		}
		return ok(object{name: stamp(r)})
	})
}

func changedPart(kind, folder, name string) endpoint {
	e := within(kind, func(q *query, _ workspace.Record) exchange.Answer {
		r, is := q.part(kind+"/"+q.args[0]+"/"+folder, q.args[1])
		if !is {
			return q.missing()
		}
		q.change(r)
		return ok(object{name: stamp(r)})
	})
	e.kind, e.action, e.check = "content", "update", needs()
	return e
}

// partAbout makes an endpoint that reports on the deliveries of one content. The emulator sends whole messages, so that
// the contents of a thing share its numbers.
func partAbout(kind, folder string, report func(q *query, source string) exchange.Answer) endpoint {
	return within(kind, func(q *query, _ workspace.Record) exchange.Answer {
		if _, is := q.part(kind+"/"+q.args[0]+"/"+folder, q.args[1]); !is {
			return q.missing()
		}
		return report(q, source(kind, q.args[0]))
	})
}

// change takes over the members of the body, but for those that Customer.io sets.
func (q *query) change(r workspace.Record) {
	for k, v := range q.members() {
		switch k {
		case "id", "deduplicate_id", "created", "created_at", "updated", "updated_at":
		default:
			r[k] = v
		}
	}
	for _, name := range []string{"updated", "updated_at"} {
		if _, has := r[name]; has {
			r[name] = q.now.Unix()
		}
	}
}

// language makes an endpoint about one variant by its language, which the last segment names. Where says of what.
func language(method string, name string, where func(q *query) string) endpoint {
	e := endpoint{serve: func(q *query) exchange.Answer {
		tag := q.args[len(q.args)-1]
		records := q.w.Records(where(q))
		r, is := records.Get(tag)
		switch {
		case method == http.MethodDelete && records.Delete(tag):
			return done
		case method == http.MethodPut && !is:
			r = q.content("variant " + tag)
			r["language"] = tag
			records.Put(tag, r)
		case !is:
			return q.missing()
		}
		if method == http.MethodPut {
			q.change(r)
		}
		return ok(object{name: stamp(r)})
	}}
	if method != http.MethodGet {
		e.kind, e.action = "content", "update"
	}
	if method == http.MethodPut {
		e.check = needs()
	}
	return e
}
