package plugin

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// register registers the metrics of the report; none if nothing is reported. A report has capacity.MaxResources
// resources at most, and so has the label.
func (r *capacityReporter) register(registry *prometheus.Registry) error {
	if r == nil {
		return nil
	}
	describe := func(name, help string) *prometheus.Desc {
		return prometheus.NewDesc("interlink_plugin_capacity_"+name, help+" CPU in cores, memory and storage in bytes.", []string{"resource"}, nil)
	}
	return errors.Join(registry.Register(capacityCollector{r,
		describe("offered", "What the ping says that the virtual node offers, by resource."),
		describe("used", "What the pods of this installation request that have not ended, by resource."),
		describe("usable", "What the usable nodes of the remote cluster have, or what its quotas permit, by resource."),
	}))
}

// capacityCollector shows the latest report.
type capacityCollector struct {
	reporter             *capacityReporter
	offered, used, total *prometheus.Desc
}

// Describe sends the descriptions.
func (c capacityCollector) Describe(descriptions chan<- *prometheus.Desc) {
	descriptions <- c.offered
	descriptions <- c.used
	descriptions <- c.total
}

// Collect sends the values.
func (c capacityCollector) Collect(metrics chan<- prometheus.Metric) {
	latest := c.reporter.offered()
	if latest == nil {
		return
	}
	for _, found := range latest.report.Resources {
		send := func(description *prometheus.Desc, quantity resource.Quantity) {
			value := float64(quantity.Value())
			if found.Name == corev1.ResourceCPU {
				value = float64(quantity.MilliValue()) / 1000
			}
			metrics <- prometheus.MustNewConstMetric(description, prometheus.GaugeValue, value, string(found.Name))
		}
		send(c.offered, found.Offered)
		send(c.used, found.Used)
		send(c.total, found.Total)
	}
}
