package config

import (
	"maps"
	"strings"

	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/internal/yamltree"
	"github.com/ciobridge/ciobridge/mapping"
)

// described is what the table says of a key of the configuration. A section that stands in several places, such as tls,
// is described once, by the end of its path. An embedded server is read as any other, and a workspace with a name as
// the one without.
func described(path string) yamltree.Row {
	for end := path; ; {
		tables := []map[string]yamltree.Row{
			meanings, connectionMeanings, erasureMeanings, webhookMeanings, reportMeanings,
		}
		for _, table := range tables {
			if row, ok := table[end]; ok {
				return row
			}
		}
		_, rest, _ := strings.Cut(end, ".")
		if !strings.Contains(rest, ".") { // one key alone would also be that of another section
			break
		}
		end = rest
	}
	if key, ok := strings.CutPrefix(path, "customerio.workspaces.."); ok {
		return described("customerio." + key)
	}
	if key, ok := strings.CutPrefix(path, "source.embedded."); ok {
		return described("source.nats." + key)
	}
	return yamltree.Row{}
}

// meanings say of each key what it means, its unit, an example, and the words that may stand there. Defaults are those
// of Default but for the few that are words for nothing. What stands in rules, topics and envelopes is described by
// package rulefile.
var meanings = merged(keptMeanings, map[string]yamltree.Row{
	"source":          {Meaning: "Where events come from: exactly one of the kinds.", Required: true},
	"source.kafka":    {Meaning: "Topics of a Kafka cluster."},
	"source.nats":     {Meaning: "Streams of a NATS server or cluster with JetStream."},
	"source.embedded": {Meaning: "Streams of a NATS server inside the process."},
	"source.lines": {Meaning: "The lines of a file or of standard input, an event each. The bridge ends at their " +
		"end. See [history.md](history.md#files-and-standard-input)."},
	"lines.path": {Meaning: "The file, or `-` for standard input. One whose name ends in `.gz` is unpacked.",
		Example: "events.ndjson", Required: true},
	"lines.name": {Meaning: "Stands where other sources have the name of a topic, also in the identity of events " +
		"that have no id of their own. Left out, it is the name of the file without its folder, or `stdin`.",
		Example: "web.events"},
	"lines.envelope": {Meaning: "Where an event's type, time and identity stand: a form with a name, or a map.",
		Example: "cloudevents", Choices: mapping.EnvelopeForms(), Default: "plain"},
	"lines.on_null": {Meaning: "What becomes of a line that holds an event of nothing, such as a removal. With " +
		"Debezium it is skipped where nothing is said.", Example: "skip",
		Choices: words(mapping.Skip, mapping.DeadLetter, mapping.AsEvent), Default: string(mapping.DeadLetter)},

	"kafka.brokers": {Meaning: "The addresses that are tried to find the cluster. Any one that answers is enough.",
		Example: "[kafka-0:9092, kafka-1:9092]", Required: true},
	"kafka.group": {Meaning: "The consumer group. Replicas that share the work have the same one.",
		Example: "ciobridge", Required: true},
	"kafka.start_at": {Meaning: "Where reading begins on a partition for which the group has committed nothing: " +
		"`earliest`, `latest`, or a time with its zone, written as events may write theirs.",
		Example: "earliest", Required: true},
	"kafka.on_gap": {Meaning: "What happens where retention has taken what was not read: stop until an operator " +
		"decides, or skip it and count what is lost.", Example: "skip", Choices: gaps},
	"kafka.session_timeout": {Meaning: "How long a replica may be silent before the others take over its " +
		"partitions.", Example: "30s"},
	"kafka.rebalance_timeout": {Meaning: "How long replicas have to give up their partitions when one comes or " +
		"goes.", Example: "1m"},
	"kafka.drain_limit": {Meaning: "How long messages in flight may take to be finished at a rebalance or at " +
		"shutdown.", Example: "10s"},
	"kafka.max_uncommitted": {Meaning: "How many messages of one partition may be in flight past the oldest " +
		"unfinished one, and with it how many come again after a crash.", Example: "5000"},
	"kafka.fetch_bytes": {Meaning: "Bounds the memory for what is fetched and not finished, over all partitions.",
		Unit: "bytes", Example: "37748736"},
	"kafka.max_batch_bytes": {Meaning: "Bounds one batch of records as a producer wrote it, packed and unpacked. " +
		"A partition with a larger one stops there.", Unit: "bytes", Example: "8388608"},
	"kafka.topics": {Meaning: "The topics that are read: names, or maps.",
		Example: "[web.events, {name: shop.orders}]", Required: true},

	"nats.urls": {Meaning: "The servers. The first that answers names the others of its cluster.",
		Example: "[nats://nats-0:4222]", Required: true},
	"nats.durable": {Meaning: "The name of the consumer on every stream. Of the replicas that have the same, one " +
		"reads a stream, and the others are on standby.", Example: "customerio"},
	"nats.start_at": {Meaning: "Where reading begins on a stream that has no consumer of that name yet: " +
		"`earliest`, `latest`, or a time with its zone, written as events may write theirs.",
		Example: "latest", Required: true},
	"nats.on_gap": {Meaning: "What happens where a stream that is read whole has discarded what was not read: " +
		"stop until an operator decides, or skip it and count what is lost.", Example: "skip", Choices: gaps},
	"nats.session_timeout": {Meaning: "How long a replica may be silent before another takes its streams over.",
		Example: "30s"},
	"nats.drain_limit": {Meaning: "How long messages in flight may take to be finished at shutdown.",
		Example: "10s"},
	"nats.max_uncommitted": {Meaning: "How many messages of a stream may be read past the oldest unfinished one, " +
		"and with it how many come again after a crash.", Example: "5000"},
	"nats.fetch_bytes": {Meaning: "Bounds the memory for what is fetched and not finished, over all streams.",
		Unit: "bytes", Example: "37748736"},
	"nats.commit_interval": {Meaning: "How long what is finished may wait until it is stored and acked. Under " +
		"load it waits less.", Example: "1s"},
	"nats.streams": {Meaning: "The streams that are read.", Example: "[{name: EVENTS}]", Required: true},
	"embedded.streams": {Meaning: "The streams that the server keeps, for a week, and that are read. Left out, it " +
		"is one named EVENTS with the subjects `events.>`.", Example: "[{name: EVENTS, subjects: [events.>]}]"},
	"streams.name": {Meaning: "The name of the stream.", Example: "EVENTS", Required: true},
	"streams.subjects": {Meaning: "Narrows what is read, with the wildcards of NATS; of an embedded server, what " +
		"the stream keeps.", Example: "[events.>]"},
	"streams.partitions": {Meaning: "Divide the stream by subject among replicas: the subjects of each, one or a " +
		"list.", Example: "[events.0.>, [events.1.>, events.2.>]]"},
	"streams.envelope": {Meaning: "Where an event's type, time and identity stand: a form with a name, or a map.",
		Example: "cloudevents", Choices: mapping.EnvelopeForms(), Default: "plain"},
	"streams.content": {Meaning: "The form of the values. All but json need schema_registry.", Example: "avro",
		Choices: mapping.Contents(), Default: "json"},
	"streams.on_null": {Meaning: "What becomes of a record that holds nothing, such as the removal of a key. With " +
		"Debezium it is skipped where nothing is said.", Example: "event",
		Choices: words(mapping.Skip, mapping.DeadLetter, mapping.AsEvent), Default: string(mapping.DeadLetter)},
	"embedded.dir": {Meaning: "The folder that holds the streams. It belongs to one process at a time.",
		Example: "/var/lib/ciobridge", Required: true},
	"embedded.listen": {Meaning: "The address for publishers, on loopback because the server asks for no " +
		"credentials.", Example: "127.0.0.1:0", Default: "127.0.0.1:4222"},

	"tls.ca_file": {Meaning: "Certificates (PEM) from which the server's has to descend, in place of the " +
		"system's.", Example: "/etc/ciobridge/ca.pem"},
	"tls.cert_file": {Meaning: "The client's own certificate (PEM), read at every handshake.",
		Example: "/etc/ciobridge/tls.crt"},
	"tls.key_file": {Meaning: "The key (PEM) of the client's own certificate.", Example: "/etc/ciobridge/tls.key"},
	"tls.server_name": {Meaning: "The name that the server's certificate must carry, if not the host of the " +
		"address.", Example: "kafka.internal"},

	"customerio": {Meaning: "The workspace that receives the calls.", Required: true},
	"customerio.workspaces": {Meaning: "Further workspaces, by the names under which rules send to them. The one of " +
		"`customerio` itself has none."},
	"customerio.workspaces.": {Meaning: "A workspace. The name is letters, digits, `_`, `-` and `.`, of which the " +
		"first is a letter."},
	"customerio.region": {Meaning: "The region of the workspace, as its settings show it. It is proven before the " +
		"first event is read.", Example: "eu", Choices: []string{"us", "eu"}, Required: true},
	"customerio.site_id_file": {Meaning: "A file with the site id. Either this or `site_id_env` is required.",
		Example: "/run/secrets/site_id"},
	"customerio.site_id_env": {Meaning: "The environment variable with the site id.", Example: "CIO_SITE_ID"},
	"customerio.api_key_file": {Meaning: "A file with the Track API key. Either this or `api_key_env` is " +
		"required.", Example: "/run/secrets/api_key"},
	"customerio.api_key_env": {Meaning: "The environment variable with the Track API key.", Example: "CIO_API_KEY"},
	"customerio.app_key_file": {Meaning: "A file with an App API key, for what goes over App or Beta. It is proven " +
		"at the start where a rule uses it.", Example: "/run/secrets/app_key"},
	"customerio.app_key_env": {Meaning: "The environment variable with the App API key.", Example: "CIO_APP_KEY"},
	"customerio.write_key_file": {Meaning: "A file with a write key of Pipelines, for what goes over that API.",
		Example: "/run/secrets/write_key"},
	"customerio.write_key_env": {Meaning: "The environment variable with the write key.",
		Example: "CIO_WRITE_KEY"},
	"customerio.url": {Meaning: "Where requests go instead of the region's own hosts: the emulator, or a gateway. " +
		"Plain http is for private hosts.", Example: "http://127.0.0.1:8090"},
	"customerio.proxy": {Meaning: "The URL of an HTTP proxy, without credentials.", Example: "http://proxy:3128"},
	"customerio.allow": {Meaning: "Destructive actions that rules may use.", Example: "[delete]",
		Choices: customerio.DestructiveActions()},
	"customerio.reserved_ids": {Meaning: "Changes which identifiers are refused because they stand for no person."},
	"reserved_ids.add":        {Meaning: "Identifiers that are refused, too.", Example: "[test-user]"},
	"reserved_ids.allow":      {Meaning: "Identifiers that are taken although they are reserved.", Example: "['0']"},
	"customerio.requests_per_second": {Meaning: "The workspace's budget, shared by all replicas. A batch is one " +
		"request.", Example: "300"},
	"customerio.app_requests_per_second": {Meaning: "The budget of App and Beta, shared by all replicas.",
		Example: "5"},
	"customerio.transactional_requests_per_second": {Meaning: "The budget of transactional messages, shared by " +
		"all replicas.", Example: "50"},
	"customerio.pipelines_requests_per_second": {Meaning: "The budget of Pipelines, shared by all replicas.",
		Example: "500"},
	"customerio.broadcast_interval": {Meaning: "The time between two triggers of broadcasts.", Example: "30s"},
	"customerio.timeout": {Meaning: "Ends one exchange, from connecting to the last byte of the answer.",
		Example: "5s"},

	"delivery":             {Meaning: "How calls are sent."},
	"delivery.senders":     {Meaning: "How many requests may be on the wire at once.", Example: "32"},
	"delivery.batch_items": {Meaning: "Closes a batch at so many calls.", Example: "200"},
	"delivery.batch_bytes": {Meaning: "Closes a batch at so many bytes of body.", Unit: "bytes", Example: "250000"},
	"delivery.linger":      {Meaning: "How long the oldest call that is ready waits for company.", Example: "1s"},
	"delivery.order": {Meaning: "Whether the order inside a batch is trusted. `strict` sends calls that change a " +
		"person's state alone for that person in a request.", Example: "relaxed",
		Choices: []string{"strict", "relaxed"}},

	"schema_registry": {Meaning: "Has the schemas of topics and streams with `content: avro` or `protobuf`."},
	"schema_registry.url": {Meaning: "The address of Confluent's API. Apicurio has it below `/apis/ccompat/v7`.",
		Example: "https://registry:8081"},
	"schema_registry.username": {Meaning: "The user's name of HTTP's basic authentication.", Example: "ciobridge"},
	"schema_registry.password": {Meaning: "Where the user's password is read, with every request.",
		Example: "{file: /run/secrets/registry}"},
	"schema_registry.token": {Meaning: "Where a bearer token is read, in place of a user's name, with every " +
		"request.", Example: "{env: REGISTRY_TOKEN}"},
	"schema_registry.tls": {Meaning: "How the registry's certificate is verified."},

	"rules": {Meaning: "Rules that stand in the configuration itself.",
		Example: "[{name: order, event: order.placed, do: [{track: {person: .user_id, name: order_placed}}]}]"},
	"rules_from": {Meaning: "Files of rules, and files of functions in jq whose names end in `.jq`: paths or " +
		"globs, relative to the file that names them.", Example: "[rules/*.yaml, shared.jq]"},
	"on_unmatched": {Meaning: "What becomes of an event that no rule names.", Example: "dead_letter",
		Choices: words(mapping.Skip, mapping.DeadLetter), Default: string(mapping.Skip)},
	"on_invalid": {Meaning: "What becomes of a value that Customer.io would refuse or ignore, where neither the " +
		"step nor the field says it. What is required is a dead letter.", Example: "truncate",
		Choices: words(mapping.DeadLetter, mapping.LeaveOut, mapping.Truncate), Default: string(mapping.LeaveOut)},

	"admin":        {Meaning: "The HTTP server for health and metrics."},
	"admin.listen": {Meaning: "Its address. `\"\"` turns it off.", Example: `":8080"`},
	"admin.recent_outcomes": {Meaning: "How many of the last outcomes are kept in memory, for `ciobridge explain` " +
		"and `/outcomes`: calls that were accepted or refused, dead letters, and events that were skipped. 10,000 " +
		"take 2 MB. 0 keeps none.", Example: "10000"},
	"log": {Meaning: "What is logged, and how."},
	"log.level": {Meaning: "The least level that is logged.", Example: "debug",
		Choices: []string{"debug", "info", "warn", "error"}},
	"log.format": {Meaning: "How it is written.", Example: "console", Choices: []string{"json", "console"}},
})

var gaps = []string{"stop", "skip"}

func words(policies ...mapping.Policy) (out []string) {
	for _, p := range policies {
		out = append(out, string(p))
	}
	return out
}

// merged are all of several tables.
func merged(tables ...map[string]yamltree.Row) map[string]yamltree.Row {
	all := map[string]yamltree.Row{}
	for _, t := range tables {
		maps.Copy(all, t)
	}
	return all
}
