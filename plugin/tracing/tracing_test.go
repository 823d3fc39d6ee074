package tracing_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/collector"
	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/tracing"
)

// start starts the tracing of an environment.
func start(t *testing.T, log *testkit.Log, environ ...string) *tracing.Tracing {
	t.Helper()
	settings, err := tracing.Read(environ)
	if err != nil {
		t.Fatal(err)
	}
	traces, err := tracing.Start(settings, "the-plugin", "1.2.3", log.Logger())
	if err != nil {
		t.Fatal(err)
	}
	return traces
}

// send makes one span, and ends the tracing.
func send(t *testing.T, traces *tracing.Tracing) {
	t.Helper()
	_, span := traces.Begin(t.Context(), "a span", trace.SpanKindServer, attribute.String("key", "value"))
	span.End()
	if err := traces.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}

// certificates returns a server's configuration that wants certificates of clients, and files with the
// authority, a certificate and a key.
func certificates(t *testing.T) (server *tls.Config, ca, cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	write := func(name, kind string, content []byte) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: content}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	ca, cert, key = write("ca", "CERTIFICATE", der), write("cert", "CERTIFICATE", der), write("key", "PRIVATE KEY", encoded)
	pool := x509.NewCertPool()
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool.AddCert(parsed)
	return &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: private}},
		ClientCAs:    pool, ClientAuth: tls.RequireAndVerifyClientCert, MinVersion: tls.VersionTLS12,
	}, ca, cert, key
}

// A collector gets the spans over gRPC and HTTP, with and without TLS, as the variables of
// OpenTelemetry and those of InterLink say.
func TestACollectorGetsTheSpans(t *testing.T) {
	security, ca, cert, key := certificates(t)
	plain, secure := collector.ForTest(t, nil), collector.ForTest(t, security)
	files := []string{"OTEL_EXPORTER_OTLP_CERTIFICATE=" + ca, "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE=" + cert, "OTEL_EXPORTER_OTLP_CLIENT_KEY=" + key}
	for name, test := range map[string]struct {
		to      *collector.Collector
		environ []string
		headers map[string]string
		service string
	}{
		"HTTP": {plain, []string{"OTEL_EXPORTER_OTLP_ENDPOINT=http://" + plain.HTTP, "OTEL_EXPORTER_OTLP_HEADERS=Authorization=Bearer%20t0ken,x-a=b"},
			map[string]string{":path": "/v1/traces", "authorization": "Bearer t0ken", "x-a": "b"}, "the-plugin"},
		"HTTP, a path, gzip": {plain, []string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://" + plain.HTTP + "/mine", "OTEL_EXPORTER_OTLP_COMPRESSION=gzip"},
			map[string]string{":path": "/mine", "content-encoding": "gzip"}, "the-plugin"},
		"HTTP, TLS": {secure, append(files, "OTEL_EXPORTER_OTLP_ENDPOINT=https://"+secure.HTTP), nil, "the-plugin"},
		"gRPC": {plain, []string{"OTEL_EXPORTER_OTLP_PROTOCOL=grpc", "OTEL_EXPORTER_OTLP_ENDPOINT=http://" + plain.GRPC, "OTEL_EXPORTER_OTLP_HEADERS=authorization=Bearer%20t0ken",
			"OTEL_SERVICE_NAME=mine", "OTEL_RESOURCE_ATTRIBUTES=service.name=other,site=a%20b"}, map[string]string{"authorization": "Bearer t0ken"}, "mine"},
		"gRPC, gzip": {plain, []string{"OTEL_EXPORTER_OTLP_PROTOCOL=grpc", "OTEL_EXPORTER_OTLP_ENDPOINT=" + plain.GRPC, "OTEL_EXPORTER_OTLP_INSECURE=true", "OTEL_EXPORTER_OTLP_COMPRESSION=gzip"}, nil, "the-plugin"},
		"gRPC, TLS":  {secure, append(files, "OTEL_EXPORTER_OTLP_PROTOCOL=grpc", "OTEL_EXPORTER_OTLP_ENDPOINT="+secure.GRPC), nil, "the-plugin"},
		"InterLink":  {plain, []string{"ENABLE_TRACING=1", "TELEMETRY_ENDPOINT=" + plain.GRPC, "TELEMETRY_UNIQUE_ID=7"}, nil, "the-plugin-7"},
		"InterLink, TLS": {secure, []string{"ENABLE_TRACING=1", "TELEMETRY_ENDPOINT=" + secure.GRPC,
			"TELEMETRY_CA_CRT_FILEPATH=" + ca, "TELEMETRY_CLIENT_CRT_FILEPATH=" + cert, "TELEMETRY_CLIENT_KEY_FILEPATH=" + key}, nil, "the-plugin"},
		"InterLink, TLS that is not checked": {secure, []string{"ENABLE_TRACING=1", "TELEMETRY_ENDPOINT=localhost" + secure.GRPC[strings.LastIndex(secure.GRPC, ":"):], "TELEMETRY_INSECURE_SKIP_VERIFY=true",
			"TELEMETRY_CA_CRT_FILEPATH=" + ca, "TELEMETRY_CLIENT_CRT_FILEPATH=" + cert, "TELEMETRY_CLIENT_KEY_FILEPATH=" + key}, nil, "the-plugin"},
	} {
		t.Run(name, func(t *testing.T) {
			before, log := len(test.to.Spans()), testkit.NewLog(t)
			send(t, start(t, log, test.environ...))
			spans := test.to.Spans()[before:]
			if len(spans) != 1 {
				t.Fatalf("the collector has %d spans; the log is %s", len(spans), log)
			}
			got := spans[0]
			if log.String() != "" {
				t.Errorf("the log says %s", log)
			}
			if got.Name != "a span" || got.Attributes["key"] != "value" || got.Kind != "SPAN_KIND_SERVER" || got.ParentID != "" {
				t.Errorf("got %+v", got)
			}
			if got.Resource["service.name"] != test.service || got.Resource["service.version"] != "1.2.3" || got.Resource["service.instance.id"] == "" {
				t.Errorf("the service is %v", got.Resource)
			}
			if name == "gRPC" && got.Resource["site"] != "a b" {
				t.Errorf("the service is %v", got.Resource)
			}
			headers := test.to.Headers()
			for header, want := range test.headers {
				if last := headers[len(headers)-1]; last[header] != want {
					t.Errorf("header %s is %q, want %q", header, last[header], want)
				}
			}
		})
	}
}

// A trace of a caller is continued, and its decision whether the trace is kept counts.
func TestContinue(t *testing.T) {
	const id, parent = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
	for _, test := range []struct {
		header    string
		environ   []string
		kept      bool
		continued bool
	}{
		{"", nil, true, false},
		{"00-" + id + "-" + parent + "-01", nil, true, true},
		{"00-" + id + "-" + parent + "-00", nil, false, false},
		{"00-" + id + "-" + parent + "-00", []string{"OTEL_TRACES_SAMPLER=always_on"}, true, true},
		{"00-" + id + "-" + parent + "-01", []string{"OTEL_PROPAGATORS=none"}, true, false},
		{"00-" + id + "-" + parent + "-01", []string{"OTEL_PROPAGATORS=tracecontext,baggage"}, true, true},
		{"00-00000000000000000000000000000000-" + parent + "-01", nil, true, false},
		{strings.Repeat("x", 10000), nil, true, false},
		{"", []string{"OTEL_TRACES_SAMPLER=always_off"}, false, false},
		{"", []string{"OTEL_TRACES_SAMPLER=parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG=0"}, false, false},
		{"00-" + id + "-" + parent + "-01", []string{"OTEL_TRACES_SAMPLER=parentbased_always_off"}, true, true},
	} {
		to := collector.ForTest(t, nil)
		traces := start(t, testkit.NewLog(t), append(test.environ, "OTEL_EXPORTER_OTLP_ENDPOINT=http://"+to.HTTP)...)
		ctx := traces.Continue(t.Context(), http.Header{"Traceparent": {test.header}})
		ctx, span := traces.Begin(ctx, "s", trace.SpanKindServer)
		if got := tracing.ID(ctx); len(got) != 32 || test.continued && got != id {
			t.Errorf("%+v: the ID of the trace is %q", test, got)
		}
		span.End()
		if err := traces.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		spans := to.Spans()
		if (len(spans) == 1) != test.kept {
			t.Errorf("%+v: the collector has %v", test, spans)
			continue
		}
		if test.kept && (spans[0].TraceID == id && spans[0].ParentID == parent) != test.continued {
			t.Errorf("%+v: got %+v", test, spans[0])
		}
	}
}

// A collector that refuses, hangs or is not there costs spans, and nothing else: no span waits for it, the
// end is in time, and the log says it once, without the token.
func TestACollectorThatIsAway(t *testing.T) {
	for _, protocol := range []string{"grpc", "http/protobuf"} {
		for _, trouble := range []string{"refuses", "hangs", "is not there"} {
			t.Run(protocol+" "+trouble, func(t *testing.T) {
				to := collector.ForTest(t, nil)
				at := map[string]string{"grpc": to.GRPC, "http/protobuf": to.HTTP}[protocol]
				switch trouble {
				case "refuses":
					to.Refuse("who are you, Bearer t0ken-of-the-site?")
				case "hangs":
					to.Hang(true)
				default:
					at = fmt.Sprintf("127.0.0.1:%d", testkit.FreePort(t))
				}
				log := testkit.NewLog(t)
				traces := start(t, log, "OTEL_EXPORTER_OTLP_PROTOCOL="+protocol, "OTEL_EXPORTER_OTLP_ENDPOINT=http://"+at,
					"OTEL_EXPORTER_OTLP_HEADERS=authorization=Bearer%20t0ken-of-the-site", "OTEL_BSP_MAX_QUEUE_SIZE=10", "OTEL_BSP_SCHEDULE_DELAY=1")
				for range 1000 { // many more than the queue can have: none waits
					_, span := traces.Begin(t.Context(), "s", trace.SpanKindServer)
					span.End()
				}
				ctx, cancel := context.WithCancel(t.Context())
				ended := make(chan error, 1)
				go func() { ended <- traces.Shutdown(ctx) }()
				if trouble == "refuses" { // a refusal is final; other trouble is tried again for a while
					testkit.Eventually(t, "the log says it", func() bool { return strings.Contains(log.String(), "does not take the spans") })
				}
				cancel()
				_ = testkit.Receive(t, "the end", ended)
				if strings.Contains(log.String(), "t0ken") {
					t.Errorf("the log shows the token: %s", log)
				}
				if n := strings.Count(log.String(), "does not take the spans"); n > 1 || trouble == "refuses" && n != 1 {
					t.Errorf("the log says it %d times: %s", n, log)
				}
			})
		}
	}
}

// When the collector takes spans again, the log says so.
func TestACollectorThatComesBack(t *testing.T) {
	to, log := collector.ForTest(t, nil), testkit.NewLog(t)
	traces := start(t, log, "OTEL_EXPORTER_OTLP_ENDPOINT=http://"+to.HTTP, "OTEL_BSP_SCHEDULE_DELAY=1")
	one := func() {
		_, span := traces.Begin(t.Context(), "s", trace.SpanKindServer)
		span.End()
	}
	to.Refuse("not now")
	one()
	testkit.Eventually(t, "the log says that the collector is away", func() bool { return strings.Contains(log.String(), "does not take the spans") })
	to.Refuse("")
	one()
	testkit.Eventually(t, "the log says that it is back", func() bool { return strings.Contains(log.String(), "takes spans again") })
	if err := traces.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if got := len(to.Spans()); got != 1 {
		t.Errorf("the collector has %d spans, want 1", got)
	}
}
