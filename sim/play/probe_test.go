package play

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/judge"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

// A container writes what it finds, and then runs its own command.
func TestProbeOfAContainer(t *testing.T) {
	t.Run("sh", func(t *testing.T) { testProbe(t, "sh") })
	t.Run("busybox", func(t *testing.T) {
		if _, err := exec.LookPath("busybox"); err != nil {
			t.Skip("this machine has no busybox")
		}
		testProbe(t, "busybox", "sh")
	})
}

func testProbe(t *testing.T, shell ...string) {
	folder := t.TempDir()
	present, absent := filepath.Join(folder, "present"), filepath.Join(folder, "absent")
	if err := os.WriteFile(present, []byte("two\nlines"), 0o600); err != nil {
		t.Fatal(err)
	}
	claim := &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "data"}
	missing := filepath.Join(folder, "missing")
	pod := &corev1.Pod{Spec: corev1.PodSpec{Volumes: []corev1.Volume{{Name: "data", VolumeSource: corev1.VolumeSource{PersistentVolumeClaim: claim}}}, Containers: []corev1.Container{{
		VolumeMounts: []corev1.VolumeMount{{Name: "data", MountPath: folder}, {Name: "data", MountPath: missing}, {Name: "data", MountPath: "/read-only", ReadOnly: true}},
		Name:         "main", Command: []string{"sh", "-c", `echo "own $0 $1"; exit 3`}, Args: []string{"first", "it's $(odd)"},
	}}}}
	expected := scenario.PodExpectation{
		Env:     map[string]map[string]string{"main": {"PLAIN": "x", "EMPTY": "", "LINES": "", "UNSET": "", "dotted.name": "", "dotted.lines": "", "dotted.unset": "", "dottedxunset": "", "dotted.empty": ""}},
		Files:   map[string]map[string]string{"main": {present: ""}},
		NoFiles: map[string][]string{"main": {absent}},
	}
	probes := addProbes(pod, expected, shell)
	c := pod.Spec.Containers[0]
	if diff := cmp.Diff([]string{"first", "it's $(odd)"}, c.Args); diff != "" { // a plugin that ignores them must be found out
		t.Error(diff)
	}
	command := exec.Command(c.Command[0], slices.Concat(c.Command[1:], c.Args)...)
	command.Env = append(os.Environ(), "PLAIN=some 'text' \"$x\"", "EMPTY=", "LINES=a\nb", "dotted.name=d", "dotted.lines=a=\nb\n", "dottedxname=e", "dotted.empty=")
	output, err := command.Output()
	if code := command.ProcessState.ExitCode(); code != 3 {
		t.Errorf("exit code %d, error %v", code, err)
	}
	want := judge.Probe{
		Runs:   1,
		Env:    map[string]string{"PLAIN": "some 'text' \"$x\"", "EMPTY": "", "LINES": "a\nb", "dotted.name": "d", "dotted.lines": "a=\nb\n", "dotted.empty": ""},
		Files:  map[string]string{present: "two\nlines"},
		Claims: map[string]bool{folder: true, missing: false},
	}
	read, told := probes["main"].read("preamble\n" + string(output) + "footer\n")
	if diff := cmp.Diff(want, read); diff != "" || !told["dotted.name"] || !told["dotted.unset"] {
		t.Errorf("told %v\n%s\n%s", told, diff, output)
	}
	if left, err := filepath.Glob(filepath.Join(folder, ".interlink*")); err != nil || len(left) > 0 {
		t.Errorf("files %v are left, error %v", left, err)
	}
	if got := clean(string(output), probes, false); got != "own first it's $(odd)\n" {
		t.Errorf("cleaned log %q", got)
	}
	if got := clean("a\n"+string(output)+"b\n", probes, true); got != "own first it's $(odd)\nb\n" {
		t.Errorf("log without preamble %q", got)
	}
	if script := c.Command[2]; strings.Contains(script, "$$") || strings.Contains(script, "'") {
		t.Errorf("the script has $$ or a single quote: %s", script)
	}
}

// Lines count only if they have the container's own number and are complete.
func TestProbesThatProveNothing(t *testing.T) {
	p := probe{mark: "interlink-sim 12ab "}
	for log, runs := range map[string]int{
		"":                                0,
		"run\n":                           0,
		"interlink-sim 12ab run\nhello\n": 0,
		"interlink-sim 12ab end\n":        0,
		"interlink-sim 34cd run\ninterlink-sim 34cd end\n":                                                 0,
		"interlink-sim 12ab run\ninterlink-sim 12ab end\n":                                                 1,
		"2026-01-01T00:00:00Z interlink-sim 12ab run\n2026-01-01T00:00:00Z interlink-sim 12ab end\n":       1,
		"interlink-sim 12ab run\ninterlink-sim 12ab end\ninterlink-sim 12ab run\ninterlink-sim 12ab end\n": 2,
	} {
		if got, _ := p.read(log); got.Runs != runs || (got.Why == "") != (runs > 0) {
			t.Errorf("%q: %+v, want %d runs", log, got, runs)
		}
	}
}

// A container without a command of its own, or with a log that is read by its bytes, has no
// probe.
func TestContainersWithoutProbe(t *testing.T) {
	pod := &corev1.Pod{Spec: corev1.PodSpec{
		InitContainers: []corev1.Container{{Name: "image"}},
		Containers:     []corev1.Container{{Name: "main", Command: []string{"true"}}, {Name: "bytes", Command: []string{"true"}}},
	}}
	probes := addProbes(pod, scenario.PodExpectation{Logs: []scenario.LogExpectation{{Container: "bytes", Bytes: 9}}}, []string{"/bin/sh"})
	if probes["image"].why == "" || probes["bytes"].why == "" || probes["main"].why != "" {
		t.Errorf("probes %+v", probes)
	}
	if first := pod.Spec.Containers[0].Command[0]; first != "/bin/sh" || len(pod.Spec.Containers[1].Command) != 1 {
		t.Errorf("commands %q %q", pod.Spec.Containers[0].Command, pod.Spec.Containers[1].Command)
	}
}
