package customerio

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/ciobridge/ciobridge/secret"
)

// recheck is how long credentials are used before their files are looked at again.
const recheck = 10 * time.Second

// credentials are a site id and an API key, read as a pair. A pair that can be read replaces the one before; while a
// new one cannot be read, or only half of it is there, the old one stays in use.
type credentials struct {
	siteID, apiKey secret.Ref

	mu      sync.Mutex
	header  secret.Value // the value of the Authorization header
	version uint64       // counts the pairs; 0 is none
	checked time.Time
}

// current gives the Authorization header and the version of the pair in it.
func (c *credentials) current() (secret.Value, uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.checked) >= recheck {
		_ = c.read() // the pair in use stays; if it is no longer right, the answer says so
	}
	return c.header, c.version
}

// refresh reads the pair again and reports whether it has changed.
func (c *credentials) refresh() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	before := c.version
	_ = c.read() // as above
	return c.version != before
}

// newer reads the pair again and reports whether it differs from the one of the version given.
func (c *credentials) newer(version uint64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.version == version {
		_ = c.read() // as above
	}
	return c.version != version
}

// read replaces the pair by what files and environment hold now. The caller holds mu.
func (c *credentials) read() error {
	c.checked = time.Now()
	header, err := c.pair()
	if err != nil {
		return err
	}
	if c.version == 0 || !header.Equal(c.header) {
		c.header = header
		c.version++
	}
	return nil
}

// pairReads bounds how often a pair is read until two readings agree.
const pairReads = 4

// pair reads until two readings agree, so that a replacement in between cannot join an old site id with a new key.
func (c *credentials) pair() (secret.Value, error) {
	last, err := c.readOnce()
	for range pairReads {
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
	return secret.Value{}, errors.New("site id and API key change while they are being read")
}

func (c *credentials) readOnce() (secret.Value, error) {
	siteID, err := c.siteID.Read()
	if err != nil {
		return secret.Value{}, fmt.Errorf("%s: %w", fieldOf("site_id", c.siteID), err)
	}
	apiKey, err := c.apiKey.Read()
	if err != nil {
		return secret.Value{}, fmt.Errorf("%s: %w", fieldOf("api_key", c.apiKey), err)
	}
	if strings.Contains(siteID.Reveal(), ":") {
		return secret.Value{}, errors.New("site id: has a colon in it, which HTTP Basic authentication cannot carry")
	}
	plain := siteID.Reveal() + ":" + apiKey.Reveal()
	return secret.New("Basic " + base64.StdEncoding.EncodeToString([]byte(plain))), nil
}

// fieldOf names the field that says where a secret is read.
func fieldOf(name string, ref secret.Ref) string {
	if ref.Env != "" {
		return name + "_env"
	}
	return name + "_file"
}
