package broker

import (
	"net/url"
	"slices"
	"strings"

	"github.com/ciobridge/ciobridge/internal/choice"
	"github.com/ciobridge/ciobridge/internal/mistake"
	"github.com/ciobridge/ciobridge/secret"
)

// SASLConfig says as whom to connect. What is secret is read anew for every connection, so that it can be replaced
// while the bridge runs.
type SASLConfig struct {
	// Mechanism is plain, scram-sha-256, scram-sha-512, oauthbearer or aws-msk-iam.
	Mechanism string `yaml:"mechanism,lower"`

	// Username and Password are for plain and scram.
	Username string     `yaml:"username,omitempty"`
	Password secret.Ref `yaml:"password,omitempty"`

	// Token is where oauthbearer reads a token that something else renews, and TokenEndpoint is where it asks for one.
	Token         secret.Ref           `yaml:"token,omitempty"`
	TokenEndpoint *TokenEndpointConfig `yaml:"token_endpoint,omitempty"`
	// Extensions are sent to the broker beside the token, such as the cluster's name in a hosted service.
	Extensions map[string]string `yaml:"extensions,omitempty"`

	// AWS says as whom aws-msk-iam connects. Without it, that is what the environment says.
	AWS *AWSConfig `yaml:"aws,omitempty"`
}

// TokenEndpointConfig is an endpoint of OAuth 2 that gives a token for the client's own credentials.
type TokenEndpointConfig struct {
	URL          string     `yaml:"url"`
	ClientID     string     `yaml:"client_id"`
	ClientSecret secret.Ref `yaml:"client_secret"`
	// Scope and Audience say what the token is for. Each is sent where it is given.
	Scope    string `yaml:"scope,omitempty"`
	Audience string `yaml:"audience,omitempty"`
	// TLS says whom to trust there. Without it, that is the system's certificate authorities.
	TLS *TLSConfig `yaml:"tls,omitempty"`
}

// AWSConfig says as whom to connect to Amazon MSK. What is empty is taken from where all programs of AWS look: the
// environment, the shared files, a web identity, the container or the machine.
type AWSConfig struct {
	Region  string `yaml:"region,omitempty"`
	Profile string `yaml:"profile,omitempty"`
	// RoleARN is a role that is assumed with those credentials.
	RoleARN    string `yaml:"role_arn,omitempty"`
	ExternalID string `yaml:"external_id,omitempty"`
}

// The mechanisms.
const (
	mechanismPlain    = "plain"
	mechanismScram256 = "scram-sha-256"
	mechanismScram512 = "scram-sha-512"
	mechanismBearer   = "oauthbearer"
	mechanismAWS      = "aws-msk-iam"
)

// mechanisms are the words that sasl.mechanism takes.
var mechanisms = []string{mechanismPlain, mechanismScram256, mechanismScram512, mechanismBearer, mechanismAWS}

// validate reports every mistake. Encrypted says that there is TLS, and readable that what is sent may be read on the
// way.
func (c SASLConfig) validate(encrypted, readable bool) []error {
	var errs []error
	open := []string{mechanismPlain, mechanismBearer, mechanismAWS}
	if !encrypted && !readable && slices.Contains(open, c.Mechanism) {
		what := "the password"
		if c.Mechanism != mechanismPlain {
			what = "a token"
		}
		errs = append(errs, mistake.Of("sasl.mechanism: %s sends %s readable: add tls, or set allow_plaintext: true",
			c.Mechanism, what))
	}
	switch c.Mechanism {
	case mechanismPlain, mechanismScram256, mechanismScram512:
		if c.Username == "" {
			errs = append(errs, mistake.Of("sasl.username: is missing"))
		}
		if err := c.Password.Validate(); err != nil {
			errs = append(errs, mistake.Of("sasl.password: %w", err))
		}
	case mechanismBearer:
		errs = append(errs, c.validateBearer(readable)...)
	case mechanismAWS:
		if c.AWS != nil && c.AWS.ExternalID != "" && c.AWS.RoleARN == "" {
			errs = append(errs, mistake.Of("sasl.aws.external_id: is for a role: give role_arn too"))
		}
	case "":
		return append(errs, mistake.Of("sasl.mechanism: is missing: give %s", choice.List(mechanisms)))
	default:
		return append(errs, mistake.Of("sasl.mechanism: %s", c.otherMechanism()))
	}
	return append(errs, c.foreign()...)
}

// foreign reports keys that are of other mechanisms.
func (c SASLConfig) foreign() []error {
	var errs []error
	bearer, aws := c.Mechanism == mechanismBearer, c.Mechanism == mechanismAWS
	for _, key := range []struct {
		name  string
		given bool
		fits  bool
	}{
		{"username", c.Username != "", !bearer && !aws},
		{"password", !c.Password.IsZero(), !bearer && !aws},
		{"token", !c.Token.IsZero(), bearer},
		{"token_endpoint", c.TokenEndpoint != nil, bearer},
		{"extensions", len(c.Extensions) > 0, bearer},
		{"aws", c.AWS != nil, aws},
	} {
		if key.given && !key.fits {
			errs = append(errs, mistake.Of("sasl.mechanism: %s takes no %s: leave %s out, or give another mechanism",
				c.Mechanism, key.name, key.name))
		}
	}
	return errs
}

func (c SASLConfig) validateBearer(readable bool) []error {
	var errs []error
	switch {
	case c.Token.IsZero() && c.TokenEndpoint == nil:
		errs = append(errs, mistake.Of("sasl.token: is missing: give {file: PATH}, or give token_endpoint"))
	case !c.Token.IsZero() && c.TokenEndpoint != nil:
		errs = append(errs, mistake.Of("sasl.token: stands beside token_endpoint: give one of them"))
	case c.TokenEndpoint != nil:
		errs = append(errs, c.TokenEndpoint.validate(readable)...)
	default:
		if err := c.Token.Validate(); err != nil {
			errs = append(errs, mistake.Of("sasl.token: %w", err))
		}
	}
	for name, value := range c.Extensions {
		if name == "auth" || name == "" || strings.Trim(strings.ToLower(name), "abcdefghijklmnopqrstuvwxyz") != "" ||
			strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r > '~' }) {
			errs = append(errs, mistake.Of("sasl.extensions.%s: is not sent as it stands: names have letters only and "+
				"are not auth, and values are of printable ASCII", name))
		}
	}
	slices.SortFunc(errs, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return errs
}

func (c TokenEndpointConfig) validate(readable bool) []error {
	var errs []error
	u, err := url.Parse(c.URL)
	switch {
	case c.URL == "":
		errs = append(errs, mistake.Of("sasl.token_endpoint.url: is missing"))
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || u.Fragment != "":
		errs = append(errs, mistake.Of("sasl.token_endpoint.url: is not an address such as "+
			"https://login.example.com/oauth2/token")) // which is not quoted: a password may stand there
	case u.Scheme == "http" && c.TLS != nil:
		errs = append(errs, mistake.Of("sasl.token_endpoint.url: is http, and tls is given: write https"))
	case u.Scheme == "http" && !readable:
		errs = append(errs, mistake.Of("sasl.token_endpoint.url: the client's secret would be sent readable: write "+
			"https, or set allow_plaintext: true"))
	}
	if c.ClientID == "" {
		errs = append(errs, mistake.Of("sasl.token_endpoint.client_id: is missing"))
	}
	if err := c.ClientSecret.Validate(); err != nil {
		errs = append(errs, mistake.Of("sasl.token_endpoint.client_secret: %w", err))
	}
	if c.TLS != nil {
		if err := c.TLS.Validate("sasl.token_endpoint.tls"); err != nil {
			errs = append(errs, err)
		}
	}
	return errs
}

func (c SASLConfig) otherMechanism() string {
	known := choice.List(mechanisms)
	switch c.Mechanism {
	case "plaintext":
		return "PLAINTEXT is a protocol without a password: leave sasl out, or give plain"
	case "ssl":
		return "SSL is a protocol without a password: leave sasl out and give tls: {}"
	case "sasl_ssl", "sasl_plaintext":
		return "SASL_SSL and SASL_PLAINTEXT are protocols: give " + known + ", and tls: {} for SSL"
	case "aws_msk_iam":
		return "write aws-msk-iam"
	case "gssapi", "kerberos":
		return "Kerberos is not supported: give " + known
	}
	return "is not " + known + choice.Near(c.Mechanism, mechanisms)
}
