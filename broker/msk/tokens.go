package msk

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-msk-iam-sasl-signer-go/signer"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"github.com/ciobridge/ciobridge/broker"
	"github.com/ciobridge/ciobridge/secret"
)

// loadTimeout bounds the search for credentials, which may ask the machine for some.
const loadTimeout = 10 * time.Second

// readAgain is how old what was read of AWS's files may become: those that keep a key are read once by the library.
const readAgain = 5 * time.Minute

// tokens signs one with each call. That asks nobody while the credentials are good.
type tokens struct {
	config broker.AWSConfig

	turn        chan struct{} // holds one element, taken by who reads or changes the rest
	region      string
	credentials aws.CredentialsProvider
	readAt      time.Time
}

// Tokens reads AWS's files and environment, and asks nobody yet.
func Tokens(c broker.AWSConfig) (broker.Tokens, error) {
	t := &tokens{config: c, turn: make(chan struct{}, 1)}
	ctx, cancel := context.WithTimeout(context.Background(), loadTimeout)
	defer cancel()
	if err := t.read(ctx); err != nil {
		return nil, err
	}
	t.turn <- struct{}{}
	return t, nil
}

func (t *tokens) read(ctx context.Context) error {
	options := []func(*config.LoadOptions) error{config.WithRegion(t.config.Region)}
	if t.config.Profile != "" {
		options = append(options, config.WithSharedConfigProfile(t.config.Profile))
	}
	found, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return fmt.Errorf("read the settings of AWS: %w", err)
	}
	if found.Region == "" {
		return errors.New("region: is missing: give it, or set AWS_REGION")
	}
	t.region, t.credentials, t.readAt = found.Region, found.Credentials, time.Now()
	if t.config.RoleARN != "" {
		t.credentials = aws.NewCredentialsCache(stscreds.NewAssumeRoleProvider(sts.NewFromConfig(found),
			t.config.RoleARN, func(o *stscreds.AssumeRoleOptions) {
				o.RoleSessionName = "ciobridge"
				if t.config.ExternalID != "" {
					o.ExternalID = aws.String(t.config.ExternalID)
				}
			}))
	}
	return nil
}

// Token implements broker.Tokens.
func (t *tokens) Token(ctx context.Context) (broker.Token, error) {
	select {
	case <-t.turn:
	case <-ctx.Done():
		return broker.Token{}, ctx.Err()
	}
	defer func() { t.turn <- struct{}{} }()
	if time.Since(t.readAt) > readAgain {
		_ = t.read(ctx) // while the files are being replaced, what was read of them before is good
	}
	token, until, err := signer.GenerateAuthTokenFromCredentialsProvider(ctx, t.region, t.credentials)
	switch {
	case err != nil && ctx.Err() != nil:
		return broker.Token{}, ctx.Err()
	case err != nil:
		return broker.Token{}, &broker.TokenError{From: "sasl.aws", Cause: plain(err)}
	}
	return broker.Token{Value: secret.New(token), Until: time.UnixMilli(until)}, nil
}

// plain leaves out what a server of AWS says beside its code, which may name people and accounts.
func plain(err error) error {
	var answer smithy.APIError
	if errors.As(err, &answer) {
		return fmt.Errorf("AWS answers %s", answer.ErrorCode())
	}
	return err
}
