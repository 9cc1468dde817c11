package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/segmentio/kafka-go"
)

// publish sends the story of one customer after the other to both brokers until ctx ends.
func publish(ctx context.Context, js jetstream.JetStream) error {
	w := &kafka.Writer{
		Addr: kafka.TCP(os.Getenv("KAFKA")), Topic: topic, Balancer: &kafka.Murmur2Balancer{},
		RequiredAcks: kafka.RequireAll, BatchTimeout: 5 * time.Millisecond,
	}
	defer w.Close()
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for n := time.Now().Unix(); ; n++ {
		kafkaCustomer, natsCustomer := fmt.Sprintf("k_%d", n), fmt.Sprintf("n_%d", n)
		for step := range story {
			at := time.Now()
			if err := w.WriteMessages(ctx, kafka.Message{Key: []byte(kafkaCustomer),
				Value: story[step].event(kafkaCustomer, at)}); err != nil {
				return fmt.Errorf("publish to Kafka: %w", err)
			}
			if _, err := js.Publish(ctx, "shop.events", story[step].event(natsCustomer, at)); err != nil {
				return fmt.Errorf("publish to NATS: %w", err)
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
				return nil
			}
		}
	}
}

// happening is one event of a customer's story; %[1]s in its data stands for the customer.
type happening struct{ kind, data string }

var story = []happening{
	{"web.page_viewed", `{"visitor_id":"v_%[1]s","path":"/lamps","url":"https://shop.example/lamps","title":"Lamps"}`},
	{"user.signed_up", `{"user_id":"%[1]s","email":"%[1]s@example.com",` +
		`"first_name":"Ada","plan":"trial","source":"newsletter"}`},
	{"web.page_viewed", `{"user_id":"%[1]s","visitor_id":"v_%[1]s",` +
		`"path":"/lamps/1","url":"https://shop.example/lamps/1","title":"Lamp 1"}`},
	{"shop.order.completed", `{"order_id":"o_%[1]s","customer_id":"%[1]s","total":60.75,` +
		`"currency":"EUR","items":[{"sku":"LAMP-01","quantity":3,"price":20.25}]}`},
	// whose order it is was lost: a dead letter
	{"shop.order.completed", `{"order_id":"o_%[1]s-lost","total":10,"currency":"EUR","items":[]}`},
	{"user.plan_changed", `{"user_id":"%[1]s","previous_plan":"trial","plan":"pro","monthly_price":29.90}`},
}

// event writes the happening as it stands on the bus: plain JSON with a type, a time and the data.
func (h happening) event(customer string, at time.Time) []byte {
	return fmt.Appendf(nil, `{"type":"%s","time":"%s","data":%s}`, h.kind, at.UTC().Format(time.RFC3339),
		fmt.Sprintf(h.data, customer))
}
