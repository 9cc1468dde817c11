// Package chromiumtest opens pages in a headless Chromium, so that tests see what a person sees. It speaks the DevTools
// protocol over a pipe and needs nothing but the program, which Debian's package chromium has.
//
// A Page belongs to one test and is used from one goroutine; the browser ends with the test. Begin with Open.
package chromiumtest
