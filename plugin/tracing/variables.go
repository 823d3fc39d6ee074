package tracing

// Variable is an environment variable that configures traces.
type Variable struct {
	Name string
	// Meaning is one line for the documentation.
	Meaning string
}

// Variables are the variables that the plugin reads. Those of OpenTelemetry are described in
// https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/ and
// https://opentelemetry.io/docs/specs/otel/protocol/exporter/. The names without OTEL_ are those of
// InterLink's API server and virtual kubelet.
var Variables = []Variable{
	{Name: "OTEL_EXPORTER_OTLP_ENDPOINT", Meaning: "The collector, such as `http://collector:4318` (HTTP) or `http://collector:4317` (gRPC). To set it turns traces on. `https` means TLS. For HTTP, `/v1/traces` is added to the path."},
	{Name: "OTEL_EXPORTER_OTLP_PROTOCOL", Meaning: "`http/protobuf` (the default) or `grpc`."},
	{Name: "OTEL_EXPORTER_OTLP_HEADERS", Meaning: "Headers for the collector, `name=value,name=value`; values are percent-encoded. It can hold a token, and is never shown."},
	{Name: "OTEL_EXPORTER_OTLP_TIMEOUT", Meaning: "How long one export may take, in milliseconds; 10000 by default."},
	{Name: "OTEL_EXPORTER_OTLP_COMPRESSION", Meaning: "`none` (the default) or `gzip`."},
	{Name: "OTEL_EXPORTER_OTLP_INSECURE", Meaning: "`true` for gRPC without TLS, if the endpoint has no scheme."},
	{Name: "OTEL_EXPORTER_OTLP_CERTIFICATE", Meaning: "A file with the certificate authorities of the collector, in PEM format."},
	{Name: "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", Meaning: "A file with the certificate that the plugin shows to the collector; needs the key as well."},
	{Name: "OTEL_EXPORTER_OTLP_CLIENT_KEY", Meaning: "A file with the key of that certificate."},
	{Name: "OTEL_TRACES_EXPORTER", Meaning: "`otlp` turns traces on, to the default endpoint if none is set; `none` turns them off."},
	{Name: "OTEL_SDK_DISABLED", Meaning: "`true` turns traces off, whatever else is set."},
	{Name: "OTEL_SERVICE_NAME", Meaning: "The name of the service; `[app] name` by default."},
	{Name: "OTEL_RESOURCE_ATTRIBUTES", Meaning: "More attributes of the service, `name=value,name=value`."},
	{Name: "OTEL_TRACES_SAMPLER", Meaning: "Which traces are kept: `always_on`, `always_off`, `traceidratio`, and the same with `parentbased_` before it; `parentbased_always_on` by default."},
	{Name: "OTEL_TRACES_SAMPLER_ARG", Meaning: "The part of the traces that is kept, from 0 to 1, for `traceidratio` and `parentbased_traceidratio`."},
	{Name: "OTEL_PROPAGATORS", Meaning: "`tracecontext` continues the trace of a request with the header `traceparent` (the default, with or without `baggage`); `none` begins a new one."},
	{Name: "OTEL_BSP_SCHEDULE_DELAY", Meaning: "How long spans wait for others before they are sent, in milliseconds; 5000 by default."},
	{Name: "OTEL_BSP_EXPORT_TIMEOUT", Meaning: "How long one batch may take with its retries, in milliseconds; 30000 by default."},
	{Name: "OTEL_BSP_MAX_QUEUE_SIZE", Meaning: "How many spans wait at most; more are lost; 2048 by default."},
	{Name: "OTEL_BSP_MAX_EXPORT_BATCH_SIZE", Meaning: "How many spans are sent at once; 512 by default."},
	{Name: "ENABLE_TRACING", Meaning: "`1` turns traces on, as in InterLink: over gRPC, to `TELEMETRY_ENDPOINT`."},
	{Name: "TELEMETRY_ENDPOINT", Meaning: "The collector as `host:port`, `localhost:4317` by default. Only with `ENABLE_TRACING=1`, and without a standard endpoint."},
	{Name: "TELEMETRY_CA_CRT_FILEPATH", Meaning: "A file with the certificate authorities of that collector. Without it, the connection has no TLS. With it, the next two are required, as in InterLink."},
	{Name: "TELEMETRY_CLIENT_CRT_FILEPATH", Meaning: "A file with the certificate that the plugin shows to that collector."},
	{Name: "TELEMETRY_CLIENT_KEY_FILEPATH", Meaning: "A file with the key of that certificate."},
	{Name: "TELEMETRY_INSECURE_SKIP_VERIFY", Meaning: "`true`: the certificate of that collector is not checked. For tests only."},
	{Name: "TELEMETRY_UNIQUE_ID", Meaning: "What the name of the service ends with, after a dash. It tells several plugins apart."},
}
