package tracing_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/tracing"
)

func TestRead(t *testing.T) {
	for _, test := range []struct{ environ, want string }{
		{"", "off"},
		{"OTEL_EXPORTER_OTLP_ENDPOINT=", "off"},
		{"OTEL_EXPORTER_OTLP_PROTOCOL=grpc OTEL_SERVICE_NAME=x TELEMETRY_ENDPOINT=c:4317", "off"},
		{"OTEL_TRACES_EXPORTER=none OTEL_EXPORTER_OTLP_ENDPOINT=http://c:4318", "off"},
		{"OTEL_SDK_DISABLED=true OTEL_EXPORTER_OTLP_ENDPOINT=http://c:4318 ENABLE_TRACING=1", "off"},
		{"ENABLE_TRACING=0", "off"},
		{"ENABLE_TRACING=false", "off"},
		// The values of what is off are not looked at.
		{"OTEL_EXPORTER_OTLP_PROTOCOL=http/json OTEL_TRACES_SAMPLER=mine", "off"},

		{"OTEL_TRACES_EXPORTER=otlp", "http/protobuf to http://localhost:4318/v1/traces, sampler parentbased_always_on"},
		{"OTEL_TRACES_EXPORTER=otlp OTEL_EXPORTER_OTLP_PROTOCOL=grpc", "grpc to http://localhost:4317, sampler parentbased_always_on"},
		{"OTEL_EXPORTER_OTLP_ENDPOINT=https://c/x/", "http/protobuf to https://c/x/v1/traces, sampler parentbased_always_on"},
		{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://c:1/x", "http/protobuf to http://c:1/x, sampler parentbased_always_on"},
		{"OTEL_EXPORTER_OTLP_ENDPOINT=http://a:1 OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://b:1", "http/protobuf to http://b:1, sampler parentbased_always_on"},
		{"OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=grpc OTEL_EXPORTER_OTLP_ENDPOINT=c:1", "grpc to https://c:1, sampler parentbased_always_on"},
		{"OTEL_EXPORTER_OTLP_PROTOCOL=grpc OTEL_EXPORTER_OTLP_ENDPOINT=c:1 OTEL_EXPORTER_OTLP_INSECURE=true", "grpc to http://c:1, sampler parentbased_always_on"},
		{"OTEL_EXPORTER_OTLP_PROTOCOL=grpc OTEL_EXPORTER_OTLP_ENDPOINT=https://c OTEL_EXPORTER_OTLP_INSECURE=true", "grpc to https://c:4317, sampler parentbased_always_on"},
		{"ENABLE_TRACING=1", "grpc to http://localhost:4317, sampler parentbased_always_on"},
		{"ENABLE_TRACING=1 TELEMETRY_ENDPOINT=tempo:4317", "grpc to http://tempo:4317, sampler parentbased_always_on"},
		{"ENABLE_TRACING=1 TELEMETRY_ENDPOINT=tempo:4317 OTEL_EXPORTER_OTLP_ENDPOINT=http://c:4318", "http/protobuf to http://c:4318/v1/traces, sampler parentbased_always_on"},
		{"OTEL_TRACES_EXPORTER=otlp OTEL_TRACES_SAMPLER=traceidratio OTEL_TRACES_SAMPLER_ARG=0.25", "http/protobuf to http://localhost:4318/v1/traces, sampler traceidratio 0.25"},
		// always_on has no argument.
		{"OTEL_TRACES_EXPORTER=otlp OTEL_TRACES_SAMPLER=always_on OTEL_TRACES_SAMPLER_ARG=many", "http/protobuf to http://localhost:4318/v1/traces, sampler always_on"},
	} {
		settings, err := tracing.Read(strings.Fields(test.environ))
		if err != nil || settings.String() != test.want || settings.Enabled() != (test.want != "off") {
			t.Errorf("%s\n got %s (%v)\nwant %s", test.environ, settings, err, test.want)
		}
	}
}

func TestReadRefuses(t *testing.T) {
	notPEM := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(notPEM, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	const on = "OTEL_TRACES_EXPORTER=otlp "
	for _, test := range []struct {
		environ string
		want    []string // one for each line
	}{
		{"OTEL_TRACES_EXPORTER=jaeger", []string{`OTEL_TRACES_EXPORTER: "jaeger" is not known; known are otlp, none`}},
		{"OTEL_SDK_DISABLED=yes", []string{"OTEL_SDK_DISABLED"}},
		{"ENABLE_TRACING=true", []string{`ENABLE_TRACING: "true" is not known; known are 1, 0, false`}},
		{"OTEL_EXPORTER_OTLP_ENDPOINT=collector:4318", []string{"OTEL_EXPORTER_OTLP_ENDPOINT: it must begin with http:// or https://"}},
		{"OTEL_EXPORTER_OTLP_ENDPOINT=http://", []string{"and a host"}},
		{"OTEL_EXPORTER_OTLP_ENDPOINT=ftp://c", []string{"must begin with http://"}},
		{"OTEL_EXPORTER_OTLP_ENDPOINT=http://c:99999", []string{"its port"}},
		{"OTEL_EXPORTER_OTLP_ENDPOINT=http://c:", []string{"its port"}},
		{"OTEL_EXPORTER_OTLP_ENDPOINT=http://c:s3cr3t", []string{"it is not a URL"}},
		{"OTEL_EXPORTER_OTLP_ENDPOINT=http://u:s3cr3t@c", []string{"must not hold a user or a password"}},
		{"OTEL_EXPORTER_OTLP_ENDPOINT=http://c?token=s3cr3t", []string{"must not have a query"}},
		{"OTEL_EXPORTER_OTLP_PROTOCOL=grpc OTEL_EXPORTER_OTLP_ENDPOINT=/path", []string{"or be host:port"}},
		{on + "OTEL_EXPORTER_OTLP_PROTOCOL=http/json", []string{`OTEL_EXPORTER_OTLP_PROTOCOL: "http/json" is not known; known are grpc, http/protobuf`}},
		{on + "OTEL_EXPORTER_OTLP_TIMEOUT=10s", []string{"OTEL_EXPORTER_OTLP_TIMEOUT"}},
		{on + "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT=0", []string{"OTEL_EXPORTER_OTLP_TRACES_TIMEOUT"}},
		{on + "OTEL_EXPORTER_OTLP_COMPRESSION=zip", []string{"OTEL_EXPORTER_OTLP_COMPRESSION"}},
		{on + "OTEL_EXPORTER_OTLP_HEADERS=s3cr3t", []string{"OTEL_EXPORTER_OTLP_HEADERS: entry 1 is not name=value"}},
		{on + "OTEL_EXPORTER_OTLP_HEADERS=a=b,c=%zzs3cr3t", []string{"entry 2 is not name=value"}},
		{on + "OTEL_EXPORTER_OTLP_HEADERS=a:s3cr3t=c", []string{"the name of a header is not valid"}},
		{on + "OTEL_EXPORTER_OTLP_HEADERS=a=s3cr3t%0Ab", []string{`the value of header "a"`}},
		{on + "OTEL_TRACES_SAMPLER=sometimes", []string{"OTEL_TRACES_SAMPLER"}},
		{on + "OTEL_TRACES_SAMPLER=traceidratio OTEL_TRACES_SAMPLER_ARG=1.5", []string{"not a number from 0 to 1"}},
		{on + "OTEL_TRACES_SAMPLER=traceidratio OTEL_TRACES_SAMPLER_ARG=NaN", []string{"not a number from 0 to 1"}},
		{on + "OTEL_PROPAGATORS=tracecontext,b3", []string{`OTEL_PROPAGATORS: "b3" is not known`}},
		{on + "OTEL_BSP_MAX_QUEUE_SIZE=0 OTEL_BSP_SCHEDULE_DELAY=-1", []string{"OTEL_BSP_SCHEDULE_DELAY", "OTEL_BSP_MAX_QUEUE_SIZE"}},
		{on + "OTEL_BSP_MAX_QUEUE_SIZE=10 OTEL_BSP_MAX_EXPORT_BATCH_SIZE=20", []string{"20 is more than OTEL_BSP_MAX_QUEUE_SIZE (10)"}},
		{on + "OTEL_RESOURCE_ATTRIBUTES=a", []string{"OTEL_RESOURCE_ATTRIBUTES: entry 1"}},
		{on + "OTEL_EXPORTER_OTLP_CERTIFICATE=/x", []string{"OTEL_EXPORTER_OTLP_CERTIFICATE: the endpoint has no TLS"}},
		{"OTEL_EXPORTER_OTLP_ENDPOINT=https://c OTEL_EXPORTER_OTLP_CERTIFICATE=/does/not/exist", []string{"OTEL_EXPORTER_OTLP_CERTIFICATE: open /does/not/exist"}},
		{"OTEL_EXPORTER_OTLP_ENDPOINT=https://c OTEL_EXPORTER_OTLP_CERTIFICATE=" + notPEM, []string{"holds no certificate in PEM format"}},
		{"OTEL_EXPORTER_OTLP_ENDPOINT=https://c OTEL_EXPORTER_OTLP_CLIENT_KEY=" + notPEM, []string{"OTEL_EXPORTER_OTLP_CLIENT_KEY: a client certificate is required"}},
		{"OTEL_EXPORTER_OTLP_ENDPOINT=https://c OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE=" + notPEM, []string{"OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: a client key is required"}},
		{"OTEL_EXPORTER_OTLP_ENDPOINT=https://c OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE=" + notPEM + " OTEL_EXPORTER_OTLP_CLIENT_KEY=" + notPEM, []string{"are not a certificate and its key"}},
		{"ENABLE_TRACING=1 TELEMETRY_ENDPOINT=http://c:4317", []string{"TELEMETRY_ENDPOINT: it must be host:port; for a URL, set OTEL_EXPORTER_OTLP_ENDPOINT"}},
		{"ENABLE_TRACING=1 TELEMETRY_ENDPOINT=c", []string{"must be host:port"}},
		{"ENABLE_TRACING=1 TELEMETRY_INSECURE_SKIP_VERIFY=1", []string{"TELEMETRY_INSECURE_SKIP_VERIFY"}},
		{"ENABLE_TRACING=1 TELEMETRY_CA_CRT_FILEPATH=" + notPEM, []string{"TELEMETRY_CLIENT_CRT_FILEPATH: it is required", "TELEMETRY_CLIENT_KEY_FILEPATH: it is required"}},
	} {
		settings, err := tracing.Read(strings.Fields(test.environ))
		if err == nil || settings.Enabled() {
			t.Errorf("%s: no error, and %s", test.environ, settings)
			continue
		}
		lines := strings.Split(err.Error(), "\n")
		if len(lines) != len(test.want) {
			t.Errorf("%s: want %d lines, got\n%v", test.environ, len(test.want), err)
			continue
		}
		for i, want := range test.want {
			if !strings.Contains(lines[i], want) || !strings.HasPrefix(lines[i], "environment variable ") {
				t.Errorf("%s: got %s, want %s", test.environ, lines[i], want)
			}
		}
		if strings.Contains(err.Error(), "s3cr3t") {
			t.Errorf("%s: the error shows a secret: %v", test.environ, err)
		}
	}
}
