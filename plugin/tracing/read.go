package tracing

import (
	"errors"
	"fmt"
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
