package config

import "github.com/ciobridge/ciobridge/internal/yamltree"

// keptMeanings are those of what the bridge keeps: dead letters, and notes of what was sent and of who was erased.
var keptMeanings = map[string]yamltree.Row{
	"dead_letters": {Meaning: "Where dead letters are kept, and when there are too many: exactly one of `topic`, " +
		"`subject` and `file`.", Required: true},
	"dead_letters.topic": {Meaning: "A Kafka topic.", Example: "ciobridge.dead"},
	"dead_letters.subject": {Meaning: "A NATS subject without wildcards, kept by a stream.",
		Example: "ciobridge.dead"},
	"dead_letters.stream": {Meaning: "The stream that must keep the subject. Left out, it is whichever does.",
		Example: "DEAD"},
	"dead_letters.file": {Meaning: "A local file of JSON lines.", Example: "/var/lib/ciobridge/dead.jsonl"},
	"dead_letters.create": {Meaning: "Makes a missing topic or stream at the start. A file is always made.",
		Example: "true"},
	"dead_letters.partitions": {Meaning: "Partitions of a topic that is made. Left out, the broker decides.",
		Example: "12"},
	"dead_letters.replicas": {Meaning: "Replicas of a topic or stream that is made. Left out, the broker decides.",
		Example: "3"},
	"dead_letters.retention": {Meaning: "How long a topic or stream that is made keeps letters, which hold " +
		"personal data.", Example: "336h"},
	"dead_letters.max_bytes": {Meaning: "The largest record that is stored whole. A larger one is truncated and " +
		"flagged. Of a file the default is 16000000.", Unit: "bytes", Example: "500000"},
	"dead_letters.timeout": {Meaning: "Bounds one attempt to store.", Example: "20s"},
	"dead_letters.keys_file": {Meaning: "A file of keys under which what letters hold of their events is sealed, and " +
		"opened when they are read: lines of an id, a blank, and 32 bytes in base64. The first key seals, all open.",
		Example: "/run/secrets/letter-keys"},
	"dead_letters.stop_share": {Meaning: "Stops a rule when more than this share (0 to 1) of its last 256 " +
		"results failed. 0 never stops it.", Example: "0.2"},
	"dead_letters.count_every": {Meaning: "How often the log of letters is read to count the open ones, at most: " +
		"what takes long is done less often. 0 turns it off, and the metric with it.", Example: "10m"},

	"new_people": {Meaning: "Stops the rule that names most, when all rules together name more people in some time " +
		"whom the bridge has not met since its start. Rules have the same key for themselves."},
	"new_people.limit": {Meaning: "How many people may be new. Left out, any number.", Example: "10000"},
	"new_people.per":   {Meaning: "In how much time. 1h unless set.", Example: "24h"},

	"ledger": {Meaning: "Where calls that would count twice are noted, before and after they are sent: one of " +
		"`topic`, `bucket` and `file`. Left out, it is beside the dead letters: the topic `TOPIC.ledger`, the bucket " +
		"`SUBJECT_ledger`, or `ledger.jsonl` in the folder of an embedded server. Only rules that need it use it."},
	"ledger.topic": {Meaning: "A Kafka topic, of which the first partition is used.", Example: "ciobridge.ledger"},
	"ledger.bucket": {Meaning: "A key-value bucket of JetStream. It is made where there is none.",
		Example: "ciobridge_ledger"},
	"ledger.file": {Meaning: "A local file of JSON lines. No replica on another machine sees it.",
		Example: "/var/lib/ciobridge/ledger.jsonl"},
	"ledger.create": {Meaning: "Makes a missing topic at the start, as does `dead_letters.create`.", Example: "true"},
	"ledger.replicas": {Meaning: "Replicas of a topic or bucket that is made. Left out, it is " +
		"`dead_letters.replicas`.", Example: "3"},
	"ledger.retention": {Meaning: "How long a record is kept. A call of an older event of which nothing is known " +
		"is a dead letter `send_uncertain`.", Example: "1440h"},
	"ledger.max_records": {Meaning: "Bounds the records of a topic or a file that are held in memory, at about 100 " +
		"bytes each. Past it the calls of the oldest events are forgotten first.", Example: "200000"},
	"ledger.timeout": {Meaning: "Bounds one attempt to read or write.", Example: "2s"},
}
