package mesh

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// InterLink's own script, as it was recorded beside a checkout of those who develop
// the plugin, runs to its job as it stands, with stand-ins for the programs that it
// fetches and for those that would change this machine.
func TestRunRecordedScript(t *testing.T) {
	text, err := os.ReadFile("../../../shared/contract/wire/11-create-mesh.request.json")
	if os.IsNotExist(err) {
		t.Log("no recording: TestRunSlurmScript runs a script in its manner")
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	var request struct{ Pod corev1.Pod }
	if err := json.Unmarshal(text, &request); err != nil {
		t.Fatal(err)
	}
	script, _, err := Script(request.Pod.Annotations["slurm-job.vk.io/pre-exec"])
	if err != nil {
		t.Fatal(err)
	}
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "job", Namespace: "demo", UID: "u"}}
	part := Setup(script, pod, "secret", Options{SlurmSetupScript: true, InitContainer: true})
	s := newStage(t, []string{"/bin/sh"}, nil, long)
	for name, content := range part.Files {
		s.write(name, string(content))
	}
	machine, calls := t.TempDir(), filepath.Join(t.TempDir(), "calls")
	note := "#!/bin/sh\necho \"${0##*/} $*\" >>" + calls + "\n"
	for name, program := range map[string]string{
		"ip": note, "mount": note, "ping": note, "unshare": note + "exit 1\n",
		"curl": note + "for last; do :; done\nprintf '#!/bin/sh\\necho \"${0##*/} $*\" >>" + calls + "\\n' >\"$last\"\n",
	} {
		if err := os.WriteFile(filepath.Join(machine, name), []byte(program), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, v := range part.Container.Env {
		s.env = append(s.env, v.Name+"="+strings.ReplaceAll(strings.ReplaceAll(v.Value, filesPath, s.files), scratchPath, s.scratch))
	}
	s.env = append(s.env, long, "PATH="+machine+":"+os.Getenv("PATH"))
	c := s.start(filepath.Join(s.files, "mesh.sh"), filepath.Join(s.files, "job.sh"))
	s.eventually("the job says that the network is up", func() bool { return s.there("mesh-ready") || strings.Contains(c.read(), "mesh-setup:") })
	_ = c.cmd.Process.Signal(syscall.SIGTERM)
	code, out := c.ends()
	made, err := os.ReadFile(calls)
	if err != nil {
		t.Fatal(err)
	}
	for _, call := range []string{"wstunnel client -L", "wireguard-go wgaa15f82b-4992", "wg setconf", "ip route add 10.7.0.0/16 dev wgaa15f82b-4992"} {
		if !strings.Contains(string(made), call) {
			t.Errorf("it did not call %s:\n%s", call, made)
		}
	}
	if code != 0 || !s.there("mesh-ready") || strings.Contains(string(made), "slirp4netns") || strings.Contains(string(made), "unshare") {
		t.Errorf("ended with %d:\n%s\n%s", code, out, made)
	}
}
