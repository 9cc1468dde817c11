package app

import (
	"context"
	"fmt"

	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/internal/exit"
	"github.com/ciobridge/ciobridge/internal/mistake"
	"github.com/ciobridge/ciobridge/webhook"
)

// listenForWebhooks opens the address for webhooks, where the configuration has one. It is open before the broker is
// reached: after a connection that is refused Customer.io waits for an hour, and after an answer of 503 not for long.
func (b *Bridge) listenForWebhooks() error {
	c := b.config.Webhooks
	if !c.Enabled() {
		return nil
	}
	if c.TLS == nil {
		b.log.Warn("webhooks are taken without TLS: put a proxy with TLS before the address, for they hold "+
			"personal data",
			zap.String("listen", c.Listen))
	}
	server, err := webhook.New(c, b.log.Named("webhooks"), b.registry)
	if err != nil {
		return exit.With(exit.Input, mistake.Under("webhooks", err))
	}
	b.webhooks = server
	return nil
}

// followWebhooks has webhooks stored on the bus until ctx ends.
func (b *Bridge) followWebhooks(ctx context.Context) {
	if b.webhooks != nil {
		b.webhooks.Follow(ctx, b.broker.Webhooks(b.config.Webhooks))
	}
}

// WebhookAddress is where webhooks are taken; empty where they are not.
func (b *Bridge) WebhookAddress() string {
	if b.webhooks == nil {
		return ""
	}
	return b.webhooks.Address()
}

// serveWebhooks answers Customer.io until ctx ends.
func (b *Bridge) serveWebhooks(ctx context.Context) error {
	if b.webhooks == nil {
		return nil
	}
	if err := b.webhooks.Serve(ctx); err != nil {
		return fmt.Errorf("take webhooks: %w", err)
	}
	return nil
}
