// Package serve runs an HTTP server until a context ends.
package serve
