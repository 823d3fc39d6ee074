package plugin

import (
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
)

// scrape returns the metric families of a running plugin, as Prometheus reads them.
func scrape(t *testing.T, o *outside) map[string]*dto.MetricFamily {
	t.Helper()
	_, text := o.get(http.DefaultClient, o.admin+"/metrics", "")
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return families
}

// startForMetrics starts a plugin with everything that has metrics, and waits until it has sent calls.
func startForMetrics(t *testing.T) *outside {
	t.Helper()
	o := startOutside(t, &apiServer{}, func(cfg *config.Config) { cfg.Offloading.ReportResources = config.ReportNodes })
	testkit.Eventually(t, "the pod cache is filled", o.plugin.cluster.Synced)
	if code, answer := o.ping(); code != http.StatusOK {
		t.Fatalf("the ping is answered %d %s", code, answer)
	}
	testkit.Eventually(t, "the ping is counted, and the nodes and the ledger are seen", func() bool {
		found := scrape(t, o)
		return found["interlink_plugin_requests_total"] != nil && found["interlink_plugin_capacity_usable"] != nil && found["interlink_plugin_resource_seconds_total"] != nil
	})
	return o
}

// labelsOf returns the names of the labels of a family, apart from those of a histogram's buckets.
func labelsOf(family *dto.MetricFamily) []string {
	var names []string
	for _, metric := range family.GetMetric() {
		for _, label := range metric.GetLabel() {
			names = append(names, label.GetName())
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// docs/monitoring.md has a row for each metric, with its type and its labels, and no other.
func TestTheTableOfMetrics(t *testing.T) {
	page, err := os.ReadFile("../docs/monitoring.md")
	if err != nil {
		t.Fatal(err)
	}
	found := scrape(t, startForMetrics(t))
	documented := map[string]bool{}
	for _, row := range regexp.MustCompile("(?m)^\\| `(interlink_plugin_\\w+)` \\| (\\w+) \\|(.*?)\\|").FindAllStringSubmatch(string(page), -1) {
		name, kind := row[1], row[2]
		documented[name] = true
		family := found[name]
		if family == nil {
			t.Errorf("%s does not exist", name)
			continue
		}
		if got := strings.ToLower(family.GetType().String()); got != kind {
			t.Errorf("%s is a %s, and the table says %s", name, got, kind)
		}
		var labels []string
		for _, label := range regexp.MustCompile("`(\\w+)`").FindAllStringSubmatch(row[3], -1) {
			labels = append(labels, label[1])
		}
		slices.Sort(labels)
		if got := labelsOf(family); !slices.Equal(got, labels) {
			t.Errorf("%s has the labels %v, and the table says %v", name, got, labels)
		}
	}
	for name := range found {
		if strings.HasPrefix(name, metricsPrefix) && !documented[name] {
			t.Errorf("%s has no row", name)
		}
	}
	if len(documented) < 20 {
		t.Errorf("only %d rows were found", len(documented))
	}
}

// Names, units and help texts follow Prometheus' conventions (https://prometheus.io/docs/practices/naming/).
func TestMetricsFollowTheConventions(t *testing.T) {
	var families []*dto.MetricFamily
	for name, family := range scrape(t, startForMetrics(t)) {
		if strings.HasPrefix(name, metricsPrefix) {
			families = append(families, family)
		}
	}
	problems, err := promlint.NewWithMetricFamilies(families).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range problems {
		t.Errorf("%s: %s", problem.Metric, problem.Text)
	}
	for _, family := range families {
		if help := family.GetHelp(); !strings.HasSuffix(help, ".") || len(help) < 20 {
			t.Errorf("%s has the help text %q", family.GetName(), help)
		}
	}
}

// Each metric that the dashboard and the alert rules name exists, with the labels that they use.
func TestDashboardAndAlertsNameMetricsThatExist(t *testing.T) {
	found := scrape(t, startForMetrics(t))
	for _, file := range []string{"dashboard.json", "alerts.yaml"} {
		text, err := os.ReadFile("../charts/interlink-kubernetes-plugin/monitoring/" + file)
		if err != nil {
			t.Fatal(err)
		}
		uses := regexp.MustCompile(`(interlink_plugin_\w+)(\{[^}]*\})?`).FindAllStringSubmatch(string(text), -1)
		if len(uses) < 10 {
			t.Errorf("%s names only %d metrics", file, len(uses))
		}
		for _, use := range uses {
			name := use[1]
			if base := strings.TrimSuffix(name, "_bucket"); found[base] != nil && found[base].GetType() == dto.MetricType_HISTOGRAM {
				name = base
			}
			family := found[name]
			if family == nil {
				t.Errorf("%s names %s, which does not exist", file, use[1])
				continue
			}
			for _, label := range regexp.MustCompile(`(\w+)(?:=~|!~|=|!=)`).FindAllStringSubmatch(use[2], -1) {
				if label[1] != "job" && !slices.Contains(labelsOf(family), label[1]) { // Prometheus adds the job
					t.Errorf("%s selects %s by %s, a label that it does not have", file, name, label[1])
				}
			}
		}
	}
}
