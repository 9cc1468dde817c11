// Package customerio holds the facts of Customer.io that the bridge needs: its hosts by region, credentials, the
// operations and how each is written, its limits, one HTTP exchange with it, and what an answer means.
//
// It owns no policy: when to send, how fast, when to try again and what becomes of a refused call are decided
// elsewhere. It starts no goroutines of its own. Texts that Customer.io sends are never kept, because they may quote
// personal data.
package customerio
