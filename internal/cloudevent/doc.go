// Package cloudevent writes what ciobridge itself publishes as CloudEvents 1.0, in JSON and in structured mode
// (https://github.com/cloudevents/spec). The headers repeat the attributes, as the bindings for Kafka and NATS allow,
// so that a consumer can choose among events without decoding them.
//
// It holds no state. Begin with Event.
package cloudevent
