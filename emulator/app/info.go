package app

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/ciobridge/ciobridge/emulator/exchange"
	"github.com/ciobridge/ciobridge/emulator/workspace"
)

const senders = "sender_identities"

// sender is the only identity that messages can come from: the emulator has no user interface to make others.
func sender(q *query) *workspace.Records {
	records := q.w.Records(senders)
	if _, is := records.Get("1"); !is {
		records.Put("1", workspace.Record{
			"name": "Emulator", "email": "emulator@example.com", "address": `"Emulator" <emulator@example.com>`,
			"template_type": "email", "auto_generated": false,
		})
	}
	return records
}

func listSenders(q *query) exchange.Answer {
	out := []object{}
	for _, r := range sender(q).All() {
		out = append(out, stamp(r))
	}
	return ok(object{"sender_identities": out, "next": ""})
}

func getSender(q *query) exchange.Answer {
	r, is := sender(q).Get(q.args[0])
	if !is {
		return q.missing()
	}
	return ok(object{"sender_identity": stamp(r)})
}

func senderUsedBy(q *query) exchange.Answer {
	if _, is := sender(q).Get(q.args[0]); !is {
		return q.missing()
	}
	return ok(object{"campaigns": []int{}, "sent_newsletters": []int{}, "draft_newsletters": []int{}})
}

// topics are the subscription topics that somebody's preferences name.
func topics(q *query) exchange.Answer {
	names := map[string]bool{}
	for _, p := range q.w.Known() {
		for _, name := range topicNames(preferences(p), p) {
			names[name] = true
		}
	}
	out := []object{}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		id, _ := strconv.Atoi(strings.TrimPrefix(name, "topic_"))
		out = append(out, object{"id": id, "identifier": name, "name": "Topic " + strconv.Itoa(id), "description": "",
			"subscribed_by_default": true})
	}
	return ok(object{"topics": out})
}

func subscriptionChannels(*query) exchange.Answer {
	out := []object{}
	for _, name := range []string{"email", "sms", "push", "in_app", "whatsapp", "inbox"} {
		out = append(out, object{"identifier": name, "name": name, "subscribed_by_default": true})
	}
	return ok(object{"channels": out})
}

// centerToken makes the token of a person's page of preferences. Nothing takes it: there is no such page.
func centerToken(q *query) exchange.Answer {
	p, wrong := q.person()
	if wrong.Status != 0 {
		return wrong
	}
	sum := sha256.Sum256([]byte("subscription center of " + p.CioID))
	return ok(object{"token": hex.EncodeToString(sum[:16])})
}

// describe makes an endpoint that takes descriptions of attributes or events.
func describe(name string) endpoint {
	return endpoint{kind: "resource", action: "update", check: needs(name), serve: func(q *query) exchange.Answer {
		entries, isList := q.members()[name].([]any)
		if !isList || len(entries) == 0 {
			return q.fail(http.StatusBadRequest, name+" must be an array")
		}
		for _, entry := range entries {
			m, _ := entry.(object)
			if text(m["name"]) == "" {
				return q.fail(http.StatusBadRequest, "each of "+name+" must have a name")
			}
			q.w.Records("data_index/"+name).Put(text(m["name"]), m)
		}
		return done
	}}
}

// workspaces tells of the only one: what a key reaches.
func workspaces(q *query) exchange.Answer {
	return ok(object{"workspaces": []object{{
		"id": 1, "name": "emulator", "people": len(q.w.Known()), "messages_sent": len(q.w.Deliveries()),
		"object_types": 1, "objects": len(q.w.Objects()),
	}}})
}

// addresses are those from which the emulator calls others: it calls nobody.
func addresses(*query) exchange.Answer { return ok(object{"ip_addresses": []string{}}) }
