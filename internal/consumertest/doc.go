// Package consumertest holds a source of messages to what every source promises, and reads sources in tests.
package consumertest
