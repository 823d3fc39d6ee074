package plugin

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/capacity"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/cluster"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
)

// offerOf returns an offer from "name=quantity" words; "taint" adds a taint, "untainted" an empty list.
func offerOf(words string) *offer {
	var report capacity.Report
	for word := range strings.FieldsSeq(words) {
		name, quantity, ok := strings.Cut(word, "=")
		switch {
		case ok:
			report.Resources = append(report.Resources, capacity.Resource{Name: corev1.ResourceName(name), Offered: resource.MustParse(quantity)})
		case word == "taint":
			report.Taints = []corev1.Taint{{Key: "old", Value: "yes", Effect: corev1.TaintEffectPreferNoSchedule}, {Key: "bare", Effect: corev1.TaintEffectPreferNoSchedule}}
		case word == "untainted":
			report.Taints = []corev1.Taint{}
		}
	}
	return &offer{report: report, resources: newPingResources(report)}
}

// The answer to a ping, byte by byte.
func TestPingBytes(t *testing.T) {
	refused := cluster.Trouble{Since: time.Now().Add(-time.Hour), Reason: errors.New("no")}
	maintenance := cluster.Trouble{Since: time.Now().Add(-time.Hour), Reason: errors.New("in maintenance")}
	for _, test := range []struct {
		name    string
		pods    int
		offered *offer
		refused cluster.Trouble
		want    string
	}{
		{"off", 0, nil, cluster.Trouble{}, `null`},
		{"off, refused", 0, nil, refused, `null`},
		{"off, with a number of pods", 20, nil, cluster.Trouble{}, `{"status":"ok","resources":{"pods":"20"}}`},
		{"off, with a number of pods, refused", 20, nil, refused, `{"status":"ok","resources":{"pods":"0"}}`},
		{"all", 0, offerOf("cpu=8500m ephemeral-storage=100Gi memory=17179869184 nvidia.com/gpu=2k nvidia.com/mig-1g.5gb=0 pods=110"), cluster.Trouble{},
			`{"status":"ok","resources":{"cpu":"8500m","memory":"17179869184","pods":"110","accelerators":[` +
				`{"resourceType":"ephemeral-storage","available":"107374182400"},{"resourceType":"nvidia.com/gpu","available":"2000"},{"resourceType":"nvidia.com/mig-1g.5gb","available":"0"}]}}`},
		{"refused: no pods", 0, offerOf("cpu=8 memory=1Gi pods=110"), refused, `{"status":"ok","resources":{"cpu":"8","memory":"1Gi","pods":"0"}}`},
		{"fewer pods than the number", 200, offerOf("cpu=8 pods=110"), cluster.Trouble{}, `{"status":"ok","resources":{"cpu":"8","pods":"110"}}`},
		{"more pods than the number", 50, offerOf("cpu=8 pods=110"), cluster.Trouble{}, `{"status":"ok","resources":{"cpu":"8","pods":"50"}}`},
		{"no pods are free", 50, offerOf("cpu=8 pods=0"), cluster.Trouble{}, `{"status":"ok","resources":{"cpu":"8","pods":"0"}}`},
		{"a quota without pods", 0, offerOf("cpu=8"), refused, `{"status":"ok","resources":{"cpu":"8"}}`},
		{"a quota without pods, and the number", 5, offerOf("cpu=8"), cluster.Trouble{}, `{"status":"ok","resources":{"cpu":"8","pods":"5"}}`},
		{"no quota any more", 0, offerOf(""), cluster.Trouble{}, `null`},
		{"no quota any more, and the number", 5, offerOf(""), cluster.Trouble{}, `{"status":"ok","resources":{"pods":"5"}}`},
		{"taints", 0, offerOf("cpu=8 taint"), cluster.Trouble{},
			`{"status":"ok","resources":{"cpu":"8"},"taints":[{"key":"old","value":"yes","effect":"PreferNoSchedule"},{"key":"bare","effect":"PreferNoSchedule"}]}`},
		{"no taints any more", 0, offerOf("cpu=8 untainted"), cluster.Trouble{}, `{"status":"ok","resources":{"cpu":"8"},"taints":[]}`},
		{"maintenance", 20, nil, maintenance, `{"status":"ok","resources":{"pods":"0"}}`},
		{"maintenance without a number", 0, nil, maintenance, `null`},
		{"maintenance with a report", 0, offerOf("cpu=8 memory=1Gi pods=110"), maintenance, `{"status":"ok","resources":{"cpu":"8","memory":"1Gi","pods":"0"}}`},
		{"maintenance with a quota without pods", 0, offerOf("cpu=8 memory=1Gi nvidia.com/gpu=2"), maintenance,
			`{"status":"ok","resources":{"cpu":"0","memory":"0","accelerators":[{"resourceType":"nvidia.com/gpu","available":"0"}]}}`},
	} {
		cfg := config.Defaults()
		cfg.Offloading.NodePods = test.pods
		if cfg.App.Maintenance = test.refused == maintenance; cfg.App.Maintenance {
			cfg.K8s.UnavailableAfter = time.Minute // would fail the ping otherwise
		}
		answer, err := pingAnswer(cfg, test.offered, test.refused, cluster.Trouble{}, true, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		got, err := json.Marshal(answer)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != test.want {
			t.Errorf("%s:\n got %s\nwant %s", test.name, got, test.want)
		}
	}
}
