package config

import "github.com/ciobridge/ciobridge/internal/yamltree"

// webhookMeanings are the meanings of the keys of webhooks.
var webhookMeanings = map[string]yamltree.Row{
	"webhooks": {Meaning: "Takes Customer.io's reporting webhooks and publishes each as a CloudEvent beside the " +
		"events that are read. See [webhooks.md](webhooks.md)."},
	"webhooks.listen": {Meaning: "The address of the server for webhooks. Left out, there are none.",
		Example: `":8443"`},
	"webhooks.path": {Meaning: "The path of the URL that is given to Customer.io.", Example: "/webhooks/customerio"},
	"webhooks.tls": {Meaning: "The server's own certificate. Left out, a proxy with TLS must stand in front: " +
		"webhooks hold personal data."},
	"webhooks.tls.cert_file": {Meaning: "A file with the certificate and those that it descends from, in PEM. It is " +
		"read again at each connection.", Example: "/run/secrets/tls.crt", Required: true},
	"webhooks.tls.key_file": {Meaning: "A file with the certificate's key, in PEM.",
		Example: "/run/secrets/tls.key", Required: true},
	"webhooks.signing_keys": {Meaning: "The keys by which Customer.io signs. Give the old one and the new one while " +
		"a key is changed, and one for each workspace that sends.", Required: true},
	"webhooks.signing_keys.file":      {Meaning: "A file with the key.", Example: "/run/secrets/webhook_key"},
	"webhooks.signing_keys.env":       {Meaning: "The environment variable with the key.", Example: "CIO_WEBHOOK_KEY"},
	"webhooks.signing_keys.workspace": {Meaning: "The workspace that signs with it.", Example: "shop_us"},
	"webhooks.topic": {Meaning: "The Kafka topic of the events. It must exist, must not be compacted, and must " +
		"not be one that is read.",
		Example: "customerio.webhooks"},
	"webhooks.subject": {Meaning: "What the NATS subjects of the events begin with. The object and the metric " +
		"follow: `customerio.webhooks.email.bounced`. A stream must keep them that is not read.",
		Example: "customerio.webhooks"},
	"webhooks.max_age": {Meaning: "How far the time of a signature may be from now, in the past and in the future.",
		Example: "10m"},
}
