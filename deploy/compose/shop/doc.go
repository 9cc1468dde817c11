// Command shop is the sample shop of docker-compose.yml: it makes the topics and streams of the two brokers, and
// publishes the events that config/rules has rules for. It is no part of the bridge.
//
// The brokers are named by the environment variables KAFKA (host:port) and NATS (a URL).
package main
