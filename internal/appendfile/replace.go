package appendfile

import (
	"bufio"
	"errors"
	"os"
)

// Replace writes a new file, for its owner alone, which takes the place of the one of that name at once; SyncName makes
// that durable. Where writing fails, or the process dies meanwhile, the old one stays as it was. One process at a time
// may replace a file. Write need not look at the errors of its Writer.
func Replace(path string, write func(*bufio.Writer) error) (err error) {
	draft := path + ".new"
	file, err := os.OpenFile(draft, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(draft))
		}
	}()
	out := bufio.NewWriter(file)
	if err = errors.Join(write(out), out.Flush()); err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	return os.Rename(draft, path)
}
