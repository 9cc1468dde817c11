package customerio

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/ciobridge/ciobridge/secret"
)

// recheck is how long credentials are used before their files are looked at again.
const recheck = 10 * time.Second

// credentials open one API. What can be read replaces what was read before; while the new cannot be read, or only half
// of a pair is there, the old stays in use.
type credentials struct {
	readOnce func() (secret.Value, error) // gives the value of the Authorization header

	mu      sync.Mutex
	header  secret.Value
	version uint64 // counts what was read; 0 is nothing
	checked time.Time
}

// credentials are those of each API. Nothing is read yet.
func (c Config) credentials() [apis]*credentials {
	app := &credentials{readOnce: func() (secret.Value, error) {
		key, err := readRef("app_key", c.appKey())
		return secret.New("Bearer " + key.Reveal()), err
	}}
	return [apis]*credentials{
		TrackAPI: {readOnce: func() (secret.Value, error) { return readPair(c.siteID(), c.apiKey()) }},
		AppAPI:   app,
		BetaAPI:  app,
		PipelinesAPI: {readOnce: func() (secret.Value, error) {
			key, err := readRef("write_key", c.writeKey())
			return basic(key.Reveal(), ""), err
		}},
	}
}

// current gives the Authorization header and the version of what is in it, 0 where nothing could be read yet.
func (c *credentials) current() (secret.Value, uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.checked) >= recheck {
		_ = c.read() // what is in use stays; if it is no longer right, the answer says so
	}
	return c.header, c.version
}

// first reads unless something has been read.
func (c *credentials) first() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.version > 0 {
		return nil
	}
	return c.read()
}

// refresh reads again and reports whether something has changed.
func (c *credentials) refresh() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	before := c.version
	_ = c.read() // as above
	return c.version != before
}

// newer reads again and reports whether that differs from the version given.
func (c *credentials) newer(version uint64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.version == version {
		_ = c.read() // as above
	}
	return c.version != version
}

// read takes up what files and environment hold now. The caller holds mu.
func (c *credentials) read() error {
	c.checked = time.Now()
	header, err := c.settled()
	if err != nil {
		return err
	}
	if c.version == 0 || !header.Equal(c.header) {
		c.header = header
		c.version++
	}
	return nil
}

// settledReads bounds how often credentials are read until two readings agree.
const settledReads = 4

// settled reads until two readings agree, so that a replacement in between cannot join an old site id with a new key.
func (c *credentials) settled() (secret.Value, error) {
	last, err := c.readOnce()
	for range settledReads {
		if err != nil {
			return secret.Value{}, err
		}
		var again secret.Value
		again, err = c.readOnce()
		if err == nil && again.Equal(last) {
			return again, nil
		}
		last = again
	}
	return secret.Value{}, errors.New("the credentials change while they are being read")
}

func readPair(siteIDRef, apiKeyRef secret.Ref) (secret.Value, error) {
	siteID, err := readRef("site_id", siteIDRef)
	if err != nil {
		return secret.Value{}, err
	}
	apiKey, err := readRef("api_key", apiKeyRef)
	if err != nil {
		return secret.Value{}, err
	}
	if strings.Contains(siteID.Reveal(), ":") {
		return secret.Value{}, errors.New("site id: has a colon in it, which HTTP Basic authentication cannot carry")
	}
	return basic(siteID.Reveal(), apiKey.Reveal()), nil
}

func basic(user, password string) secret.Value {
	return secret.New("Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password)))
}

// readRef names the field that says where a secret is read, if it cannot be.
func readRef(name string, ref secret.Ref) (secret.Value, error) {
	value, err := ref.Read()
	switch {
	case err == nil && strings.ContainsFunc(value.Reveal(), unicode.IsControl):
		return secret.Value{}, fmt.Errorf("%s: has a line break or another control character in it", fieldOf(name, ref))
	case err != nil:
		return secret.Value{}, fmt.Errorf("%s: %w", fieldOf(name, ref), err)
	}
	return value, nil
}

// fieldOf names the field that says where a secret is read.
func fieldOf(name string, ref secret.Ref) string {
	if ref.Env != "" {
		return name + "_env"
	}
	return name + "_file"
}
