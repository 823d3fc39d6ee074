//go:build !race

// The race detector does not watch the program that this file builds, measures and runs.

package play

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// writeScenario writes a scenario with a number of pods, each with a ConfigMap and a
// service account token.
func writeScenario(t testing.TB, pods int) string {
	t.Helper()
	var text strings.Builder
	text.WriteString(`apiVersion: sim.interlink.io/v1alpha1
kind: Scenario
spec:
  description: Many pods run and end.
  expect:
`)
	fmt.Fprintf(&text, "    remote: {Pod: %d, ConfigMap: %d, Secret: %d}\n    pods:\n      pod-0: {phases: [Pending, Succeeded]}\n", pods, pods, pods)
	text.WriteString("---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: cfg}\ndata: {a: b}\n")
	for i := range pods {
		fmt.Fprintf(&text, `---
apiVersion: v1
kind: Pod
metadata: {name: pod-%d}
spec:
  restartPolicy: Never
  volumes: [{name: cfg, configMap: {name: cfg}}]
  containers: [{name: main, image: "busybox:1.37", volumeMounts: [{name: cfg, mountPath: /cfg}]}]
`, i)
	}
	path := filepath.Join(t.TempDir(), fmt.Sprintf("pods-%d.yaml", pods))
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// buildSimulator builds interlink-sim, so that the tests measure what users run.
func buildSimulator(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "interlink-sim")
	if out, err := exec.Command("go", "build", "-o", path, "../../cmd/interlink-sim").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return path
}

// replay runs the simulator on a scenario; peak is its largest resident set in bytes.
func replay(t testing.TB, program, scenario string) (took time.Duration, peak int64) {
	t.Helper()
	start := time.Now()
	command := exec.CommandContext(t.Context(), program, "replay", scenario)
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return time.Since(start), command.ProcessState.SysUsage().(*syscall.Rusage).Maxrss << 10
}

// maxMemory is how much memory a replay of 1,000 pods may use.
const maxMemory = 300 << 20

func TestMemoryOfThousandPods(t *testing.T) {
	if _, peak := replay(t, buildSimulator(t), writeScenario(t, 1000)); peak > maxMemory {
		t.Errorf("a replay of 1,000 pods uses %d MB of memory, want at most %d", peak>>20, maxMemory>>20)
	} else {
		t.Logf("%d MB of memory at the peak", peak>>20)
	}
}

// BenchmarkReplay measures time and memory of whole replays, with the start of the
// program. The ratios are to the time of one pod in a replay of 100, and to maxMemory.
func BenchmarkReplay(b *testing.B) {
	path := buildSimulator(b)
	var base float64
	for _, n := range []int{100, 1000, 10000} {
		file := writeScenario(b, n)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			var sum time.Duration
			var largest int64
			runs := 0
			for b.Loop() {
				took, peak := replay(b, path, file)
				sum += took
				largest = max(largest, peak)
				runs++
			}
			each := sum.Seconds() / float64(runs) / float64(n)
			if n == 100 {
				base = each
			}
			b.ReportMetric(each*1000, "ms/pod")
			b.ReportMetric(each/base, "x-pod-among-100")
			b.ReportMetric(float64(largest)/(1<<20), "peak-MB")
			b.ReportMetric(float64(largest)/maxMemory, "x-300MB")
		})
	}
}
