// Package jetstream reads streams of NATS JetStream, and hands their messages over under a lease.
package jetstream
