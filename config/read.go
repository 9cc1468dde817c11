package config

import (
	"fmt"
	"io"
	"os"

	"github.com/ciobridge/ciobridge/internal/yamltree"
)

// ReadFile reads a file of YAML. One that is longer than such a file may be is not read to its end, which it may not
// have.
func ReadFile(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, yamltree.MaxBytes+1))
	if err == nil && len(data) > yamltree.MaxBytes {
		err = fmt.Errorf("%s: is longer than %d bytes: split it", path, yamltree.MaxBytes)
	}
	return data, err
}
