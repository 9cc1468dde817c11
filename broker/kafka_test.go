package broker

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/heartbeat"
	"github.com/segmentio/kafka-go/protocol/leavegroup"
	"github.com/segmentio/kafka-go/protocol/metadata"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/ciobridge/ciobridge/secret"
)

func startKafka(t *testing.T, opts ...kfake.Opt) string {
	t.Helper()
	cluster, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1), kfake.SeedTopics(1, "events")},
		opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	return cluster.ListenAddrs()[0]
}

// ask connects as the configuration says and asks for the topics, over a connection of our own and through kafka-go's
// pool.
func ask(t *testing.T, c KafkaConfig) error {
	t.Helper()
	k, err := NewKafka(c)
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	conn, err := k.Dial(ctx, c.Brokers[0])
	if err != nil {
		return err
	}
	defer conn.Close()
	res, err := conn.RoundTrip(ctx, &metadata.Request{TopicNames: []string{"events"}})
	if err != nil {
		return err
	}
	if topics := res.(*metadata.Response).Topics; len(topics) != 1 || topics[0].Name != "events" {
		t.Errorf("topics %v", topics)
	}
	pooled, err := k.Client().Metadata(ctx, &kafka.MetadataRequest{Topics: []string{"events"}})
	if err != nil {
		return err
	}
	if len(pooled.Topics) != 1 || pooled.Topics[0].Error != nil {
		t.Errorf("topics %v", pooled.Topics)
	}
	return nil
}

func TestKafkaPasswords(t *testing.T) {
	t.Parallel()
	for _, mechanism := range []string{"plain", "scram-sha-256", "scram-sha-512"} {
		addr := startKafka(t, kfake.EnableSASL(), kfake.Superuser(strings.ToUpper(mechanism), "bridge", "right"))
		file := filepath.Join(t.TempDir(), "password")
		c := KafkaConfig{Brokers: []string{addr}, AllowPlaintext: true,
			SASL: &SASLConfig{Mechanism: mechanism, Username: "bridge", Password: secret.Ref{File: file}}}
		for password, want := range map[string]error{"right": nil, "wrong": kafka.SASLAuthenticationFailed} {
			if err := os.WriteFile(file, []byte(password+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := ask(t, c); !errors.Is(err, want) {
				t.Errorf("%s with the %s password: %v", mechanism, password, err)
			} else if err != nil && (strings.Contains(err.Error(), "wrong") ||
				strings.Contains(err.Error(), "bridge")) {
				t.Errorf("the error tells: %v", err)
			}
		}
		c.SASL.Mechanism = "plain"
		if err := ask(t, c); mechanism != "plain" && !errors.Is(err, kafka.UnsupportedSASLMechanism) &&
			!errors.Is(err, kafka.SASLAuthenticationFailed) {
			t.Errorf("a mechanism that the broker does not have: %v", err)
		}
	}
}

func TestKafkaTLS(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	caPEM, serverCert := certificates(t)
	ca := filepath.Join(dir, "ca.pem")
	if err := os.WriteFile(ca, caPEM, 0o600); err != nil {
		t.Fatal(err)
	}
	addr := startKafka(t, kfake.TLS(&tls.Config{Certificates: []tls.Certificate{serverCert}}))
	if err := ask(t, KafkaConfig{Brokers: []string{addr}, TLS: &TLSConfig{CAFile: ca}}); err != nil {
		t.Errorf("with its authority: %v", err)
	}
	var unknown x509.UnknownAuthorityError
	if err := ask(t, KafkaConfig{Brokers: []string{addr}, TLS: &TLSConfig{}}); !errors.As(err, &unknown) {
		t.Errorf("with the system's authorities: %v", err)
	}
	var wrongName x509.HostnameError
	if err := ask(t, KafkaConfig{Brokers: []string{addr},
		TLS: &TLSConfig{CAFile: ca, ServerName: "other"}}); !errors.As(err, &wrongName) {
		t.Errorf("under another name: %v", err)
	}
	if err := ask(t, KafkaConfig{Brokers: []string{addr}}); err == nil {
		t.Error("a connection without TLS to a broker with TLS works")
	}
}

// certificates makes an authority and a certificate for 127.0.0.1.
func certificates(t *testing.T) (caPEM []byte, server tls.Certificate) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// A broker that does not answer costs the time-out and no more, and ending the context ends the wait.
func TestKafkaSilentBroker(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	k, err := NewKafka(KafkaConfig{Brokers: []string{l.Addr().String()}})
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	start := time.Now()
	if _, err := k.Dial(ctx, l.Addr().String()); !errors.Is(err, context.DeadlineExceeded) &&
		!errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("dial: %v", err)
	}
	if took := time.Since(start); took > 3*time.Second {
		t.Errorf("it took %v", took)
	}
}

// An answer that makes no sense is an error, and the connection is not used again.
func TestKafkaMalformedAnswer(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	served := make(chan struct{})
	go func() {
		defer close(served)
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		buf := make([]byte, 1024)
		_, _ = c.Read(buf)
		_, _ = c.Write([]byte{0, 0, 0, 20, 0, 0, 0, 1, 0, 0, 0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})
	}()
	k, err := NewKafka(KafkaConfig{Brokers: []string{l.Addr().String()}})
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	if _, err := k.Dial(t.Context(), l.Addr().String()); err == nil {
		t.Error("nonsense is taken for an answer")
	}
	<-served
}

// The answers to Heartbeat and LeaveGroup are read as they are meant: an error is an error. See newest.
func TestKafkaGroupErrorsAreSeen(t *testing.T) {
	t.Parallel()
	addr := startKafka(t)
	k, err := NewKafka(KafkaConfig{Brokers: []string{addr}})
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	conn, err := k.Dial(t.Context(), addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	res, err := conn.RoundTrip(t.Context(), &heartbeat.Request{GroupID: "none", MemberID: "nobody"})
	if err != nil || res.(*heartbeat.Response).ErrorCode == 0 {
		t.Errorf("a heartbeat of nobody: %+v, %v", res, err)
	}
	res, err = conn.RoundTrip(t.Context(),
		&leavegroup.Request{GroupID: "none", Members: []leavegroup.RequestMember{{MemberID: "nobody"}}})
	if err != nil || res.(*leavegroup.Response).ErrorCode == 0 {
		t.Errorf("nobody leaves: %+v, %v", res, err)
	}
	if oldest, newest := conn.Versions(protocol.ApiKey(30_000)); oldest != -1 || newest != -1 {
		t.Errorf("versions of a request that does not exist: %d to %d", oldest, newest)
	}
}

func TestKafkaConfigReportsEveryMistake(t *testing.T) {
	t.Parallel()
	err := KafkaConfig{
		Brokers: []string{"kafka:9092", "kafka"},
		TLS:     nil,
		SASL:    &SASLConfig{Mechanism: "plain"},
	}.Validate()
	for _, want := range []string{"brokers[1]: is not host:port", "sasl.mechanism: plain sends the password readable",
		"sasl.username: is missing", "sasl.password: is missing"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
	for _, c := range []KafkaConfig{
		{},
		{Brokers: []string{"a:1"}, SASL: &SASLConfig{Mechanism: "gssapi", Username: "u",
			Password: secret.Ref{Env: "P"}}},
		{Brokers: []string{"a:1"}, TLS: &TLSConfig{CertFile: "only"}},
	} {
		if c.Validate() == nil {
			t.Errorf("%+v is taken", c)
		}
	}
	ok := KafkaConfig{Brokers: []string{"a:1", "[::1]:9092"}, TLS: &TLSConfig{},
		SASL: &SASLConfig{Mechanism: "plain", Username: "u", Password: secret.Ref{Env: "P"}}}
	if err := ok.Validate(); err != nil {
		t.Error(err)
	}
	if _, err := NewKafka(ok); err == nil {
		t.Error("a password that cannot be read is taken")
	}
}
