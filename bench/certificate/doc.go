// Package certificate makes the certificate by which a broker and a sink of the bench prove on loopback who they are.
package certificate
