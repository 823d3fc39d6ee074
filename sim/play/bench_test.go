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

// many writes a scenario of so many pods, each with a ConfigMap and a token.
func many(t testing.TB, pods int) string {
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

// program builds interlink-sim, so that it can be measured as users run it.
func program(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "interlink-sim")
	if out, err := exec.Command("go", "build", "-o", path, "../../cmd/interlink-sim").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return path
}

// play runs the program on a scenario; peak is its largest resident set in bytes.
func play(t testing.TB, program, scenario string) (took time.Duration, peak int64) {
	t.Helper()
	began := time.Now()
	command := exec.CommandContext(t.Context(), program, "replay", scenario)
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return time.Since(began), command.ProcessState.SysUsage().(*syscall.Rusage).Maxrss << 10
}

// maxMemory is what a replay of 1,000 pods may take.
const maxMemory = 300 << 20

func TestMemoryOfThousandPods(t *testing.T) {
	if _, peak := play(t, program(t), many(t, 1000)); peak > maxMemory {
		t.Errorf("%d MB of memory, more than %d", peak>>20, maxMemory>>20)
	} else {
		t.Logf("%d MB of memory at the peak", peak>>20)
	}
}

// The time and memory of whole replays; the ratios are to the time of a pod among
// 100, and to the limit of 300 MB. The start of the program counts.
func BenchmarkReplay(b *testing.B) {
	path := program(b)
	var base float64
	for _, n := range []int{100, 1000, 10000} {
		file := many(b, n)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			var sum time.Duration
			var largest int64
			runs := 0
			for b.Loop() {
				took, peak := play(b, path, file)
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
