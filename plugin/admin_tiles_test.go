package plugin

import (
	"os"
	"regexp"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/proto"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/admin"
)

// Each metric that a tile shows, or that its note names, exists in a scrape of a running plugin.
func TestTheMetricsOfTilesExist(t *testing.T) {
	source, err := os.ReadFile("admin_tiles.go")
	if err != nil {
		t.Fatal(err)
	}
	names := regexp.MustCompile(`"(interlink_plugin_\w+|process_\w+)"`).FindAllSubmatch(source, -1)
	if len(names) < len(tiles) {
		t.Fatalf("%d names of metrics, but %d tiles", len(names), len(tiles))
	}
	found := scrape(t, startForMetrics(t))
	for _, name := range names {
		if found[string(name[1])] == nil {
			t.Errorf("%s does not exist", name[1])
		}
	}
}

func TestTiles(t *testing.T) {
	metrics := func(values map[string]float64) numbers {
		n := numbers{}
		for name, value := range values {
			n["interlink_plugin_"+name] = &dto.MetricFamily{Metric: []*dto.Metric{{Gauge: &dto.Gauge{Value: proto.Float64(value)}}}}
		}
		return n
	}
	for _, test := range []struct {
		tile        string
		values      map[string]float64
		value, note string
		level       admin.Level
	}{
		{"Creates", map[string]float64{"creates_in_flight": 0}, "0", "none queued", admin.Fine},
		{"Creates", map[string]float64{"creates_in_flight": 128, "creates_queued": 20_000, "creates_oldest_seconds": 12}, "128", "20.0k queued, oldest 12s", admin.Fine},
		{"Creates", map[string]float64{"creates_in_flight": 128, "creates_queued": 2, "creates_oldest_seconds": 70}, "128", "2 queued, oldest 70s", admin.Warn},
		{"Deletes pending", map[string]float64{"pending_deletes": 0, "pending_rollbacks": 1}, "0", "1 rollbacks", admin.Fine},
		{"Deletes pending", map[string]float64{"pending_deletes": 3, "pending_deletes_oldest_seconds": 600}, "3", "0 rollbacks, oldest 10m", admin.Warn},
		{"Remote calls", map[string]float64{"remote_requests_total": 7, "retries_total": 2}, "7", "0 failed, 2 retries", admin.Fine},
		{"Credentials loaded", map[string]float64{"credentials_loaded_timestamp_seconds": 0}, "never", "read never", admin.Fine},
		{"Remote API server", map[string]float64{"remote_refused_seconds": 200}, "refuses", "for 3m", admin.Bad},
		{"Maintenance", map[string]float64{"maintenance": 1}, "on", "no new pods", admin.Warn},
		{"Maintenance", map[string]float64{"maintenance": 0}, "off", "", admin.Fine},
		{"Configuration", map[string]float64{"config_last_reload_successful": 0, "config_restart_options": 1}, "has mistakes", "the one before is in use", admin.Bad},
		{"Configuration", map[string]float64{"config_last_reload_successful": 1, "config_restart_options": 2}, "in use", "a restart is needed", admin.Warn},
		{"Waiting for quota", map[string]float64{"waiting_pods": 2, "waiting_oldest_seconds": 61}, "2", "oldest 61s", admin.Warn},
	} {
		n := metrics(test.values)
		for _, tile := range tiles {
			value, ok := n.sum(tile.metric, nil)
			if tile.label != test.tile {
				continue
			}
			if !ok {
				t.Fatalf("the test of tile %s has no %s", tile.label, tile.metric)
			}
			if text, note, level := tile.show(n, value); text != test.value || note != test.note || level != test.level {
				t.Errorf("%s of %v: %q, %q, %q; want %q, %q, %q", test.tile, test.values, text, note, level, test.value, test.note, test.level)
			}
		}
	}
}
