package plugin

import (
	"fmt"
	"strings"
	"time"

	dto "github.com/prometheus/client_model/go"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/admin"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/cluster"
)

// numbers are the metrics of the plugin at one moment, by name.
type numbers map[string]*dto.MetricFamily

// sum adds the values of a metric whose labels match. ok is false if there is no such metric.
func (n numbers) sum(name string, match func(labels map[string]string) bool) (sum float64, ok bool) {
	family := n[name]
	for _, metric := range family.GetMetric() {
		labels := map[string]string{}
		for _, pair := range metric.GetLabel() {
			labels[pair.GetName()] = pair.GetValue()
		}
		if match == nil || match(labels) {
			sum += metric.GetCounter().GetValue() + metric.GetGauge().GetValue()
		}
	}
	return sum, family != nil
}

// tile is a tile of the page that shows a metric. A tile whose metric does not exist is left out.
type tile struct {
	label, metric, link string
	show                func(n numbers, value float64) (text, note string, level admin.Level)
}

// tiles are the tiles of the page, in their order.
var tiles = []tile{
	{"Requests", "interlink_plugin_requests_total", "", func(n numbers, value float64) (string, string, admin.Level) {
		failed, _ := n.sum("interlink_plugin_requests_total", func(labels map[string]string) bool { return labels["code"] >= "500" })
		return short(value), short(failed) + " failed", admin.Fine
	}},
	{"In flight", "interlink_plugin_requests_in_flight", "", plain},
	{"Waiting for quota", "interlink_plugin_waiting_pods", "/?phase=" + admin.PhaseWaiting, func(n numbers, value float64) (string, string, admin.Level) {
		if value == 0 {
			return "0", "", admin.Fine
		}
		oldest, _ := n.sum("interlink_plugin_waiting_oldest_seconds", nil)
		return short(value), "oldest " + seconds(oldest), admin.Warn
	}},
	{"Creates", "interlink_plugin_creates_in_flight", "", func(n numbers, value float64) (string, string, admin.Level) {
		queued, _ := n.sum("interlink_plugin_creates_queued", nil)
		oldest, _ := n.sum("interlink_plugin_creates_oldest_seconds", nil)
		if queued == 0 {
			return short(value), "none queued", admin.Fine
		}
		level := admin.Fine
		if oldest > 60 { // InterLink waits 120 s for the answer
			level = admin.Warn
		}
		return short(value), short(queued) + " queued, oldest " + seconds(oldest), level
	}},
	{"Deletes pending", "interlink_plugin_pending_deletes", "", func(n numbers, value float64) (string, string, admin.Level) {
		rollbacks, _ := n.sum("interlink_plugin_pending_rollbacks", nil)
		oldest, _ := n.sum("interlink_plugin_pending_deletes_oldest_seconds", nil)
		note, level := short(rollbacks)+" rollbacks", admin.Fine
		if value > 0 {
			note += ", oldest " + seconds(oldest)
		}
		if oldest > 300 {
			level = admin.Warn
		}
		return short(value), note, level
	}},
	{"Remote calls", "interlink_plugin_remote_requests_total", "", func(n numbers, value float64) (string, string, admin.Level) {
		failed, _ := n.sum("interlink_plugin_remote_requests_total", func(labels map[string]string) bool {
			return labels["code"] == cluster.CodeNone || strings.HasPrefix(labels["code"], "5")
		})
		retries, _ := n.sum("interlink_plugin_retries_total", nil)
		return short(value), short(failed) + " failed, " + short(retries) + " retries", admin.Fine
	}},
	{"Refusals", "interlink_plugin_refusals_total", "", func(n numbers, value float64) (string, string, admin.Level) {
		warnings, _ := n.sum("interlink_plugin_warnings_total", nil)
		return short(value), short(warnings) + " warnings", admin.Fine
	}},
	{"Mesh failures", "interlink_plugin_mesh_failures_total", "", plain},
	{"Tunnel releases", "interlink_plugin_tunnel_releases", "", plain},
	{"Orphans", "interlink_plugin_orphans_marked_pods", "/orphans", func(_ numbers, value float64) (string, string, admin.Level) {
		if value > 0 {
			return short(value), "", admin.Warn
		}
		return "0", "", admin.Fine
	}},
	{"Watch heard", "interlink_plugin_watch_age_seconds", "", func(_ numbers, value float64) (string, string, admin.Level) {
		level := admin.Fine
		if value > 150 { // API servers send a bookmark every minute
			level = admin.Warn
		}
		return seconds(value) + " ago", "", level
	}},
	{"Remote API server", "interlink_plugin_remote_refused_seconds", "", func(n numbers, value float64) (string, string, admin.Level) {
		away, _ := n.sum("interlink_plugin_remote_unreachable_seconds", nil)
		switch {
		case value > 0:
			return "refuses", "for " + seconds(value), admin.Bad
		case away > 0:
			return "no answer", "for " + seconds(away), admin.Bad
		}
		return "answers", "", admin.Fine
	}},
	{"Credentials loaded", "interlink_plugin_credentials_loaded_timestamp_seconds", "", func(n numbers, value float64) (string, string, admin.Level) {
		read, _ := n.sum("interlink_plugin_credentials_read_timestamp_seconds", nil)
		return since(value), "read " + since(read), admin.Fine
	}},
	{"Maintenance", "interlink_plugin_maintenance", "/config?all=1", func(_ numbers, value float64) (string, string, admin.Level) {
		if value > 0 {
			return "on", "no new pods", admin.Warn
		}
		return "off", "", admin.Fine
	}},
	{"Configuration", "interlink_plugin_config_last_reload_successful", "/config", func(n numbers, value float64) (string, string, admin.Level) {
		restart, _ := n.sum("interlink_plugin_config_restart_options", nil)
		switch {
		case value == 0:
			return "has mistakes", "the one before is in use", admin.Bad
		case restart > 0:
			return "in use", "a restart is needed", admin.Warn
		}
		read, _ := n.sum("interlink_plugin_config_last_reload_success_timestamp_seconds", nil)
		return "in use", "taken over " + since(read), admin.Fine
	}},
	{"Memory", "process_resident_memory_bytes", "", func(_ numbers, value float64) (string, string, admin.Level) {
		return fmt.Sprintf("%.0f MiB", value/(1<<20)), "", admin.Fine
	}},
	{"Started", "process_start_time_seconds", "", func(_ numbers, value float64) (string, string, admin.Level) {
		return since(value), "", admin.Fine
	}},
}

// tiles returns the tiles whose metrics exist.
func (s *adminSource) tiles() []admin.Tile {
	families, err := s.gatherer.Gather()
	if err != nil { // some metrics are missing; the others are shown
		s.log.Warn("the admin page shows not all metrics", "error", err)
	}
	n := numbers{}
	for _, family := range families {
		n[family.GetName()] = family
	}
	var shown []admin.Tile
	for _, t := range tiles {
		value, ok := n.sum(t.metric, nil)
		if !ok {
			continue
		}
		text, note, level := t.show(n, value)
		shown = append(shown, admin.Tile{Label: t.label, Value: text, Note: note, Level: level, Link: t.link})
	}
	return shown
}

// capacity returns what the virtual node offers, and where the numbers come from or why there are none.
func (s *adminSource) capacity() (shown []admin.Capacity, note string) {
	from := s.plugin.config().Offloading.ReportResources
	if s.plugin.capacity == nil {
		return nil, "Not reported to the virtual node: [offloading] report_resources is off."
	}
	report, ok := s.plugin.Capacity()
	if !ok {
		return nil, "Not reported to the virtual node: the plugin has not read the remote cluster yet, or may not."
	}
	for i := range report.Resources {
		r := &report.Resources[i]
		shown = append(shown, admin.Capacity{
			Resource: string(r.Name), Offered: r.Offered.String(), Used: r.Used.String(),
			Percent: percent(r.Used.AsApproximateFloat64(), r.Offered.AsApproximateFloat64()),
		})
	}
	return shown, fmt.Sprintf("What this installation uses and may use: [offloading] report_resources is %s.", from)
}

// percent returns how much of what is offered is used, from 0 to 100. More can be used than is offered, when others take
// what was free.
func percent(used, offered float64) int {
	switch {
	case used <= 0:
		return 0
	case used >= offered:
		return 100
	}
	return int(100 * used / offered)
}

func plain(_ numbers, value float64) (text, note string, level admin.Level) {
	return short(value), "", admin.Fine
}

// short writes a number with at most four digits.
func short(value float64) string {
	switch {
	case value >= 1e9:
		return fmt.Sprintf("%.1fG", value/1e9)
	case value >= 1e6:
		return fmt.Sprintf("%.1fM", value/1e6)
	case value >= 1e4:
		return fmt.Sprintf("%.1fk", value/1e3)
	}
	return fmt.Sprintf("%.0f", value)
}

// since writes how long ago a time in seconds since 1970 was; never, if it is 0.
func since(timestamp float64) string {
	if timestamp == 0 {
		return "never"
	}
	return seconds(time.Since(time.UnixMilli(int64(timestamp*1000))).Seconds()) + " ago"
}

// seconds writes a time with one unit.
func seconds(value float64) string {
	d := time.Duration(value * float64(time.Second))
	switch {
	case d < 2*time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh", int(d.Hours()))
	}
	return fmt.Sprintf("%dd", int(d.Hours()/24))
}
