package plugin

import (
	"context"
	"errors"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/server"
)

// reloadMetrics are the metrics of the configuration.
type reloadMetrics struct{ plugin *Plugin }

var (
	reloadsTotal     = describe("config_reloads_total", "Number of times that the configuration was read again: taken over (success), or with mistakes (failure).", "result")
	reloadTime       = describe("config_last_reload_success_timestamp_seconds", "When the plugin last took over its configuration, in seconds since 1970; at first when it started.")
	reloadSuccessful = describe("config_last_reload_successful", "1 if the configuration that was read last is in use, 0 if it has mistakes and the one before is in use.")
	restartOptions   = describe("config_restart_options", "Number of options that have a value that needs a restart of the plugin.")
	maintenanceOn    = describe("maintenance", "1 if [app] maintenance is true, so that no new pods run, and else 0.")
)

// Describe sends the descriptions of the metrics.
func (m reloadMetrics) Describe(to chan<- *prometheus.Desc) {
	sendAll(to, reloadsTotal, reloadTime, reloadSuccessful, restartOptions, maintenanceOn)
}

// Collect sends the metrics.
func (m reloadMetrics) Collect(to chan<- prometheus.Metric) {
	s := m.plugin.reloads.status()
	to <- counter(reloadsTotal, s.done, "success")
	to <- counter(reloadsTotal, s.failed, "failure")
	to <- gauge(reloadTime, timestamp(s.used))
	to <- gauge(reloadSuccessful, oneIf(s.failures == 0))
	to <- gauge(restartOptions, float64(len(s.restart)))
	to <- gauge(maintenanceOn, oneIf(m.plugin.config().App.Maintenance))
}

func oneIf(condition bool) float64 {
	if condition {
		return 1
	}
	return 0
}

// reloadChecks returns the checks for readyz?verbose. They do not show what is wrong: readyz needs no password.
func (p *Plugin) reloadChecks() []server.Check {
	return []server.Check{
		{Name: "configuration", Check: func(context.Context) error {
			if p.reloads.status().failures > 0 {
				return errors.New("the last one has mistakes, and the one before is in use; the log has the mistakes")
			}
			return nil
		}, Note: func() string {
			if names := p.reloads.status().restart; len(names) > 0 {
				return "a restart is needed for " + strings.Join(names, ", ")
			}
			return ""
		}},
		{Name: "maintenance", Check: func(context.Context) error { return nil }, Note: func() string {
			if p.config().App.Maintenance {
				return "on, no new pods run"
			}
			return ""
		}},
	}
}
