package source

import "strings"

// PlaceBeside names a place beside another one, such as that of the send ledger: its name, with a dash for what is
// neither a letter, a digit nor among others, and the ending.
func PlaceBeside(beside, others, ending string) string {
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune(others, r) {
			return r
		}
		return '-'
	}, beside)
	return name[:min(len(name), 200)] + ending
}
