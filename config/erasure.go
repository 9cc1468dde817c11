package config

import (
	"github.com/ciobridge/ciobridge/internal/yamltree"
	"github.com/ciobridge/ciobridge/mapping"
)

// erasureMeanings are the meanings of the keys of erasure, and of those that say what becomes of events that come late.
var erasureMeanings = map[string]yamltree.Row{
	"landing_probe": {Meaning: "Asks Customer.io's activity log for calls that were taken and had no effect. Needs " +
		"an App key."},
	"landing_probe.every": {Meaning: "The time between two looks, 10 s or more. `0s` turns it off.", Example: "5m",
		Default: "0s"},

	"too_late": {Meaning: "What becomes of calls of track, pageview and screen whose events are too old to trigger " +
		"anything, and of messages and broadcasts for them. A replay sends them."},
	"too_late.after": {Meaning: "From which age on. Customer.io starts no campaign for what is older than 72 h.",
		Example: "24h", Default: "72h"},
	"too_late.then": {Meaning: "Whether they are sent and counted, left out and counted, or dead letters.",
		Example: "skip", Choices: words(mapping.Send, mapping.Skip, mapping.DeadLetter), Default: "send"},

	"erasure": {Meaning: "Keeps persons erased: what is earlier than a delete or suppress is not sent any more, " +
		"wherever it comes from. Exactly one of `topic`, `bucket` and `file` says where that is remembered."},
	"erasure.key_file": {Meaning: "A file with the key under which identifiers are digested: 16 characters or more, " +
		"which never change. Either this or `key_env` is required. Dead letters carry digests under it, by which " +
		"those of a person are found.", Example: "/run/secrets/erasure_key"},
	"erasure.key_env": {Meaning: "The environment variable with the key.", Example: "CIO_ERASURE_KEY"},
	"erasure.fences": {Meaning: "`false` keeps no fences: the key is for the digests in dead letters alone.",
		Example: "false"},
	"erasure.topic": {Meaning: "A Kafka topic with `cleanup.policy=compact`.",
		Example: "ciobridge.erasures"},
	"erasure.bucket": {Meaning: "A key-value bucket of JetStream without a time to live. It is made where it is " +
		"missing.", Example: "ciobridge-erasures"},
	"erasure.file": {Meaning: "A local file, for a bridge that is alone.",
		Example: "/var/lib/ciobridge/erased.jsonl"},
	"erasure.create": {Meaning: "Makes a missing topic at the start.", Example: "true"},
	"erasure.replicas": {Meaning: "Replicas of a topic or bucket that is made. Left out, the broker decides.",
		Example: "3"},
	"erasure.settle": {Meaning: "How long a delete or suppress waits for requests that other replicas and replays " +
		"have on the wire.", Example: "30s"},
	"erasure.clock_skew": {Meaning: "By how much later an event of another topic or partition must be than an " +
		"erasure to count as later.", Example: "5m"},
	"erasure.purge_letters": {Meaning: "Removes the dead letters of whoever is erased, a minute later. A topic of " +
		"Kafka has to let the bridge delete records.", Example: "true"},
	"erasure.report_topic": {Meaning: "A Kafka topic that gets an event for each erasure that was accepted.",
		Example: "privacy.erased"},
	"erasure.report_subject": {Meaning: "A NATS subject that gets it. A stream has to keep it.",
		Example: "privacy.erased"},
}
