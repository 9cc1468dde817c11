package source

import "strings"

// LedgerName names the place of a send ledger beside another one: its name, with a dash for what is neither a letter, a
// digit nor among others, and the ending.
func LedgerName(beside, others, ending string) string {
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune(others, r) {
			return r
		}
		return '-'
	}, beside)
	return name[:min(len(name), 200)] + ending
}
