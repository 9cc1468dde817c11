package app

import (
	"sync"

	"github.com/ciobridge/ciobridge/emulator/exchange"
)

// routes are the endpoints.
var routes = sync.OnceValue(func() (routes []exchange.Route[endpoint]) {
	tables := []map[string]endpoint{people, segments, messages, madeByHand, newsletterRoutes, studio, others}
	for _, kind := range []string{"campaigns", "broadcasts"} {
		tables = append(tables, flow(kind))
	}
	for _, kind := range []resource{folders, emails, components, assets, assetsIn, collections, webhooks} {
		tables = append(tables, kind.routes())
	}
	for _, table := range tables {
		for path, e := range table {
			routes = append(routes, exchange.NewRoute(path, e))
		}
	}
	return routes
})

func asked(serve func(*query) exchange.Answer) endpoint { return endpoint{serve: serve} }

var people = map[string]endpoint{
	"GET v1/customers":                            asked(customersByEmail),
	"POST v1/customers":                           {check: needs("filter"), serve: searchCustomers},
	"POST v1/customers/attributes":                {check: needs("ids"), serve: customersAttributes},
	"GET v1/customers/*/attributes":               asked(customerAttributes),
	"GET v1/customers/*/segments":                 asked(customerSegments),
	"GET v1/customers/*/messages":                 asked(customerMessages),
	"GET v1/customers/*/activities":               asked(customerActivities),
	"GET v1/customers/*/relationships":            asked(customerRelationships),
	"GET v1/customers/*/subscription_preferences": asked(customerPreferences),
	"GET v1/activities":                           asked(activities),
	"POST v1/objects":                             {check: needs("object_type_id", "filter"), serve: findObjects},
	"GET v1/objects/*/*/attributes":               asked(objectAttributes),
	"GET v1/objects/*/*/relationships":            asked(objectRelationships),
	"GET v1/object_types":                         asked(objectTypes),
	"GET v1/subscription_topics":                  asked(topics),
	"GET v1/subscription_channels":                asked(subscriptionChannels),
	"GET v1/subscription_center/*/token":          asked(centerToken),
}

var segments = map[string]endpoint{
	"GET v1/segments":                  asked(listSegments),
	"POST v1/segments":                 {kind: "segment", action: "create", check: checkSegment, serve: createSegment},
	"GET v1/segments/*":                asked(getSegment),
	"DELETE v1/segments/*":             {kind: "segment", action: "delete", serve: deleteSegment},
	"GET v1/segments/*/customer_count": asked(segmentCount),
	"GET v1/segments/*/membership":     asked(segmentMembership),
	"GET v1/segments/*/used_by":        asked(segmentUsedBy),
}

var messages = map[string]endpoint{
	"POST v1/send/email":                 send("email"),
	"POST v1/send/push":                  send("push"),
	"POST v1/send/sms":                   send("sms"),
	"POST v1/send/whatsapp":              send("whatsapp"),
	"POST v1/send/in_app":                send("in_app"),
	"POST v1/send/inbox_message":         send("inbox_message"),
	"GET v1/messages":                    asked(listMessages),
	"GET v1/messages/*":                  asked(getMessage),
	"GET v1/messages/*/archived_message": {pace: archivePace, serve: archivedMessage},
	"POST v1/campaigns/*/triggers": {
		kind: "broadcast", action: "trigger", pace: broadcastPace, limit: maxTriggerBytes, check: checkTrigger,
		serve: trigger,
	},
	"GET v1/campaigns/*/triggers/*":         asked(getTrigger),
	"GET v1/campaigns/*/triggers/*/errors":  asked(triggerErrors),
	"GET v1/broadcasts/*/triggers":          asked(listTriggers),
	"GET v1/broadcasts/*/triggers/*/errors": asked(triggerErrors),
	"GET v1/exports":                        asked(listExports),
	"POST v1/exports/customers": {
		kind: "export", action: "customers", check: needs("filters"), serve: exportCustomers,
	},
	"POST v1/exports/deliveries": {kind: "export", action: "deliveries", check: needs(), serve: exportDeliveries},
	"GET v1/exports/*":           within(exports, getExport),
	"GET v1/exports/*/download":  within(exports, downloadExport),
}

// madeByHand are those about what people make in the user interface.
var madeByHand = map[string]endpoint{
	"GET v1/campaigns/*/journey_metrics":   within("campaigns", journeyMetrics),
	"GET v1/transactional":                 listed("transactional", "messages"),
	"GET v1/transactional/*":               got("transactional", "message"),
	"GET v1/transactional/*/contents":      parts("transactional", "contents", "contents"),
	"PUT v1/transactional/*/content/*":     changedPart("transactional", "contents", "content"),
	"GET v1/transactional/*/language/*":    language("GET", "content", languageOf("transactional")),
	"PUT v1/transactional/*/language/*":    language("PUT", "content", languageOf("transactional")),
	"GET v1/transactional/*/messages":      about("transactional", messagesOf),
	"GET v1/transactional/*/metrics":       about("transactional", (*query).metrics),
	"GET v1/transactional/*/metrics/links": about("transactional", (*query).links),
}

// flow are the endpoints that campaigns and broadcasts share.
func flow(kind string) map[string]endpoint {
	one, action := "v1/"+kind+"/*", "v1/"+kind+"/*/actions/*"
	return map[string]endpoint{
		"GET v1/" + kind:                   listed(kind, kind),
		"GET " + one:                       got(kind, kind[:len(kind)-1]),
		"GET " + one + "/messages":         about(kind, messagesOf),
		"GET " + one + "/metrics":          about(kind, (*query).metrics),
		"GET " + one + "/metrics/links":    about(kind, (*query).links),
		"GET " + one + "/actions":          parts(kind, "actions", "actions"),
		"GET " + action:                    gotPart(kind, "actions", "action"),
		"PUT " + action:                    changedPart(kind, "actions", "action"),
		"GET " + action + "/language/*":    language("GET", "action", languageOf(kind)),
		"PUT " + action + "/language/*":    language("PUT", "action", languageOf(kind)),
		"GET " + action + "/metrics":       partAbout(kind, "actions", (*query).metrics),
		"GET " + action + "/metrics/links": partAbout(kind, "actions", (*query).links),
	}
}
