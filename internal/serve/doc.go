// Package serve runs an HTTP server until a context ends, and finds ports of this machine to listen on.
package serve
