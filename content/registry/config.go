package registry

import (
	"errors"
	"net/url"

	"github.com/ciobridge/ciobridge/broker"
	"github.com/ciobridge/ciobridge/internal/mistake"
	"github.com/ciobridge/ciobridge/secret"
)

// Config says where the registry is, and how it is asked. Its zero value is no registry.
type Config struct {
	// URL is the address of the registry's API, such as https://registry:8081. Apicurio has it at
	// /apis/ccompat/v7.
	URL string `yaml:"url"`
	// Username and Password are those of HTTP's basic authentication.
	Username string     `yaml:"username"`
	Password secret.Ref `yaml:"password"`
	// Token is sent as a bearer token, in place of a user's name and password.
	Token secret.Ref `yaml:"token"`
	// TLS says how the registry's certificate is verified. Nothing here means the system's authorities.
	TLS *broker.TLSConfig `yaml:"tls"`
}

// IsZero reports whether there is no registry.
func (c *Config) IsZero() bool { return *c == Config{} }

// Validate reports everything that is wrong with the configuration, each with the path of its field. It connects to
// nothing.
func (c *Config) Validate() error {
	if c.IsZero() {
		return nil
	}
	var errs []error
	if c.URL == "" {
		errs = append(errs, mistake.Of("url: is missing: give the registry's address, such as https://registry:8081"))
	} else if u, err := url.Parse(c.URL); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" ||
		u.RawQuery != "" || u.Fragment != "" {
		errs = append(errs, mistake.Of("url: is no address of a registry, such as https://registry:8081"))
	} else if u.User != nil {
		errs = append(errs, mistake.Of("url: holds a user's name or password: give username and password"))
	}
	switch {
	case c.Username != "" && !c.Token.IsZero():
		errs = append(errs, mistake.Of("token: stands beside username: give one of them"))
	case c.Username != "":
		if err := c.Password.Validate(); err != nil {
			errs = append(errs, mistake.Of("password: %w", err))
		}
	case !c.Password.IsZero():
		errs = append(errs, mistake.Of("username: is missing beside password"))
	case !c.Token.IsZero():
		if err := c.Token.Validate(); err != nil {
			errs = append(errs, mistake.Of("token: %w", err))
		}
	}
	if c.TLS != nil {
		errs = append(errs, c.TLS.Validate("tls"))
	}
	return errors.Join(errs...)
}
