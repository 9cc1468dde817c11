package mapping

// What the tests of the package look at inside it.
const (
	MaxPooled     = maxPooled
	MaxPooledBody = maxPooledBody
)

func (r *Rules) Pooled() int { return len(r.pool.buffers) }

func Matches(pattern, s string) bool { return matches(pattern, s) }

func AppendFramed(dst []byte, s string) []byte { return appendFramed(dst, s) }
