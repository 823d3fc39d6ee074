package bench_test

import (
	"bytes"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/apiserver"
	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/bench"
)

func newBench(t testing.TB, sizes bench.Sizes) *bench.Bench {
	t.Helper()
	b, err := bench.New(t.Context(), bench.Options{Server: apiserver.ForTestWithControllers(t), Sizes: sizes, Log: t.Logf})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// With five pods no figure means anything, but each measurement runs, all lines are in the table, and
// nothing is left.
func TestTable(t *testing.T) {
	apiserver.ForTestWithControllers(t)        // before the next line: the server outlives this test, and so must its files
	t.Setenv("TMPDIR", testkit.ShortFolder(t)) // for the files of the bench
	b := newBench(t, bench.Sizes{
		Rounds: 1, Pods: 5, Few: 5, Many: 10, Calls: 5, Batch: 5, Events: 2, Starts: 1, Idle: time.Millisecond, Burst: 5,
	})
	var out bytes.Buffer
	lines, err := bench.Table(t.Context(), b, &out)
	if err != nil {
		t.Errorf("%v\n%s", err, &out)
	}
	if err := b.Close(); err != nil { // the plugins end without an error
		t.Error(err)
	}
	names := map[string]bool{}
	for _, l := range lines {
		names[l.Name+", against "+l.Peer] = true
		if !strings.Contains(out.String(), "| "+l.Name+" ") {
			t.Errorf("the table has no line %q", l.Name)
		}
		if math.IsNaN(l.Value) || math.IsInf(l.Value, 0) || l.Figure < 0 || l.Peer != "" && (l.Figure == 0 || l.PeerFigure <= 0) {
			t.Errorf("%s: measured nothing: %+v", l.Name, l)
		}
	}
	if len(names) != len(lines) || len(lines) < len(bench.Measurements()) {
		t.Errorf("%d measurements have %d lines, with %d names: %q", len(bench.Measurements()), len(lines), len(names), slices.Sorted(maps.Keys(names)))
	}
	t.Logf("\n%s", &out)
	checkLeftovers(t)
}

// checkLeftovers checks that the cluster has no object of a local pod, apart from the pods that stand in the
// caches.
func checkLeftovers(t *testing.T) {
	t.Helper()
	core := apiserver.ForTestWithControllers(t).Client.CoreV1()
	labeled := metav1.ListOptions{LabelSelector: wire.LabelPodUID}
	var left []string
	pods, err := core.Pods("").List(t.Context(), labeled)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range pods.Items {
		if p.Spec.NodeName == "" {
			left = append(left, "pod "+p.Namespace+"/"+p.Name)
		}
	}
	configMaps, err := core.ConfigMaps("").List(t.Context(), labeled)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range configMaps.Items {
		left = append(left, "ConfigMap "+c.Namespace+"/"+c.Name)
	}
	secrets, err := core.Secrets("").List(t.Context(), labeled)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range secrets.Items {
		left = append(left, "Secret "+s.Namespace+"/"+s.Name)
	}
	if len(left) > 0 {
		t.Errorf("objects are left: %q", left)
	}
}

// BenchmarkPlugin reports the lines of the table for benchstat. One iteration is a whole measurement, so use
// it with -benchtime 1x -count 6. A name can be selected: -bench 'Plugin/^create.*alone'.
func BenchmarkPlugin(b *testing.B) {
	t := newBench(b, bench.DefaultSizes())
	b.Cleanup(func() {
		if err := t.Close(); err != nil {
			b.Error(err)
		}
	})
	for _, m := range bench.Measurements() {
		b.Run(m.Name, func(b *testing.B) {
			var lines []bench.Line
			for b.Loop() {
				var err error
				if lines, err = m.Run(b.Context(), t); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(0, "ns/op") // the time of all rounds says nothing
			for _, l := range lines {
				l.Metrics(b.ReportMetric)
			}
		})
	}
}
