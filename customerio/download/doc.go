// Package download fetches files to which Customer.io gives an address, such as those of exports. They lie on another
// host, which is asked without any key, and they may be large: a file is read while it comes.
//
// A file starts no goroutine that it does not end with its Close; it has no lock. Begin reading with Fetch.
package download
