package config

import (
	"github.com/ciobridge/ciobridge/internal/yamltree"
	reportread "github.com/ciobridge/ciobridge/report/read"
)

// reportMeanings are the meanings of the keys of reports, and of where their state is.
var reportMeanings = map[string]yamltree.Row{
	"reports": {Meaning: "Reports that are read from Customer.io at times, and of which each row is published as an " +
		"event. See [reports.md](reports.md)."},
	"reports.name": {Meaning: "The report's own name. The ids of its events are made of it: another name is another " +
		"report, and publishes everything anew.", Example: "campaigns", Required: true},
	"reports.type": {Meaning: "What is read.", Example: "campaigns", Choices: reportread.Types(), Required: true},
	"reports.workspaces": {Meaning: "The workspaces that are read, one after the other. Left out, it is that of " +
		"`customerio` itself, whose name is `\"\"`. Each needs an App key.", Example: "[shop_eu, shop_us]"},
	"reports.schedule": {Meaning: "When: `daily at HH:MM in ZONE`, or five fields of cron, in UTC or behind " +
		"`CRON_TZ=ZONE`.", Example: `"0 6 * * 1-5"`, Default: "daily at 06:00 in America/Los_Angeles"},
	"reports.params": {Meaning: "What of it. Each type knows some of these keys."},
	"reports.to": {Meaning: "Where its rows go: exactly one of `topic`, `subject` and `file`, which the source does " +
		"not read.", Required: true},

	"params.segments": {Meaning: "Segments, by their names or ids.", Example: `["Email Activity - Sent", 7]`},
	"params.members":  {Meaning: "Also who is in the segments.", Example: "true"},
	"params.filter": {Meaning: "Which people, as the JSON of a filter of the App API.",
		Example: `'{"attribute":{"field":"plan","operator":"exists"}}'`},
	"params.attributes": {Meaning: "Which attributes. Left out, all.", Example: "[email, plan]"},
	"params.metric_type": {Meaning: "Of which messages: `email`, `webhook`, `twilio` (SMS), `urban_airship`, " +
		"`slack`, `push`, `whatsapp`, `in_app`, `inbox` or `live_notification`. Left out, all.", Example: "email"},
	"params.period": {Meaning: "How long each bucket is: `hours`, `days`, `weeks` or `months`.", Example: "weeks",
		Default: "days"},
	"params.steps": {Meaning: "How many buckets: at most 24 hours, 45 days, 12 weeks or 121 months. Left out, what " +
		"the API takes for it.", Example: "12"},
	"params.links":        {Meaning: "Also the clicks of each link.", Example: "true"},
	"params.unique_links": {Meaning: "A person counts once for a link.", Example: "true"},
	"params.resolution": {Meaning: "The newer form of campaigns, by start and end: `hourly`, `daily`, `weekly` or " +
		"`monthly`.", Example: "daily"},
	"params.since": {Meaning: "How far back it goes.", Example: "48h"},
	"params.of": {Meaning: "Of which deliveries are exported, by the id of one newsletter, campaign, action or " +
		"transactional message.", Example: "{campaign: 7}"},
	"params.of.": {Meaning: "The id. The key is `newsletter`, `campaign`, `action` or `transactional`.",
		Example: `"7"`},
	"params.metric": {Meaning: "Only deliveries that had this.", Example: "bounced"},
	"params.drafts": {Meaning: "Drafts instead of what was sent.", Example: "true"},
	"params.activities": {Meaning: "Types of activities. Left out, those of updates that failed or were skipped.",
		Example: "[failed_event]"},

	"to.topic": {Meaning: "A Kafka topic, which must exist and must not be compacted.",
		Example: "customerio.reports"},
	"to.subject": {Meaning: "What the NATS subjects of the events begin with. The type follows: " +
		"`customerio.reports.campaigns`. A stream must keep them that is not read.", Example: "customerio.reports"},
	"to.file": {Meaning: "A file to which rows are appended, or `-` for standard output.",
		Example: "/var/lib/ciobridge/campaigns.ndjson"},
	"to.format": {Meaning: "How a file is written: `ndjson` or `csv`.", Example: "csv", Default: "ndjson"},

	"report_state": {Meaning: "Where it is noted which rows of reports were published: one of `topic`, `bucket` and " +
		"`file`. Left out, it is beside the dead letters: the topic `TOPIC.reports`, the bucket `SUBJECT_reports`, " +
		"or `reports.jsonl` in the folder of an embedded server. Without `reports` it is not used."},
	"report_state.topic": {Meaning: "A Kafka topic with `cleanup.policy=compact`.", Example: "ciobridge.reports"},
	"report_state.bucket": {Meaning: "A key-value bucket of JetStream. It is made where there is none.",
		Example: "ciobridge_reports"},
	"report_state.file": {Meaning: "A local file of JSON lines, for a bridge that is alone.",
		Example: "/var/lib/ciobridge/reports.jsonl"},
	"report_state.create": {Meaning: "Makes a missing topic at the start, as does `dead_letters.create`.",
		Example: "true"},
	"report_state.replicas": {Meaning: "Replicas of a topic or bucket that is made. Left out, it is " +
		"`dead_letters.replicas`.", Example: "3"},
}
