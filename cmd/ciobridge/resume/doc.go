// Package resume is the command that tells a running bridge to go on with what has stopped. It asks the bridge's admin
// server, which takes such an order from its own machine alone. Begin with New.
package resume
