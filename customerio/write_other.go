//go:build !unix

package customerio

// writeWhile asks once whether it may write.
func (c *wireConn) writeWhile(may func() bool, p []byte) (n int, err error) {
	if !may() {
		return 0, errLate
	}
	return c.Conn.Write(p)
}
