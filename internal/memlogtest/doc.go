// Package memlogtest is a broker in memory for tests: partitions of messages, a committable offset for each, and
// generations that end when a test says so. It keeps the contract of a source and nothing more, works in virtual
// time, and is not part of the product.
package memlogtest
