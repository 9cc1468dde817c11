package pseudonym

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"strings"
	"time"
	"unicode"
)

// tries is how often another value is made up where one is taken, before it is made longer.
const tries = 20

// unique makes a value up for another one, which is always the same and never that of a different value.
func (r *Replacer) unique(kind, value string, make func(*rand.Rand) string) string {
	source := kind + "\x00" + value
	if known, ok := r.made[source]; ok {
		return known
	}
	for i := range 10 * tries {
		from := r.random(source, i)
		fake := make(from)
		if i >= tries { // there are not enough values of this shape
			fake += scramble(from, strings.Repeat("0", 1+i/tries), false)[1:] + string(rune('1'+from.IntN(9)))
		}
		if fake != value && !r.taken[fake] {
			r.taken[fake] = true
			r.made[source] = fake
			return fake
		}
	}
	r.made[source] = strings.Repeat("x", len(value)) // so small a space was never seen
	return r.made[source]
}

// random gives numbers that nobody can tell without the key.
func (r *Replacer) random(source string, try int) *rand.Rand {
	h := hmac.New(sha256.New, r.key[:])
	h.Write([]byte(source))
	var seed [32]byte
	_ = binary.Write(h, binary.BigEndian, int64(try))
	h.Sum(seed[:0])
	return rand.New(rand.NewChaCha8(seed))
}

// scramble replaces letters by letters and digits by digits. A zero that begins a number stays, and no other digit that
// does becomes one. Hexadecimal text stays that.
func scramble(from *rand.Rand, s string, hex bool) string {
	letters, inNumber := 26, false
	if hex {
		letters = 6
	}
	return strings.Map(func(c rune) rune {
		digit := c >= '0' && c <= '9'
		first := digit && !inNumber
		inNumber = digit
		switch {
		case first && c == '0':
			return c
		case first && !hex:
			return rune('1' + from.IntN(9))
		case digit:
			return rune('0' + from.IntN(10))
		case unicode.IsUpper(c):
			return rune('A' + from.IntN(letters))
		case unicode.IsLetter(c):
			return rune('a' + from.IntN(letters))
		}
		return c
	}, s)
}

// isHex reports whether a text is a number in hexadecimal, such as a UUID.
func isHex(s string) bool {
	digits, letters := 0, 0
	for _, c := range s {
		switch {
		case c >= '0' && c <= '9':
			digits++
		case c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F':
			letters++
		case c != '-':
			return false
		}
	}
	return digits > 1 && letters > 1 && digits+letters >= 8
}

// whole makes a value up for one that is personal as a whole.
func (r *Replacer) whole(s string) string {
	trimmed := strings.TrimSpace(s)
	switch {
	case trimmed == "":
		return s
	case strings.Contains(s, "@"):
		if replaced := mail.ReplaceAllStringFunc(s, r.mail); replaced != s {
			return replaced
		}
	}
	if addr, err := netip.ParseAddr(trimmed); err == nil {
		return r.ip(addr)
	}
	if date := r.date(trimmed); date != "" {
		return date
	}
	if strings.HasPrefix(trimmed, "+") {
		return r.phone(trimmed)
	}
	words := strings.Split(s, " ")
	for i, word := range words {
		if word != "" {
			words[i] = r.word(word)
		}
	}
	return strings.Join(words, " ")
}

// word makes a word up, or a number in digits.
func (r *Replacer) word(s string) string {
	return r.unique("", s, func(from *rand.Rand) string { return scramble(from, s, isHex(s)) })
}

// mail keeps the case of letters, which means nothing in most addresses, and the parts of the domain but the last.
func (r *Replacer) mail(s string) string {
	local, domain, _ := strings.Cut(s, "@")
	small := strings.ToLower(local)
	small = r.unique("mail", small, func(from *rand.Rand) string { return scramble(from, small, false) })
	fake := []byte(small)
	for i := range min(len(fake), len(local)) {
		if local[i] >= 'A' && local[i] <= 'Z' {
			fake[i] = []byte(strings.ToUpper(small[i : i+1]))[0]
		}
	}
	domain = strings.ToLower(domain)
	domain = domain[:strings.LastIndexByte(domain, '.')]
	domain = r.unique("domain", domain, func(from *rand.Rand) string { return scramble(from, domain, false) })
	return string(fake) + "@" + domain + ".example"
}

// ip gives an address of those that nobody has on the internet.
func (r *Replacer) ip(addr netip.Addr) string {
	return r.unique("ip", addr.String(), func(from *rand.Rand) string {
		if addr.Is4() {
			number := from.Uint32()
			return netip.AddrFrom4([4]byte{10, byte(number >> 16), byte(number >> 8), byte(number)}).String()
		}
		fake := [16]byte{0x20, 0x01, 0x0d, 0xb8}
		binary.BigEndian.PutUint64(fake[8:], from.Uint64())
		return netip.AddrFrom16(fake).String()
	})
}

// phone keeps what stands between digits. No country has 999.
func (r *Replacer) phone(s string) string {
	return r.unique("phone", s, func(from *rand.Rand) string {
		n := 0
		return strings.Map(func(c rune) rune {
			if c < '0' || c > '9' {
				return c
			}
			if n++; n <= 3 {
				return '9'
			}
			return rune('0' + from.IntN(10))
		}, s)
	})
}

// layouts are those of dates and times that are made up anew.
var layouts = []string{"2006-01-02", time.RFC3339, time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02 15:04:05",
	"02.01.2006", "01/02/2006", "20060102"}

// date gives another day in the same form, or nothing for what is no date.
func (r *Replacer) date(s string) string {
	for _, layout := range layouts {
		at, err := time.Parse(layout, s)
		if err != nil || at.Year() < 1900 || at.Year() > 2100 {
			continue
		}
		return r.unique("date", s, func(from *rand.Rand) string {
			day := time.Date(1940, 1, 1, at.Hour(), at.Minute(), at.Second(), at.Nanosecond(), at.Location())
			return day.AddDate(0, 0, from.IntN(60*365)).Format(layout)
		})
	}
	return ""
}
