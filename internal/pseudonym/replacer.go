package pseudonym

import (
	"crypto/rand"
	"maps"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Options say what is personal beside what names and values tell. A path is the end of one, such as user_id or
// buyer.name, and * in it is any name.
type Options struct {
	Personal []string // what is below such a path is personal, too
	Keep     []string // what is not personal, whatever its name or its value
}

// Replacer replaces personal data. The zero Replacer cannot be used: New makes one.
type Replacer struct {
	key            [32]byte
	personal, keep []pattern
	made           map[string]string // by kind and original
	taken          map[string]bool
	known          map[string]bool // words that were personal somewhere
	learning       bool

	replaced, kept map[string]int
}

// New makes a Replacer with a random key.
func New(o Options) *Replacer {
	r := &Replacer{personal: patterns(o.Personal), keep: patterns(o.Keep), made: map[string]string{},
		taken: map[string]bool{}, known: map[string]bool{}, replaced: map[string]int{}, kept: map[string]int{}}
	rand.Read(r.key[:]) //nolint:errcheck // it never fails
	return r
}

// Learn looks for personal values without replacing them: where else they stand they are replaced, too.
func (r *Replacer) Learn(place string, value []byte) {
	r.learning = true
	r.Replace(place, value)
	r.learning = false
}

// Replace gives a text with made-up values: JSON stays JSON with its members in their order, and any other text is one
// value. Place is the path at which it stands.
func (r *Replacer) Replace(place string, value []byte) []byte {
	path := strings.Split(place, ".")
	if place == "" {
		path = nil
	}
	if text, ok := r.document(value, path); ok {
		return text
	}
	return []byte(r.text(string(value), path, false))
}

// Replaced tells how many values were replaced by the path at which they stood, and Kept how many texts were not.
func (r *Replacer) Replaced() map[string]int { return maps.Clone(r.replaced) }

// Kept tells how many texts were kept, by the path at which they stood.
func (r *Replacer) Kept() map[string]int { return maps.Clone(r.kept) }

// below reports whether all that stands below a path is personal, as the caller says.
func (r *Replacer) below(path []string, outer bool) bool {
	return (outer || ends(r.personal, path)) && !ends(r.keep, path)
}

// isPersonal reports whether the value at a path is personal by its name, or as the caller says.
func (r *Replacer) isPersonal(path []string, outer bool) bool {
	if ends(r.keep, path) {
		return false
	}
	return outer || ends(r.personal, path) || len(path) > 0 && personalName(path[len(path)-1])
}

// text replaces a text, or what in it is personal.
func (r *Replacer) text(s string, path []string, outer bool) string {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "?")
	}
	fake := s
	switch {
	case ends(r.keep, path):
	case r.isPersonal(path, outer):
		fake = r.whole(s)
		r.remember(s, path)
	case opaque(s):
		fake = r.word(s)
	default:
		fake = r.parts(s)
	}
	r.count(path, s, fake)
	return fake
}

// number replaces a number.
func (r *Replacer) number(s string, path []string, outer bool) string {
	if ends(r.keep, path) || !r.isPersonal(path, outer) && !r.known[s] {
		return s
	}
	digits := strings.TrimPrefix(s, "-")
	sign, exponent := s[:len(s)-len(digits)], ""
	if at := strings.IndexAny(digits, "eE"); at >= 0 {
		digits, exponent = digits[:at], digits[at:]
	}
	if digits == "0" {
		return s
	}
	fake := sign + r.word(digits) + exponent
	r.remember(s, path)
	r.count(path, s, fake)
	return fake
}

// remember has the words of a personal value replaced wherever they stand. Short ones are no sign of a person, unless
// they are names.
func (r *Replacer) remember(s string, path []string) {
	least := 5
	if len(path) > 0 && strings.HasSuffix(plain(path[len(path)-1]), "name") {
		least = 3
	}
	for word := range strings.FieldsSeq(s) {
		if utf8.RuneCountInString(word) >= least && !strings.Contains(word, "@") {
			r.known[word] = true
		}
	}
}

func (r *Replacer) count(path []string, s, fake string) {
	switch {
	case r.learning || s == "":
	case s != fake:
		r.replaced[r.name(path)]++
	default:
		r.kept[r.name(path)]++
	}
}

// name is a path as it is told. Names of members may be personal, too.
func (r *Replacer) name(path []string) string {
	told := slices.Clone(path)
	for i, name := range told {
		told[i] = r.parts(name)
	}
	return strings.Join(told, ".")
}

var (
	mail  = regexp.MustCompile(`[\pL\pN._%+'-]+@[\pL\pN-]+(\.[\pL\pN-]+)*\.\pL{2,}`)
	ipv4  = regexp.MustCompile(`\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}\b`)
	ipv6  = regexp.MustCompile(`[0-9A-Fa-f]*:[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*[0-9A-Fa-f]`)
	phone = regexp.MustCompile(`\+\d[\d ().-]{5,}\d`)
)

// parts replaces what in a text looks personal, or was personal somewhere.
func (r *Replacer) parts(s string) string {
	if strings.Contains(s, "@") {
		s = mail.ReplaceAllStringFunc(s, r.mail)
	}
	if strings.Contains(s, "+") {
		s = phone.ReplaceAllStringFunc(s, r.phone)
	}
	if strings.Count(s, ":") > 1 {
		s = ipv6.ReplaceAllStringFunc(s, func(text string) string {
			if addr, err := netip.ParseAddr(text); err == nil {
				return r.ip(addr)
			}
			return text
		})
	}
	s = ipv4.ReplaceAllStringFunc(s, func(text string) string {
		if addr, err := netip.ParseAddr(text); err == nil && !addr.IsPrivate() {
			return r.ip(addr)
		}
		return text
	})
	if r.known[s] {
		return r.word(s)
	}
	return r.words(s)
}

// words replaces the words of a text that were personal somewhere.
func (r *Replacer) words(s string) string {
	var out strings.Builder
	begin := -1
	end := func(at int) {
		if begin < 0 {
			return
		}
		word := s[begin:at]
		if r.known[word] && !r.taken[word] {
			word = r.word(word)
		}
		out.WriteString(word)
		begin = -1
	}
	for i, c := range s {
		if unicode.IsLetter(c) || unicode.IsDigit(c) || c == '_' || c == '-' {
			if begin < 0 {
				begin = i
			}
			continue
		}
		end(i)
		out.WriteRune(c)
	}
	end(len(s))
	return out.String()
}

var base64Text = regexp.MustCompile(`^[A-Za-z0-9+/_-]{40,}={0,2}$`)

// opaque reports whether a text may hold something that cannot be looked into, such as base64, in which letters of both
// cases and digits are all but sure.
func opaque(s string) bool {
	return base64Text.MatchString(s) && strings.ContainsAny(s, "0123456789") && strings.ToLower(s) != s &&
		strings.ToUpper(s) != s
}
