// Package resume is the order to go on with what has stopped, as a running bridge takes it over HTTP: how it is
// written, and from whom it is taken. Begin with Handler.
package resume
