package plugin

import (
	"errors"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/cluster"
)

// registerHealth registers how the connection with the remote API server is.
func (p *Plugin) registerHealth(registry *prometheus.Registry) error {
	started := time.Now()
	var failures []error
	for _, gauge := range []struct {
		name, help string
		value      func() float64
	}{
		{"remote_refused_seconds", "For how long the remote API server refuses the plugin: its credentials, or to list and watch pods. 0 if it accepts the plugin.",
			func() float64 { return secondsSince(p.cluster.Refused().Since) }},
		{"remote_unreachable_seconds", "For how long no remote API server answers. 0 if one does.",
			func() float64 { return secondsSince(p.cluster.Unreachable().Since) }},
		{"watch_age_seconds", "Time since the last event or bookmark of the watch of remote pods. API servers send a bookmark every minute.",
			func() float64 {
				if heard := p.cluster.LastHeard(); !heard.IsZero() {
					return secondsSince(heard)
				}
				return secondsSince(started)
			}},
		{"credentials_loaded_timestamp_seconds", "When the credentials for the remote cluster that are used now were read first, in seconds since 1970. 0 if it is not known.",
			func() float64 { return timestamp(p.cluster.Credentials().Loaded) }},
		{"credentials_read_timestamp_seconds", "When the credentials for the remote cluster were last read without an error, in seconds since 1970. They are read every 5 s. 0 if it is not known.",
			func() float64 { return timestamp(p.cluster.Credentials().Read) }},
	} {
		failures = append(failures, registerGauge(registry, gauge.name, gauge.help, gauge.value))
	}
	return errors.Join(failures...)
}

// registerPods registers how the remote pods are.
func (p *Plugin) registerPods(registry *prometheus.Registry) error {
	return registry.Register(podMetrics{p.cluster.CountPods})
}

// podMetrics are the metrics of the remote pods; one scrape counts them once.
type podMetrics struct{ count func() cluster.PodCounts }

var (
	cachedPods = describe("cached_pods", "Number of remote pods in the pod cache, by phase.", "phase")
	oldestPod  = describe("pending_pods_oldest_seconds", "Time since the creation of the oldest remote pod that is Pending and not being deleted. 0 if there is none.")
	overduePod = describe("deleted_pods_overdue_seconds", "How long ago, at most, a remote pod that is being deleted was to be gone, its grace period included. 0 if none is late.")
)

// Describe sends the descriptions of the metrics.
func (m podMetrics) Describe(to chan<- *prometheus.Desc) {
	sendAll(to, cachedPods, oldestPod, overduePod)
}

// Collect sends the metrics.
func (m podMetrics) Collect(to chan<- prometheus.Metric) {
	counts := m.count()
	for phase, n := range counts.Phases {
		to <- gauge(cachedPods, float64(n), string(phase))
	}
	to <- gauge(oldestPod, secondsSince(counts.OldestPending))
	to <- gauge(overduePod, secondsSince(counts.Overdue))
}

// registerCalls registers the metrics of calls of the remote API server, and observes the connection.
func registerCalls(registry *prometheus.Registry, connection *cluster.Connection) error {
	requests := prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: metricsPrefix, Name: "remote_requests_total",
		Help: "Number of requests to the remote API server, by verb, resource, and HTTP status of the answer: none if no answer came, canceled if the caller did not wait for it.",
	}, []string{"verb", "resource", "code"})
	duration := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Namespace: metricsPrefix, Name: "remote_request_duration_seconds",
		Help: "Time from the start of a request to the remote API server to the headers of its answer, by verb.",
		// One try has 15 s and up to 20 % more; a watch may begin to answer late.
		Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 20, 60},
	}, []string{"verb"})
	if connection != nil {
		connection.Observe(func(call cluster.Call) {
			requests.WithLabelValues(call.Verb, call.Resource, call.Code).Inc()
			if call.Code != cluster.CodeCanceled {
				duration.WithLabelValues(call.Verb).Observe(call.Duration.Seconds())
			}
		})
	}
	return errors.Join(registry.Register(requests), registry.Register(duration))
}

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(metricsPrefix+"_"+name, help, labels, nil)
}

func sendAll(to chan<- *prometheus.Desc, all ...*prometheus.Desc) {
	for _, desc := range all {
		to <- desc
	}
}

func gauge(desc *prometheus.Desc, value float64, labels ...string) prometheus.Metric {
	return prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
}

func counter(desc *prometheus.Desc, value uint64, labels ...string) prometheus.Metric {
	return prometheus.MustNewConstMetric(desc, prometheus.CounterValue, float64(value), labels...)
}

// labelOf returns words of the code as the value of a label.
func labelOf(words string) string { return strings.ReplaceAll(words, " ", "_") }
