package file

import (
	"bufio"
	"errors"
	"io"
)

// lineReader reads whole lines.
type lineReader struct{ in *bufio.Reader }

func newLineReader(r io.Reader) *lineReader { return &lineReader{bufio.NewReaderSize(r, 64<<10)} }

// next gives a line with its end, to be read at once. io.EOF means that no whole one is left. Of a line over the bound
// it gives everything, which is no record.
func (l *lineReader) next() ([]byte, error) {
	text, err := l.in.ReadSlice('\n')
	if !errors.Is(err, bufio.ErrBufferFull) {
		return text, err
	}
	whole := append([]byte(nil), text...)
	for errors.Is(err, bufio.ErrBufferFull) {
		text, err = l.in.ReadSlice('\n')
		whole = append(whole, text...)
	}
	return whole, err
}
