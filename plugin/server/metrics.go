package server

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// metrics are the metrics of one server. They are registered in the registry of the
// server, not in the global one.
type metrics struct {
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
	inFlight prometheus.Gauge
}

func newMetrics(options Options) (*metrics, error) {
	const namespace = "interlink_plugin"
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Name: "requests_total",
			Help: "Number of requests, by route and HTTP status. A response that was cut counts with the status that was sent.",
		}, []string{"route", "code"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: namespace, Name: "request_duration_seconds",
			Help: "Time from the start of a request to the end of its response, by route.",
			// A create may take 100 s; the largest bucket is longer.
			Buckets: []float64{.001, .005, .01, .05, .1, .5, 1, 2.5, 5, 10, 30, 60, 120},
		}, []string{"route"}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Namespace: namespace, Name: "requests_in_flight",
			Help: "Number of requests in flight.",
		}),
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Namespace: namespace, Name: "build_info",
		Help:        "Always 1; the labels contain the name and the version of the plugin.",
		ConstLabels: prometheus.Labels{"name": options.Name, "version": options.Version},
	})
	build.Set(1)
	var failures []error
	for _, collector := range []prometheus.Collector{
		m.requests, m.duration, m.inFlight, build,
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	} {
		failures = append(failures, options.Registry.Register(collector))
	}
	return m, errors.Join(failures...)
}
