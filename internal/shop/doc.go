// Package shop makes up the events of a small shop, for the demo and for tests that want traffic that looks real. The
// rules of package config have rules for them.
package shop
