package tracing

import (
	"crypto/tls"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// Settings are how traces are made and where they go. The zero value makes none.
type Settings struct {
	enabled bool
	// endpoint is the collector. Its path is used only over HTTP.
	endpoint url.URL
	grpc     bool
	gzip     bool
	headers  map[string]string
	timeout  time.Duration // of one export
	tls      *tls.Config   // nil for a connection without TLS

	service    string // empty for the name of the plugin
	uniqueID   string // what the name of the service ends with
	attributes map[string]string

	sampler string
	ratio   float64 // of the traces that are kept, for some samplers
	newOnly bool    // the trace of a caller is not continued

	batchDelay, batchTimeout time.Duration
	queueSize, batchSize     int
}

// Enabled reports whether there are traces.
func (s Settings) Enabled() bool { return s.enabled }

// String describes the settings for the log, without headers and passwords.
func (s Settings) String() string {
	if !s.enabled {
		return "off"
	}
	protocol := protocolHTTP
	if s.grpc {
		protocol = protocolGRPC
	}
	at := url.URL{Scheme: s.endpoint.Scheme, Host: s.endpoint.Host, Path: s.endpoint.Path}
	text := fmt.Sprintf("%s to %s, sampler %s", protocol, at.String(), s.sampler)
	if strings.HasSuffix(s.sampler, "ratio") {
		text += fmt.Sprintf(" %g", s.ratio)
	}
	if s.tls != nil && s.tls.InsecureSkipVerify {
		text += ", the certificate of the collector is not checked"
	}
	return text
}
