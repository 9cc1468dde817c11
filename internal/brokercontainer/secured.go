package main

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/wait"
)

// securedKafka is an Apache Kafka whose clients are asked who they are over TLS. It has the password "right" for the
// user bridge with PLAIN, takes the passwords that are set for SCRAM, and tokens that nobody has signed. That user may
// do everything, others what ACLs allow. Sessions end after three seconds. The folder has server.pem, its certificate
// and key, and ca.pem.
func securedKafka(dir string) testcontainers.ContainerRequest {
	const script = "/tmp/start.sh"
	return testcontainers.ContainerRequest{
		Image: kafkaImage, ExposedPorts: []string{"9092/tcp", "9095/tcp"},
		Entrypoint: []string{"sh", "-c", "while [ ! -s " + script + " ]; do sleep 0.1; done; exec sh " + script},
		Files: []testcontainers.ContainerFile{
			{HostFilePath: filepath.Join(dir, "server.pem"), ContainerFilePath: "/tmp/server.pem", FileMode: 0o644},
			{HostFilePath: filepath.Join(dir, "ca.pem"), ContainerFilePath: "/tmp/ca.pem", FileMode: 0o644},
		},
		LifecycleHooks: []testcontainers.ContainerLifecycleHooks{{PostStarts: []testcontainers.ContainerHook{
			func(ctx context.Context, c testcontainers.Container) error {
				told := ""
				listeners := []struct{ name, port string }{{"AUTH", "9095/tcp"}, {"PLAINTEXT", "9092/tcp"}}
				for _, listener := range listeners {
					address, err := c.PortEndpoint(ctx, listener.port, "")
					if err != nil {
						return fmt.Errorf("find the mapped port: %w", err)
					}
					told += "," + listener.name + "://" + address
				}
				text := kafkaSettings + securedSettings + "export KAFKA_ADVERTISED_LISTENERS=" + told[1:] +
					"\nexec /etc/kafka/docker/run\n"
				return c.CopyToContainer(ctx, []byte(text), script, 0o644)
			},
		}}},
		WaitingFor: wait.ForLog("Kafka Server started").WithStartupTimeout(2 * time.Minute),
	}
}

const securedSettings = `
export KAFKA_LISTENERS=PLAINTEXT://:9092,CONTROLLER://:9093,AUTH://:9095
export KAFKA_LISTENER_SECURITY_PROTOCOL_MAP=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,AUTH:SASL_SSL
export KAFKA_INTER_BROKER_LISTENER_NAME=PLAINTEXT
export KAFKA_AUTHORIZER_CLASS_NAME=org.apache.kafka.metadata.authorizer.StandardAuthorizer
export KAFKA_SUPER_USERS="User:ANONYMOUS;User:bridge"
export KAFKA_SSL_KEYSTORE_TYPE=PEM KAFKA_SSL_KEYSTORE_LOCATION=/tmp/server.pem
export KAFKA_SSL_TRUSTSTORE_TYPE=PEM KAFKA_SSL_TRUSTSTORE_LOCATION=/tmp/ca.pem
export KAFKA_LISTENER_NAME_AUTH_SSL_CLIENT_AUTH=required
export KAFKA_LISTENER_NAME_AUTH_CONNECTIONS_MAX_REAUTH_MS=3000
export KAFKA_LISTENER_NAME_AUTH_SASL_ENABLED_MECHANISMS=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER
login=org.apache.kafka.common.security
export KAFKA_LISTENER_NAME_AUTH_PLAIN_SASL_JAAS_CONFIG="$login.plain.PlainLoginModule required user_bridge=\"right\";"
export KAFKA_LISTENER_NAME_AUTH_SCRAM___SHA___256_SASL_JAAS_CONFIG="$login.scram.ScramLoginModule required;"
export KAFKA_LISTENER_NAME_AUTH_SCRAM___SHA___512_SASL_JAAS_CONFIG="$login.scram.ScramLoginModule required;"
export KAFKA_LISTENER_NAME_AUTH_OAUTHBEARER_SASL_JAAS_CONFIG="$login.oauthbearer.OAuthBearerLoginModule required \
unsecuredLoginStringClaim_sub=\"broker\";"
`
