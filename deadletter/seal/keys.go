package seal

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"strings"
)

// keyBytes is the length of a key.
const keyBytes = 32

// maxID bounds the id of a key, which stands in a header of every letter.
const maxID = 64

// keys are those of a file, by id.
type keys struct {
	first string
	by    map[string]cipher.AEAD
}

// readKeys reads a file of keys. Its errors name the line, and quote nothing of it.
func readKeys(path string) (*keys, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the keys of dead letters: %w", err)
	}
	k := &keys{by: map[string]cipher.AEAD{}}
	for i, line := range bytes.Split(text, []byte("\n")) {
		fields := strings.Fields(string(line))
		if len(fields) == 0 || strings.HasPrefix(fields[0], "#") {
			continue
		}
		if err := k.add(fields); err != nil {
			return nil, fmt.Errorf("read the keys of dead letters: %s:%d: %w", path, i+1, err)
		}
	}
	if k.first == "" {
		return nil, fmt.Errorf("read the keys of dead letters: %s holds no key: write a line with an id, a blank and "+
			"what `openssl rand -base64 32` gives", path)
	}
	return k, nil
}

func (k *keys) add(fields []string) error {
	if len(fields) != 2 || len(fields[0]) > maxID {
		return errors.New("is no line of an id and a key, which is 32 bytes in base64")
	}
	key, err := base64.StdEncoding.DecodeString(fields[1])
	if err != nil || len(key) != keyBytes {
		return errors.New("the key is not 32 bytes in base64")
	}
	if k.by[fields[0]] != nil {
		return errors.New("the id of the key is taken by another one")
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return err
	}
	if k.by[fields[0]], err = cipher.NewGCM(block); err != nil {
		return err
	}
	if k.first == "" {
		k.first = fields[0]
	}
	return nil
}
