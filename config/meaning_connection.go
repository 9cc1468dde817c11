package config

import "github.com/ciobridge/ciobridge/internal/yamltree"

// connectionMeanings describe how a broker is connected to, and as whom.
var connectionMeanings = map[string]yamltree.Row{
	"kafka.tls":  {Meaning: "Encrypts connections. `{}` means TLS with the system's certificate authorities."},
	"kafka.sasl": {Meaning: "For clusters that ask who is there."},
	"sasl.mechanism": {Meaning: "How the cluster is told who is there.", Example: "scram-sha-512",
		Choices:  []string{"plain", "scram-sha-256", "scram-sha-512", "oauthbearer", "aws-msk-iam"},
		Required: true},
	"sasl.username": {Meaning: "The user's name, for plain and scram.", Example: "ciobridge"},
	"sasl.password": {Meaning: "Where the password is read, for plain and scram.",
		Example: "{file: /run/secrets/kafka}"},
	"sasl.token": {Meaning: "Where a token is read, for oauthbearer. Something else renews it; it is read again for " +
		"each connection and before a session ends.", Example: "{file: /run/secrets/kafka-token}"},
	"sasl.token_endpoint": {Meaning: "Where a token is asked for, for oauthbearer, with the client's own credentials " +
		"(OAuth 2 client credentials)."},
	"token_endpoint.url": {Meaning: "The address of the endpoint.",
		Example: "https://login.example.com/oauth2/token", Required: true},
	"token_endpoint.client_id": {Meaning: "The client's name.", Example: "ciobridge", Required: true},
	"token_endpoint.client_secret": {Meaning: "Where the client's secret is read.",
		Example: "{file: /run/secrets/kafka-client}", Required: true},
	"token_endpoint.scope":    {Meaning: "What the token is for, where the endpoint asks.", Example: "kafka"},
	"token_endpoint.audience": {Meaning: "Whom the token is for, where the endpoint asks.", Example: "kafka"},
	"token_endpoint.tls": {Meaning: "Whom to trust at the endpoint. Left out, it is the system's certificate " +
		"authorities."},
	"sasl.extensions": {Meaning: "What is told to the broker beside the token, for oauthbearer, such as the names " +
		"that a hosted cluster asks for.", Example: "{logicalCluster: lkc-abc123, identityPoolId: pool-4a}"},
	"sasl.extensions.": {Meaning: "The value of one.", Example: "lkc-abc123"},
	"sasl.aws": {Meaning: "For aws-msk-iam. What is left out is taken from where all programs of AWS look: the " +
		"environment, the shared files, a web identity, the container, the machine."},
	"aws.region":      {Meaning: "The cluster's region.", Example: "eu-west-1"},
	"aws.profile":     {Meaning: "A profile of the shared files.", Example: "bus"},
	"aws.role_arn":    {Meaning: "A role that is assumed.", Example: "arn:aws:iam::123456789012:role/ciobridge"},
	"aws.external_id": {Meaning: "What the role asks for beside the credentials.", Example: "crm-4711"},
	"kafka.allow_plaintext": {Meaning: "Permits that a password or a token is sent over a connection without TLS.",
		Example: "true"},

	"nats.tls": {Meaning: "Encrypts the connection. A `tls://` address does so with the system's certificate " +
		"authorities."},
	"nats.creds_file": {Meaning: "A file of a user's JWT and seed, as nsc and most hosted services give them out.",
		Example: "/run/secrets/nats.creds"},
	"nats.nkey_file": {Meaning: "A file that holds the seed of a user's nkey.", Example: "/run/secrets/nats.nk"},
	"nats.user":      {Meaning: "The user's name.", Example: "ciobridge"},
	"nats.password":  {Meaning: "Where the user's password is read.", Example: "{file: /run/secrets/nats}"},
	"nats.token":     {Meaning: "Where a token is read, in place of a user's name.", Example: "{env: NATS_TOKEN}"},
	"nats.domain": {Meaning: "The JetStream domain that has the streams, where it is another than the server's own, " +
		"such as across a leaf node.", Example: "hub"},
	"nats.api_prefix": {Meaning: "What JetStream's subjects begin with in an account that imports them from another, " +
		"in place of `$JS.API`.", Example: "JS.hub.API"},
	"nats.allow_plaintext": {Meaning: "Permits that a password or a token is sent over a connection without TLS.",
		Example: "true"},
}
