package tracing

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	protocolHTTP = "http/protobuf"
	protocolGRPC = "grpc"
)

// reader reads variables, and collects what is wrong with them.
type reader struct {
	values   map[string]string
	problems []error
}

// Read returns the settings in an environment (os.Environ). A variable with an empty value counts
// as not set. The error has a line for each value that is wrong, and shows no value that can be
// secret. Where nothing turns traces on, other variables are not looked at: they may be meant for
// other programs.
func Read(environ []string) (Settings, error) {
	r := &reader{values: map[string]string{}}
	for _, pair := range environ {
		name, value, _ := strings.Cut(pair, "=")
		if value = strings.TrimSpace(value); value != "" {
			r.values[name] = value
		}
	}
	s := Settings{enabled: r.enabled()}
	if s.enabled {
		r.readEndpoint(&s)
		r.readService(&s)
		r.readSampling(&s)
		r.readBatches(&s)
	}
	if err := errors.Join(r.problems...); err != nil {
		return Settings{}, err
	}
	return s, nil
}

func (r *reader) fail(name, format string, args ...any) {
	r.problems = append(r.problems, fmt.Errorf("environment variable %s: %s", name, fmt.Sprintf(format, args...)))
}

// enabled reports whether the environment turns traces on.
func (r *reader) enabled() bool {
	disabled := r.boolean("OTEL_SDK_DISABLED")
	exporter := r.oneOf("OTEL_TRACES_EXPORTER", "", "otlp", "none")
	interLink := r.oneOf("ENABLE_TRACING", "0", "1", "0", "false") == "1"
	_, endpoint := r.otlp("ENDPOINT")
	return !disabled && exporter != "none" && (exporter == "otlp" || endpoint != "" || interLink)
}

// otlp returns the variable of the exporter that counts: the one for traces before the one for all
// signals.
func (r *reader) otlp(suffix string) (name, value string) {
	for _, name := range []string{"OTEL_EXPORTER_OTLP_TRACES_" + suffix, "OTEL_EXPORTER_OTLP_" + suffix} {
		if value := r.values[name]; value != "" {
			return name, value
		}
	}
	return "", ""
}

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

// readService reads what the service is called.
func (r *reader) readService(s *Settings) {
	s.attributes = map[string]string{}
	if list := r.values["OTEL_RESOURCE_ATTRIBUTES"]; list != "" {
		s.attributes = r.pairs("OTEL_RESOURCE_ATTRIBUTES", list, false)
	}
	s.service, s.uniqueID = s.attributes["service.name"], r.values["TELEMETRY_UNIQUE_ID"]
	delete(s.attributes, "service.name")
	if name := r.values["OTEL_SERVICE_NAME"]; name != "" {
		s.service = name
	}
}

// samplers are the samplers of the standard.
var samplers = []string{
	"always_on", "always_off", "traceidratio",
	"parentbased_always_on", "parentbased_always_off", "parentbased_traceidratio",
}

// readSampling reads which traces are kept and which are continued.
func (r *reader) readSampling(s *Settings) {
	s.sampler, s.ratio = r.oneOf("OTEL_TRACES_SAMPLER", "parentbased_always_on", samplers...), 1
	if text := r.values["OTEL_TRACES_SAMPLER_ARG"]; text != "" && strings.HasSuffix(s.sampler, "ratio") {
		ratio, err := strconv.ParseFloat(text, 64)
		if err != nil || !(ratio >= 0 && ratio <= 1) { // NaN is neither
			r.fail("OTEL_TRACES_SAMPLER_ARG", "%q is not a number from 0 to 1", shown(text))
		}
		s.ratio = ratio
	}
	if list := r.values["OTEL_PROPAGATORS"]; list != "" {
		s.newOnly = true
		for _, one := range strings.Split(list, ",") {
			switch one = strings.TrimSpace(one); one {
			case "tracecontext":
				s.newOnly = false
			case "baggage", "none":
			default:
				r.fail("OTEL_PROPAGATORS", "%q is not known; known are tracecontext, baggage, none", shown(one))
			}
		}
	}
}

// readBatches reads how spans are collected before they are sent.
func (r *reader) readBatches(s *Settings) {
	s.batchDelay = r.milliseconds("OTEL_BSP_SCHEDULE_DELAY", 5*time.Second)
	s.batchTimeout = r.milliseconds("OTEL_BSP_EXPORT_TIMEOUT", 30*time.Second)
	s.queueSize = r.number("OTEL_BSP_MAX_QUEUE_SIZE", 2048)
	s.batchSize = r.number("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", min(512, s.queueSize))
	if s.batchSize > s.queueSize {
		r.fail("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "%d is more than OTEL_BSP_MAX_QUEUE_SIZE (%d)", s.batchSize, s.queueSize)
	}
}

// shown returns a value for an error: one short line.
func shown(text string) string {
	if len(text) > 50 {
		text = text[:50] + "..."
	}
	return strings.ToValidUTF8(text, "")
}

func (r *reader) oneOf(name, otherwise string, known ...string) string {
	value := r.values[name]
	if value == "" {
		return otherwise
	}
	if !slices.Contains(known, value) {
		r.fail(name, "%q is not known; known are %s", shown(value), strings.Join(known, ", "))
	}
	return value
}

func (r *reader) otlpOneOf(suffix, otherwise string, known ...string) string {
	if name, _ := r.otlp(suffix); name != "" {
		return r.oneOf(name, otherwise, known...)
	}
	return otherwise
}

func (r *reader) boolean(name string) bool {
	return strings.EqualFold(r.oneOf(name, "false", "true", "false", "True", "False", "TRUE", "FALSE"), "true")
}

func (r *reader) otlpBoolean(suffix string) bool {
	name, _ := r.otlp(suffix)
	return name != "" && r.boolean(name)
}

// maxNumber is the largest number of a variable: a day in milliseconds, or a queue that still
// fits in memory.
const maxNumber = 86_400_000

func (r *reader) number(name string, otherwise int) int {
	text := r.values[name]
	if text == "" {
		return otherwise
	}
	number, err := strconv.Atoi(text)
	limit := maxNumber
	if strings.HasSuffix(name, "_SIZE") {
		limit = 1_000_000
	}
	if err != nil || number < 1 || number > limit {
		r.fail(name, "%q is not a number from 1 to %d", shown(text), limit)
		return otherwise
	}
	return number
}

func (r *reader) milliseconds(name string, otherwise time.Duration) time.Duration {
	return time.Duration(r.number(name, int(otherwise.Milliseconds()))) * time.Millisecond
}

func (r *reader) otlpMilliseconds(suffix string, otherwise time.Duration) time.Duration {
	if name, _ := r.otlp(suffix); name != "" {
		return r.milliseconds(name, otherwise)
	}
	return otherwise
}

// pairs reads a list of name=value. The values, and in headers the names, are percent-encoded.
// It shows nothing of a list that is wrong: it may hold a token.
func (r *reader) pairs(name, list string, headers bool) map[string]string {
	pairs := map[string]string{}
	for i, pair := range strings.Split(list, ",") {
		key, value, found := strings.Cut(pair, "=")
		if strings.TrimSpace(pair) == "" {
			continue
		}
		key, keyErr := url.PathUnescape(strings.TrimSpace(key))
		value, valueErr := url.PathUnescape(strings.TrimSpace(value))
		if headers {
			key = strings.ToLower(key)
		}
		if !found || key == "" || keyErr != nil || valueErr != nil {
			r.fail(name, "entry %d is not name=value, with percent-encoding", i+1)
			continue
		}
		pairs[key] = value
	}
	return pairs
}

// file is a file that a variable names.
type file struct{ name, path string }

func (r *reader) file(name string) file { return file{name, r.values[name]} }

// read returns the content of a file, or nil.
func (r *reader) read(f file) []byte {
	if f.path == "" {
		return nil
	}
	content, err := os.ReadFile(f.path)
	if err != nil {
		r.fail(f.name, "%v", err)
	}
	return content
}
