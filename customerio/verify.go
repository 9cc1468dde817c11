package customerio

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// CredentialsError says that the credentials cannot be read or are refused.
type CredentialsError struct {
	API    API   // that they are for
	Status int   // the answer that refused them; 0 where they could not be read
	Err    error // why they could not be read
}

// Error says what to look at.
func (e *CredentialsError) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("customer.io credentials: %v", e.Err)
	}
	if e.API == AppAPI {
		return fmt.Sprintf("customer.io refuses the App key (answer %d): compare it, and customerio.region, with the "+
			"App API keys in the account's settings", e.Status)
	}
	return fmt.Sprintf("customer.io refuses the credentials (answer %d): compare site id and API key with the "+
		"workspace's Track API credentials", e.Status)
}

// Unwrap gives the error of reading them.
func (e *CredentialsError) Unwrap() error { return e.Err }

// RegionError says that the workspace lives in another region than the configuration names.
type RegionError struct{ Configured, Actual Region }

// Error says what to change.
func (e *RegionError) Error() string {
	return fmt.Sprintf("the workspace lives in region %s, but customerio.region is %s: "+
		"change it before anything is sent", e.Actual, e.Configured)
}

// UnreachableError says that Customer.io gave no answer that verifies anything. It may pass by itself, unless Cause
// halts.
type UnreachableError struct {
	API        API
	Cause      Cause
	Status     int // 0 where no answer came
	RetryAfter time.Duration
}

// Error says what came instead of a proof.
func (e *UnreachableError) Error() string {
	answer := Answer{Status: e.Status, Cause: e.Cause}
	if e.API == AppAPI {
		return "customer.io cannot be asked whether the App key is right: " + answer.String()
	}
	return "customer.io cannot be asked for the workspace's region: " + answer.String()
}

// regionPath answers with the region of the workspace to which the credentials belong, from either region's host.
const regionPath = "/api/v1/accounts/region"

// Verify asks Customer.io once whether the credentials are right and belong to the configured region. The error is a
// *CredentialsError, a *RegionError or an *UnreachableError.
func (c *Client) Verify(ctx context.Context) error {
	ask := Request{Endpoint: Batch, Method: http.MethodGet, Path: regionPath}
	answer, body, whole := c.exchange(ctx, ask)
	if answer.NewCredentials {
		answer, body, whole = c.exchange(ctx, ask)
	}
	if answer.Cause == CauseCredentials {
		return &CredentialsError{Status: answer.Status}
	}
	var actual Region
	if answer.Status == http.StatusOK && whole {
		actual = regionOf(body)
	}
	if actual == "" {
		cause := answer.Cause
		if cause == "" {
			cause = CauseUnexpected
		}
		return &UnreachableError{Cause: cause, Status: answer.Status, RetryAfter: answer.RetryAfter}
	}
	if actual != c.region {
		return &RegionError{Configured: c.region, Actual: actual}
	}
	return nil
}

// keyPath is a look-up of an address that nobody has: the smallest question that App answers to a right key alone.
const keyPath = "/v1/customers?email=nobody%40ciobridge.invalid"

// VerifyApp asks Customer.io once whether the App key is right. A key of the other region is refused or redirected. The
// error is a *CredentialsError or an *UnreachableError.
func (c *Client) VerifyApp(ctx context.Context) error {
	if err := c.Read(AppAPI); err != nil {
		return err
	}
	ask := Request{Endpoint: App, Method: http.MethodGet, Path: keyPath}
	answer := c.Do(ctx, ask)
	if answer.NewCredentials {
		answer = c.Do(ctx, ask)
	}
	switch {
	case answer.Status == http.StatusUnauthorized, answer.Status == http.StatusForbidden:
		return &CredentialsError{API: AppAPI, Status: answer.Status}
	case answer.Verdict == Accepted:
		return nil
	}
	cause := answer.Cause
	if cause == "" {
		cause = CauseUnexpected
	}
	return &UnreachableError{API: AppAPI, Cause: cause, Status: answer.Status, RetryAfter: answer.RetryAfter}
}

// regionOf reads the region of the workspace, which is told by name, as region or data_center, or by the host that
// takes its calls. It is empty where nothing tells it, or where two of them do not agree.
func regionOf(body []byte) Region {
	var account struct {
		Region     json.RawMessage `json:"region"`
		DataCenter json.RawMessage `json:"data_center"`
		URL        json.RawMessage `json:"url"`
	}
	if json.Unmarshal(body, &account) != nil {
		return ""
	}
	var told []Region
	for _, name := range []string{asText(account.Region), asText(account.DataCenter)} {
		if name != "" {
			told = append(told, Region(strings.ToLower(name)))
		}
	}
	address := strings.ToLower(asText(account.URL)) + "/"
	for _, region := range []Region{US, EU} {
		if strings.HasPrefix(address, region.URL(TrackAPI)+"/") {
			told = append(told, region)
		}
	}
	if told = slices.Compact(told); len(told) != 1 || told[0].URL(TrackAPI) == "" {
		return ""
	}
	return told[0]
}
