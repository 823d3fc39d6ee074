package replay

import (
	"testing"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/report"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

func TestMemory(t *testing.T) {
	files, err := scenario.ReadAll("../../fixtures/scenarios")
	if err != nil {
		t.Fatal(err)
	}
	r, err := Run(t.Context(), files, Options{})
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
