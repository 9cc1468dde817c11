package app

import "strings"

// languageOf tells where the variants of a thing are kept, or those of one of its contents.
func languageOf(kind string) func(q *query) string {
	return func(q *query) string {
		return kind + "/" + strings.Join(q.args[:len(q.args)-1], "/actions/") + "/language"
	}
}

var newsletterRoutes = map[string]endpoint{
	"GET v1/newsletters": listed(newsletters, newsletters),
	"POST v1/newsletters": {
		kind: "newsletter", action: "create", check: needs("name"), serve: createNewsletter,
	},
	"GET v1/newsletters/*":                            got(newsletters, "newsletter"),
	"DELETE v1/newsletters/*":                         {kind: "newsletter", action: "delete", serve: deleteNewsletter},
	"GET v1/newsletters/*/contents":                   parts(newsletters, "contents", "contents"),
	"GET v1/newsletters/*/contents/*":                 gotPart(newsletters, "contents", "content"),
	"PUT v1/newsletters/*/contents/*":                 changedPart(newsletters, "contents", "content"),
	"GET v1/newsletters/*/contents/*/metrics":         partAbout(newsletters, "contents", (*query).metrics),
	"GET v1/newsletters/*/contents/*/metrics/links":   partAbout(newsletters, "contents", (*query).links),
	"GET v1/newsletters/*/metrics":                    about(newsletters, (*query).metrics),
	"GET v1/newsletters/*/metrics/links":              about(newsletters, (*query).links),
	"GET v1/newsletters/*/messages":                   about(newsletters, messagesOf),
	"POST v1/newsletters/*/send":                      changes("send", sendNewsletter),
	"POST v1/newsletters/*/schedule":                  changes("schedule", scheduleNewsletter),
	"POST v1/newsletters/*/language":                  changes("update", createLanguage),
	"GET v1/newsletters/*/language/*":                 language("GET", "content", languagesOf),
	"PUT v1/newsletters/*/language/*":                 language("PUT", "content", languagesOf),
	"DELETE v1/newsletters/*/language/*":              language("DELETE", "content", languagesOf),
	"GET v1/newsletters/*/test_groups":                within(newsletters, listTestGroups),
	"POST v1/newsletters/*/test_groups":               changes("update", createTestGroup),
	"POST v1/newsletters/*/test_group/*/language":     changes("update", createLanguage),
	"GET v1/newsletters/*/test_group/*/language/*":    language("GET", "content", languagesOf),
	"PUT v1/newsletters/*/test_group/*/language/*":    language("PUT", "content", languagesOf),
	"DELETE v1/newsletters/*/test_group/*/language/*": language("DELETE", "content", languagesOf),
}

var studio = map[string]endpoint{
	"GET v1/design_studio/emails/*/languages": asked(emails.found(listEmailLanguages)),
	"POST v1/design_studio/emails/*/languages": {
		kind: "resource", action: "create", check: needs("language"), serve: emails.found(createEmailLanguage),
	},
	"GET v1/design_studio/emails/*/languages/*":    emailLanguage("GET"),
	"PUT v1/design_studio/emails/*/languages/*":    emailLanguage("PUT"),
	"DELETE v1/design_studio/emails/*/languages/*": emailLanguage("DELETE"),
	"POST v1/assets/files": {
		kind: "resource", action: "create", form: true, serve: createAsset,
	},
	"GET v1/assets":                assets.list(),
	"GET v1/collections/*/content": asked(collections.found(collectionContent)),
	"PUT v1/collections/*/content": {
		kind: "resource", action: "update", serve: collections.found(changeCollectionContent),
	},
}

// routes are the endpoints of a resource. A file is made by an upload.
func (s resource) routes() map[string]endpoint {
	path := "v1/" + s.kind
	table := map[string]endpoint{
		"GET " + path: s.list(), "POST " + path: s.create(), "GET " + path + "/*": s.get(),
		"PUT " + path + "/*": s.update(), "DELETE " + path + "/*": s.delete(),
	}
	if s.kind == assets.kind {
		delete(table, "POST "+path)
		delete(table, "GET "+path)
	}
	return table
}

var others = map[string]endpoint{
	"GET v1/snippets":                    asked(listSnippets),
	"POST v1/snippets":                   putSnippet(true),
	"PUT v1/snippets":                    putSnippet(false),
	"DELETE v1/snippets/*":               {kind: "resource", action: "delete", serve: deleteSnippet},
	"GET v1/esp/search_suppression/*":    asked(searchSuppressions),
	"GET v1/esp/suppression/*":           asked(listSuppressions),
	"GET v1/esp/domains/*/suppression/*": asked(domainSuppressions),
	"POST v1/esp/suppression/*/*":        {kind: "resource", action: "create", serve: addSuppression},
	"DELETE v1/esp/suppression/*/*":      {kind: "resource", action: "delete", serve: removeSuppression},
	"GET v1/sender_identities":           asked(listSenders),
	"GET v1/sender_identities/*":         asked(getSender),
	"GET v1/sender_identities/*/used_by": asked(senderUsedBy),
	"POST v1/imports": {
		kind: "import", action: "create", check: needs("import"), serve: createImport,
	},
	"GET v1/imports/*":              got("imports", "import"),
	"POST v1/data_index/attributes": describe("attributes"),
	"POST v1/data_index/events":     describe("events"),
	"GET v1/workspaces":             asked(workspaces),
	"GET v1/info/ip_addresses":      asked(addresses),
}
