package config

import (
	"fmt"
	"io"
	"os"

	"github.com/ciobridge/ciobridge/internal/yamlscan"
)

// ReadFile reads a file of YAML. One that is longer than such a file may be is not read to its end, which it may not
// have.
func ReadFile(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, yamlscan.MaxBytes+1))
	if err == nil && len(data) > yamlscan.MaxBytes {
		err = fmt.Errorf("%s: is longer than %d bytes: split it", path, yamlscan.MaxBytes)
	}
	return data, err
}
