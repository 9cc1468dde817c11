// Package kafkafronttest stands before an in-memory Kafka that knows passwords only, and asks for tokens (OAUTHBEARER).
//
// A [Front] gives kfake its listeners. It answers SASL itself, hands over what comes on a connection that has shown a
// good token, and closes one whose session has ended, as a broker does. It starts no goroutine: kfake's reads run it.
package kafkafronttest
