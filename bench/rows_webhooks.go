package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/segmentio/kafka-go"
	"golang.org/x/sync/errgroup"
)

const (
	webhookSenders = 32 // connections; each waits for an answer before it sends the next
	webhookKey     = "bench-webhook-key"
)

// webhooks measures how many of Customer.io's webhooks one bridge takes, checks and stores.
func (b *bench) webhooks(ctx context.Context, group string) error {
	ctx, cancel := context.WithTimeout(ctx, b.timeout)
	defer cancel()
	k, err := openKafka(ctx, b.brokers, 4)
	if err != nil {
		return err
	}
	defer k.close()
	s, err := newHooks(ctx, k)
	if err != nil {
		return err
	}
	sink, err := startRole("sink", "-expect", "1", "-persons", "1", "-log", filepath.Join(b.newDir(), "requests"))
	if err != nil {
		return err
	}
	defer sink.kill()
	addr, err := sink.line(ctx)
	if err != nil {
		return err
	}
	dir := b.newDir()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make a working directory: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "webhook_key"), []byte(webhookKey), 0o600); err != nil {
		return fmt.Errorf("write the signing key: %w", err)
	}
	subject := b.bridge.with("bridge, webhooks", settings{sections: s.section(dir)})
	bridge, err := launch(subject, dir, "bench-hooks", addr, k, "")
	if err != nil {
		return err
	}
	defer bridge.kill()
	count := max(b.events/8, 1000)
	took, cpu, err := s.flood(ctx, bridge, count)
	if err != nil {
		return err
	}
	peak, err := bridge.peakRSS()
	if err != nil {
		return err
	}
	if _, err := bridge.stop(); err != nil {
		return err
	}
	figures := fmt.Sprintf("%d signed webhooks over %d connections, each stored once, %.0f MiB", count, webhookSenders,
		float64(peak)/(1<<20))
	b.report.addRow(group, "webhooks/s of one process", figures,
		atLeast(float64(count)/took.Seconds(), 5000, perSecond))
	b.report.addRow(group, "CPU of a webhook", figures, untargeted(float64(cpu.Microseconds())/float64(count), micros))
	return nil
}

// hooks sends webhooks to a bridge, which stores them in a topic.
type hooks struct {
	kafka        *kafkaSource
	listen, sent string // the address, and what makes the ids those of this run
	client       *http.Client
}

func newHooks(ctx context.Context, k *kafkaSource) (*hooks, error) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("find a free port: %w", err)
	}
	defer free.Close()
	s := &hooks{kafka: k, listen: free.Addr().String(), sent: strconv.FormatInt(time.Now().UnixNano(), 36),
		client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: webhookSenders}}}
	res, err := k.client.CreateTopics(ctx, &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{
		{Topic: s.topic(), NumPartitions: k.partitions, ReplicationFactor: 1}}})
	if err = errors.Join(err, errorsOf(res, s.topic())); err != nil {
		return nil, fmt.Errorf("create the topic of webhooks: %w", err)
	}
	return s, nil
}

func errorsOf(res *kafka.CreateTopicsResponse, topic string) error {
	if res == nil {
		return nil
	}
	return res.Errors[topic]
}

func (s *hooks) topic() string { return s.kafka.topic + ".webhooks" }

func (s *hooks) section(dir string) string {
	return fmt.Sprintf("webhooks:\n  listen: %q\n  topic: %s\n  signing_keys: [{file: %s}]\n", s.listen, s.topic(),
		filepath.Join(dir, "webhook_key"))
}

// flood sends webhooks as fast as they are answered, and makes sure that each is stored once.
func (s *hooks) flood(ctx context.Context, bridge *process, count int) (took, cpu time.Duration, err error) {
	defer s.client.CloseIdleConnections()
	for status := 0; status != http.StatusOK; { // until the bridge has reached everything
		if status, err = s.post(ctx, 0); ctx.Err() != nil {
			return 0, 0, bridge.failure(fmt.Sprintf("takes no webhooks (status %d, %v)", status, err))
		}
		time.Sleep(20 * time.Millisecond)
	}
	before, err := bridge.cpuSoFar()
	if err != nil {
		return 0, 0, err
	}
	var next atomic.Int64
	senders, inner := errgroup.WithContext(ctx)
	began := time.Now()
	for range webhookSenders {
		senders.Go(func() error {
			for i := next.Add(1); i < int64(count); i = next.Add(1) {
				if status, err := s.post(inner, i); err != nil || status != http.StatusOK {
					return errors.Join(fmt.Errorf("a webhook was answered with %d", status), err)
				}
			}
			return nil
		})
	}
	if err := senders.Wait(); err != nil {
		return 0, 0, bridge.failure(err.Error())
	}
	took = time.Since(began)
	after, err := bridge.cpuSoFar()
	if err != nil {
		return 0, 0, err
	}
	return took, after - before, s.check(ctx, count)
}

func (s *hooks) post(ctx context.Context, i int64) (status int, err error) {
	now := strconv.FormatInt(time.Now().Unix(), 10)
	body := fmt.Sprintf(`{"event_id":"%s-%d","object_type":"email","metric":"sent","timestamp":%s,"data":{`+
		`"action_id":42,"broadcast_id":9,"customer_id":"0200000001","delivery_id":"RPILAgUBcRhIBqSfeiIwdIYJKxTY","identifiers":{"id":`+
		`"%d","email":"test@example.com","cio_id":"d9c106%06d"},"recipient":"test@example.com"}}`, s.sent, i, now, i, i)
	mac := hmac.New(sha256.New, []byte(webhookKey))
	mac.Write([]byte("v0:" + now + ":" + body))
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+s.listen+"/webhooks/customerio",
		strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	r.Header.Set("X-CIO-Timestamp", now)
	r.Header.Set("X-CIO-Signature", hex.EncodeToString(mac.Sum(nil)))
	res, err := s.client.Do(r)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	return res.StatusCode, err
}

// check counts what is stored.
func (s *hooks) check(ctx context.Context, want int) error {
	stored, err := s.kafka.stored(ctx, s.topic())
	if err == nil && stored != want {
		err = fmt.Errorf("%d webhooks are stored, and %d were sent", stored, want)
	}
	return err
}
