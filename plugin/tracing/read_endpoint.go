package tracing

import (
	"crypto/tls"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// readEndpoint reads where the spans go. InterLink's names count if no standard name says where.
func (r *reader) readEndpoint(s *Settings) {
	name, endpoint := r.otlp("ENDPOINT")
	if endpoint == "" && r.values["ENABLE_TRACING"] == "1" {
		r.readInterLink(s)
	} else {
		s.grpc = r.protocol() == protocolGRPC
		r.standardEndpoint(s, name, endpoint)
	}
	s.gzip = r.otlpOneOf("COMPRESSION", "none", "none", "gzip") == "gzip"
	s.timeout = r.otlpMilliseconds("TIMEOUT", 10*time.Second)
	if name, list := r.otlp("HEADERS"); list != "" {
		s.headers = r.pairs(name, list, true)
		for header := range s.headers {
			if strings.ContainsFunc(header, func(c rune) bool { return c <= ' ' || c > '~' || strings.ContainsRune(`()<>@,;:\"/[]?={}`, c) }) {
				r.fail(name, "the name of a header is not valid; it is a list of name=value, with commas between them")
			}
			if strings.ContainsFunc(s.headers[header], func(c rune) bool { return c < ' ' || c > '~' }) {
				r.fail(name, "the value of header %q has a character that no header can have", header)
			}
		}
	}
}

func (r *reader) protocol() string {
	return r.otlpOneOf("PROTOCOL", protocolHTTP, protocolGRPC, protocolHTTP)
}

// standardEndpoint reads an endpoint of the standard variables; an empty one is the default.
func (r *reader) standardEndpoint(s *Settings, name, text string) {
	base := name != "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
	if text == "" {
		text = "http://localhost:4318"
		if s.grpc {
			text = "http://localhost:4317"
		}
	}
	if s.grpc && !strings.Contains(text, "://") {
		scheme := "https"
		if r.otlpBoolean("INSECURE") {
			scheme = "http"
		}
		text = scheme + "://" + text
	}
	at, err := url.Parse(text)
	switch {
	case err != nil:
		// The error of url.Parse quotes the text, which can hold a password.
		r.fail(name, "it is not a URL")
		return
	case at.Scheme != "http" && at.Scheme != "https", at.Hostname() == "":
		r.fail(name, "it must begin with http:// or https:// and a host%s", map[bool]string{true: ", or be host:port"}[s.grpc])
		return
	case at.User != nil:
		r.fail(name, "it must not hold a user or a password; OTEL_EXPORTER_OTLP_HEADERS can hold a token")
		return
	case at.RawQuery != "" || at.Fragment != "":
		r.fail(name, "it must not have a query or a fragment")
		return
	case !validPort(at):
		r.fail(name, "its port must be a number from 1 to 65535")
		return
	}
	if s.grpc && at.Port() == "" { // gRPC's own default would be 443, also without TLS
		at.Host = net.JoinHostPort(at.Hostname(), "4317")
	}
	if base && !s.grpc {
		at.Path = strings.TrimSuffix(at.Path, "/") + "/v1/traces"
	}
	s.endpoint = *at
	if at.Scheme == "https" {
		s.tls = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	caName, ca := r.otlp("CERTIFICATE")
	certName, cert := r.otlp("CLIENT_CERTIFICATE")
	keyName, key := r.otlp("CLIENT_KEY")
	r.readTLS(s, file{caName, ca}, file{certName, cert}, file{keyName, key})
}

// validPort reports whether a URL has no port or one that can exist.
func validPort(at *url.URL) bool {
	if at.Port() == "" {
		return !strings.HasSuffix(at.Host, ":")
	}
	port, err := strconv.ParseUint(at.Port(), 10, 16)
	return err == nil && port > 0
}

// readInterLink reads the names of InterLink's own programs, which send over gRPC, and use TLS
// only with a certificate authority, and then only with a certificate of their own.
func (r *reader) readInterLink(s *Settings) {
	s.grpc = true
	const name = "TELEMETRY_ENDPOINT"
	text := r.values[name]
	if text == "" {
		text = "localhost:4317"
	}
	host, port, err := net.SplitHostPort(text)
	if number, portErr := strconv.ParseUint(port, 10, 16); err != nil || portErr != nil || number == 0 || host == "" || strings.ContainsAny(host, "/@") {
		r.fail(name, "it must be host:port; for a URL, set OTEL_EXPORTER_OTLP_ENDPOINT")
	}
	s.endpoint = url.URL{Scheme: "http", Host: text}
	ca, cert, key := r.file("TELEMETRY_CA_CRT_FILEPATH"), r.file("TELEMETRY_CLIENT_CRT_FILEPATH"), r.file("TELEMETRY_CLIENT_KEY_FILEPATH")
	skip := r.boolean("TELEMETRY_INSECURE_SKIP_VERIFY")
	if ca.path == "" {
		return
	}
	for _, f := range []file{cert, key} {
		if f.path == "" {
			r.fail(f.name, "it is required with TELEMETRY_CA_CRT_FILEPATH, as in InterLink")
		}
	}
	if cert.path == "" || key.path == "" {
		return
	}
	s.endpoint.Scheme = "https"
	s.tls = &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: skip} //nolint:gosec // only if the site asks for it
	r.readTLS(s, ca, cert, key)
}
