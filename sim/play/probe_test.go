package play

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
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
	present, absent := filepath.Join(folder, "with a space"), filepath.Join(folder, "absent")
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
		NoEnv:   map[string][]string{"main": {"ABSENT"}},
		Files:   map[string]map[string]string{"main": {present: ""}},
		NoFiles: map[string][]string{"main": {absent}},
	}
	for _, ends := range []bool{false, true} {
		pod := pod.DeepCopy()
		own := addProbes(pod, expected, shell, func(string) bool { return ends })["main"]
		c := pod.Spec.Containers[0]
		if diff := cmp.Diff([]string{"first", "it's $(odd)"}, c.Args); diff != "" { // a plugin that ignores them must be found out
			t.Error(diff)
		}
		run := func() string {
			command := exec.Command(c.Command[0], slices.Concat(c.Command[1:], c.Args)...)
			command.Env = append(os.Environ(), "PLAIN=some 'text' \"$x\"", "EMPTY=", "LINES=a\nb", "dotted.name=d", "dotted.lines=a=\nb\n", "dottedxname=e", "dotted.empty=")
			output, err := command.Output()
			if code := command.ProcessState.ExitCode(); code != 3 {
				t.Errorf("exit code %d, error %v", code, err)
			}
			return string(output)
		}
		output := run()
		want := judge.Probe{
			Runs:   1,
			Env:    map[string]string{"PLAIN": "some 'text' \"$x\"", "EMPTY": "", "LINES": "a\nb", "dotted.name": "d", "dotted.lines": "a=\nb\n", "dotted.empty": ""},
			Files:  map[string]string{present: "two\nlines"},
			Claims: map[string]bool{folder: true, missing: false},
		}
		read := own.read("preamble\n" + output + "footer\n")
		if diff := cmp.Diff(want, read.Probe); diff != "" || !read.told["dotted.name"] || !read.told["dotted.unset"] {
			t.Errorf("told %v\n%s\n%s", read.told, diff, output)
		}
		if left, err := filepath.Glob(filepath.Join(folder, ".interlink*")); err != nil || len(left) > 0 {
			t.Errorf("files %v are left, error %v", left, err)
		}
		if got := ownLog(output, []probe{own}, false); got != "own first it's $(odd)\n" {
			t.Errorf("own log %q of\n%s", got, output)
		}
		if again := own.read(output + run()); again.Runs != 2 || len(again.runs) != 2 || again.runs[0] == again.runs[1] {
			t.Errorf("two runs are %q", again.runs)
		}
		if own.hasEnded(output) != ends || own.bytesBefore(output) != int64(strings.Index(output, "own")) {
			t.Errorf("it has ended: %v; own lines from byte %d in\n%s", own.hasEnded(output), own.bytesBefore(output), output)
		}
		if script := strings.Join(c.Command, " "); strings.Contains(script, "$$") || strings.Contains(strings.ReplaceAll(script, "own", ""), "'") {
			t.Errorf("the script has $$ or a single quote: %s", script)
		}
		if script := strings.Join(c.Command, " "); strings.Contains(script, own.number) {
			t.Errorf("the script has the number %s that it computes: %s", own.number, script)
		}
	}
}

func noEnd(string) bool { return false }

// Only what must be told from the log of a job is run in a way that hides a death by a signal.
func TestContainersWhoseEndIsTold(t *testing.T) {
	for name, told := range map[string]bool{"killed-by-signal": false, "exit-code": false, "plain-pod": true} {
		file := scenarios(t, name)[0]
		for i, preamble := range []bool{true, false} {
			pod := file.Pods[0].DeepCopy()
			addProbes(pod, file.Expect.Pods[pod.Name], []string{"sh"}, endsOf(file, pod.Name, preamble))
			if script := pod.Spec.Containers[0].Command[2]; strings.Contains(script, `exec "$@"`) == (told && i == 0) {
				t.Errorf("%s, lines of a job %v: %s", name, preamble, script)
			}
		}
	}
}

// A death by a signal reaches the plugin as one.
func TestProbeOfAContainerThatASignalKills(t *testing.T) {
	file := scenarios(t, "killed-by-signal")[0]
	pod := file.Pods[0].DeepCopy()
	pod.Spec.Containers[0].Command = []string{"sh", "-c", "kill -TERM $$; exit 143"}
	addProbes(pod, file.Expect.Pods[pod.Name], []string{"sh"}, endsOf(file, pod.Name, true))
	c := pod.Spec.Containers[0]
	command := exec.Command(c.Command[0], c.Command[1:]...)
	err := command.Run()
	if status, ok := command.ProcessState.Sys().(syscall.WaitStatus); !ok || !status.Signaled() || status.Signal() != syscall.SIGTERM {
		t.Errorf("it ended with %v, error %v", command.ProcessState, err)
	}
}

// A container whose image has only a shell shows that it runs, and not what is in it.
func TestProbeWithoutPrograms(t *testing.T) {
	for _, shell := range []string{"dash", "bash", "busybox"} {
		t.Run(shell, func(t *testing.T) {
			path, err := exec.LookPath(shell)
			if err != nil {
				t.Skip("this machine has no " + shell)
			}
			begin := []string{path}
			if shell == "busybox" {
				begin = append(begin, "sh")
			}
			pod := &corev1.Pod{Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Command: []string{path, "-c", "exit 4"}}}}}
			if shell == "busybox" {
				pod.Spec.Containers[0].Command = []string{path, "sh", "-c", "exit 4"}
			}
			probe := addProbes(pod, scenario.PodExpectation{Env: map[string]map[string]string{"main": {"PLAIN": "x"}}}, begin, noEnd)["main"]
			c := pod.Spec.Containers[0]
			command := exec.Command(c.Command[0], c.Command[1:]...)
			command.Env = []string{"PATH=/nowhere", "PLAIN=x"}
			var errors strings.Builder
			command.Stderr = &errors
			output, err := command.Output()
			if code := command.ProcessState.ExitCode(); code != 4 || errors.Len() > 0 {
				t.Errorf("exit code %d, error %v: %s", code, err, errors.String())
			}
			read := probe.read(string(output))
			if busyboxHasPrograms := shell == "busybox" && read.NoContents == ""; busyboxHasPrograms {
				return // its shell finds its own programs without PATH
			}
			if read.Runs != 1 || len(read.Env) > 0 || read.NoContents == "" {
				t.Errorf("%+v of %q", read.Probe, output)
			}
		})
	}
}

// Lines count only if they have the container's own number and are complete.
func TestProbesThatProveNothing(t *testing.T) {
	p := probe{number: "12"}
	for log, runs := range map[string]int{
		"":                                0,
		"run a\n":                         0,
		"interlink-sim 12 run a\nhello\n": 0,
		"interlink-sim 12 end\n":          0,
		"interlink-sim 12 run\ninterlink-sim 12 end\n":                                                 0,
		"interlink-sim 34 run a\ninterlink-sim 34 end\n":                                               0,
		"interlink-sim 12 run a\ninterlink-sim 12 end\n":                                               1,
		"2026-01-01T00:00:00Z interlink-sim 12 run a\n2026-01-01T00:00:00Z interlink-sim 12 end\n":     1,
		"interlink-sim 12 run a\ninterlink-sim 12 end\ninterlink-sim 12 run b\ninterlink-sim 12 end\n": 2,
	} {
		if got := p.read(log); got.Runs != runs || (got.Why == "") != (runs > 0) {
			t.Errorf("%q: %+v, want %d runs", log, got, runs)
		}
	}
}

// A container without a command of its own has no probe.
func TestContainersWithoutProbe(t *testing.T) {
	pod := &corev1.Pod{Spec: corev1.PodSpec{
		InitContainers: []corev1.Container{{Name: "image"}}, Containers: []corev1.Container{{Name: "main", Command: []string{"true"}}},
	}}
	probes := addProbes(pod, scenario.PodExpectation{}, []string{"/bin/sh"}, noEnd)
	if probes["image"].why == "" || probes["main"].why != "" || pod.Spec.Containers[0].Command[0] != "/bin/sh" || len(pod.Spec.InitContainers[0].Command) > 0 {
		t.Errorf("probes %+v of %+v", probes, pod.Spec)
	}
}
