package replay

import (
	"testing"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/apiserver"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/report"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

func TestReal(t *testing.T) {
	files, err := scenario.ReadAll("../../fixtures/scenarios")
	if err != nil {
		t.Fatal(err)
	}
	server := apiserver.ForTest(t)
	config := rest.CopyConfig(server.Config)
	config.QPS = -1
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	r, err := Run(t.Context(), files, Options{Client: client, PlayNodes: true, Parallel: 4})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range r.Scenarios {
		if s.Verdict != report.Passed {
			t.Errorf("%s %s %.2fs lasted %.0fs: %q", s.Name, s.Verdict, s.Took, s.Lasted, s.Differences)
		}
	}
	t.Logf("%.2f s", r.Took)
}
