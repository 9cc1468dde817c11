package certificate

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"time"
)

// lifetime is how long both certificates are valid: longer than anybody runs an emulator, and not for ever.
const lifetime = 90 * 24 * time.Hour

// Make makes an authority and a certificate of it for names, which are host names and IP addresses. The first result is
// the authority's certificate in PEM, which clients are to trust; the second is what the server shows.
func Make(names []string, now time.Time) (trusted []byte, server tls.Certificate, err error) {
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, server, fmt.Errorf("make a key: %w", err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, server, fmt.Errorf("make a key: %w", err)
	}
	ca := template("ciobridge emulator (authority)", 1, now)
	ca.IsCA, ca.BasicConstraintsValid, ca.KeyUsage = true, true, x509.KeyUsageCertSign|x509.KeyUsageCRLSign
	caBytes, caCert, err := sign(ca, ca, caKey.Public(), caKey)
	if err != nil {
		return nil, server, err
	}
	leaf := template("ciobridge emulator", 2, now)
	leaf.KeyUsage, leaf.ExtKeyUsage = x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			leaf.IPAddresses = append(leaf.IPAddresses, ip)
		} else {
			leaf.DNSNames = append(leaf.DNSNames, name)
		}
	}
	leafBytes, leafCert, err := sign(leaf, caCert, key.Public(), caKey)
	if err != nil {
		return nil, server, err
	}
	trusted = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: caBytes})
	return trusted, tls.Certificate{Certificate: [][]byte{leafBytes}, PrivateKey: key, Leaf: leafCert}, nil
}

func template(name string, serial int64, now time.Time) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: new(big.Int).Add(big.NewInt(now.UnixNano()), big.NewInt(serial)),
		Subject:      pkix.Name{CommonName: name, Organization: []string{"ciobridge"}},
		NotBefore:    now.Add(-time.Hour), // clocks of containers differ
		NotAfter:     now.Add(lifetime),
	}
}

func sign(c, parent *x509.Certificate, public crypto.PublicKey, key crypto.Signer) ([]byte, *x509.Certificate, error) {
	b, err := x509.CreateCertificate(rand.Reader, c, parent, public, key)
	if err != nil {
		return nil, nil, fmt.Errorf("sign a certificate: %w", err)
	}
	signed, err := x509.ParseCertificate(b)
	if err != nil {
		return nil, nil, fmt.Errorf("read the certificate that was signed: %w", err)
	}
	return b, signed, nil
}
