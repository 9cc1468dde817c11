package expr

import (
	"testing"
)

// The operators that stand in for gojq's must give what those give, for values of all kinds and for more than one
// output.
func TestArithmetic(t *testing.T) {
	onAllPairs(t, []string{
		`.l + .r`, `.l - .r`, `.l * .r`, `.l += .r`, `.l -= .r`, `.l *= .r`, `.l * 100`, `100 * .r`, `-1 * .r`,
		`.l - 1`, `1.5 + .r`, `[(.l, .r) * (.r, .l)?]`, `[(.l, .r) - (1, .r)?]`,
		`[(.l, error("x")) + (.r, empty)?]`,
		`(.l | length?) * (.r | length?)`, `.l + .r * .l - .r`, `def f: 3; f * .l`, `[.l, .r] | .[0] * .[1] + 0.5`,
		`try (.l * .r) catch "no"`, `try (.l - .r) catch .`, `path(.l + .r)?`,
	})
}
