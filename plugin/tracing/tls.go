package tracing

import (
	"crypto/tls"
	"crypto/x509"
)

// readTLS reads the certificates for the collector.
func (r *reader) readTLS(s *Settings, ca, cert, key file) {
	options := s.tls
	if options == nil {
		for _, f := range []file{ca, cert, key} {
			if f.path != "" {
				r.fail(f.name, "the endpoint has no TLS: it must begin with https://")
			}
		}
		return
	}
	if content := r.read(ca); content != nil {
		options.RootCAs = x509.NewCertPool()
		if !options.RootCAs.AppendCertsFromPEM(content) {
			r.fail(ca.name, "%s holds no certificate in PEM format", ca.path)
		}
	}
	switch {
	case cert.path != "" && key.path == "":
		r.fail(cert.name, "a client key is required as well")
		return
	case cert.path == "" && key.path != "":
		r.fail(key.name, "a client certificate is required as well")
		return
	}
	certificate, private := r.read(cert), r.read(key)
	if certificate == nil || private == nil {
		return
	}
	pair, err := tls.X509KeyPair(certificate, private)
	if err != nil { // the error shows nothing of the key
		r.fail(cert.name, "%s and %s are not a certificate and its key: %v", cert.path, key.path, err)
		return
	}
	options.Certificates = []tls.Certificate{pair}
}
