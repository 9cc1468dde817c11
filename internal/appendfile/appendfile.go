package appendfile

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Open opens a file for reading and appending. One that is not there is made for its owner alone, with the folders
// above it, and its name is made durable. It waits for the other end of a named pipe: see Irregular.
func Open(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_APPEND, 0)
	if !errors.Is(err, fs.ErrNotExist) {
		return file, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	if file, err = os.OpenFile(path, os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o600); err != nil {
		return nil, err
	}
	if err := SyncName(path); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// SyncName makes the name of a file durable, after it was made or renamed.
func SyncName(path string) error {
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// Irregular says what stands at a path, such as "a named pipe", where it is no regular file. To open a pipe would wait
// for its other end, and what is written to a device is lost. What is missing or denied shows when it is opened.
func Irregular(path string) string {
	info, err := os.Stat(path)
	if err != nil || info.Mode().IsRegular() {
		return ""
	}
	switch mode := info.Mode(); {
	case mode.IsDir():
		return "a directory"
	case mode&fs.ModeNamedPipe != 0:
		return "a named pipe"
	case mode&fs.ModeSocket != 0:
		return "a socket"
	}
	return "a device"
}

// EndsPartly reports whether the last line of a file lacks its end, because a process died while it wrote.
func EndsPartly(file *os.File) (bool, error) {
	info, err := file.Stat()
	if err != nil || info.Size() == 0 {
		return false, err
	}
	var last [1]byte
	if _, err := file.ReadAt(last[:], info.Size()-1); err != nil && !errors.Is(err, io.EOF) {
		return false, err
	}
	return last[0] != '\n', nil
}

// IsMissing reports whether an error says that a file or its folder is not there.
func IsMissing(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}

// IsFull reports whether an error says that nothing more fits.
func IsFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG)
}
