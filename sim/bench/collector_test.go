package bench_test

import (
	"testing"
	"time"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/apiserver"
	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/bench"
)

// The measurements of the collector run, and nothing is left.
func TestCollectorMeasurements(t *testing.T) {
	apiserver.ForTestWithControllers(t)        // before the next line: the server outlives this test, and so must its files
	t.Setenv("TMPDIR", testkit.ShortFolder(t)) // for the files of the bench
	b := newBench(t, bench.Sizes{})
	sizes := bench.CollectorSizes{PodsPerSecond: 10, Time: time.Second, Life: time.Millisecond, Pods: 3, Owned: 3}
	for _, m := range bench.CollectorMeasurements(sizes) {
		lines, err := m.Run(t.Context(), b)
		if err != nil {
			t.Fatalf("%s: %v", m.Name, err)
		}
		if last := lines[len(lines)-1]; last.Figure <= 0 || last.PeerFigure <= 0 {
			t.Errorf("%s: measured nothing: %+v", last.Name, last)
		}
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	checkLeftovers(t)
}
