package manifests

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Stand-ins for what the script calls. Each notes its call; "fail-NAME" in the
// folder makes one fail, "end-NAME" lets one end that would run on.
const (
	note = "#!/bin/sh\necho \"${0##*/} $*\" >>\"$CALLS/calls\"\n[ ! -e \"$CALLS/fail-${0##*/}\" ] || exit 1\n"
	stay = note + "while [ ! -e \"$CALLS/end-${0##*/}\" ]; do sleep 0.1; done\n"
	ip   = note + `case "$*" in *"route get"*) echo "$4 via 10.1.0.1 dev eth0 src 10.1.0.2" ;; esac
`
	wg = note + `case "$*" in *latest-handshakes) [ -e "$CALLS/no-handshake" ] && echo "key	0" || echo "key	1700000000" ;; esac
`
	fetches = note + `printf '%s' "$(cat "$CALLS/stay")" >"$5" 2>/dev/null || exit 1
`
)

// scene is a container in which the script runs.
type scene struct {
	*testing.T
	folder string // of the stand-ins and what they note
	env    []string
	cmd    *exec.Cmd
	log    string
}

func newScene(t *testing.T, programs map[string]string, env ...string) *scene {
	t.Helper()
	s := &scene{T: t, folder: t.TempDir()}
	s.log = filepath.Join(s.folder, "log")
	for name, text := range programs {
		s.write("bin/"+name, text)
	}
	// Of the machine's own programs only those that any image has.
	for _, name := range strings.Fields("sh cat grep awk sort sleep date chmod mv mkdir env kill getent rm") {
		if path, err := exec.LookPath(name); err == nil {
			if err := os.Symlink(path, filepath.Join(s.folder, "bin", name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	s.write("resolv.conf", "search pods.svc.cluster.local svc.cluster.local cluster.local hpc.example.org\nnameserver 10.96.0.10\nnameserver 10.1.0.53\noptions ndots:5\n")
	s.write("tun", "")
	s.write("scratch/none", "")
	s.write("mesh.sh", meshScript(t))
	s.env = append([]string{
		"PATH=" + filepath.Join(s.folder, "bin"), "TMPDIR=" + filepath.Join(s.folder, "scratch"), "CALLS=" + s.folder, "POD_NAMESPACE=demo",
		"RESOLV_CONF=" + filepath.Join(s.folder, "resolv.conf"), "TUN=" + filepath.Join(s.folder, "tun"),
	}, env...)
	return s
}

func (s *scene) write(name, text string) {
	s.Helper()
	path := filepath.Join(s.folder, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o755)); err != nil {
		s.Fatal(err)
	}
}

func (s *scene) read(name string) string {
	text, _ := os.ReadFile(filepath.Join(s.folder, name))
	return string(text)
}

func (s *scene) start() {
	s.Helper()
	out, err := os.Create(s.log)
	if err != nil {
		s.Fatal(err)
	}
	// The real paths of the system must not be found behind the stand-ins.
	script := strings.ReplaceAll(s.read("mesh.sh"), ":/usr/sbin:/sbin", "")
	s.write("mesh.sh", script)
	s.cmd = exec.Command("/bin/sh", filepath.Join(s.folder, "mesh.sh"))
	s.cmd.Env, s.cmd.Stdout, s.cmd.Stderr = s.env, out, out
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := s.cmd.Start(); err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { _ = syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL); _ = out.Close() })
}

// ends waits for the end and returns the exit code and the last line.
func (s *scene) ends() (int, string) {
	s.Helper()
	giveUp := time.AfterFunc(time.Minute, func() { _ = syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL) })
	defer giveUp.Stop()
	_ = s.cmd.Wait()
	lines := strings.Split(strings.TrimSpace(s.read("log")), "\n")
	return s.cmd.ProcessState.ExitCode(), lines[len(lines)-1]
}

func (s *scene) up() bool {
	_, err := os.Stat(filepath.Join(s.folder, "scratch/mesh-ready"))
	return err == nil
}

func (s *scene) eventually(what string, holds func() bool) {
	s.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if holds() {
			return
		}
	}
	s.Fatalf("did not happen: %s\n%s", what, s.read("log"))
}

func all() map[string]string {
	return map[string]string{"ip": ip, "wg": wg, "wireguard-go": stay, "wstunnel": stay, "dnsmasq": stay}
}

const ingress = "10.244.7.7" // within what is routed into the mesh

func TestMeshScriptComesUp(t *testing.T) {
	filled["IngressEndpoint"] = ingress
	s := newScene(t, all())
	s.start()
	s.eventually("the mesh is up", s.up)
	calls := s.read("calls")
	for _, call := range []string{
		"ip route replace 10.244.7.7/32 via 10.1.0.1 dev eth0", "ip route replace 10.7.0.1/32 dev wgaa15f82b-4992",
		"ip route replace 10.244.0.0/16 dev wgaa15f82b-4992", "ip route replace 10.96.0.0/16 dev wgaa15f82b-4992",
		"--server=/cluster.local/10.96.0.10@wgaa15f82b-4992", "--server=10.96.0.10@eth0", "--server=10.1.0.53@eth0",
		"wstunnel client -L udp://127.0.0.1:51821:127.0.0.1:51820?timeout_sec=0 --http-upgrade-path-prefix 0a1b2c ws://10.244.7.7:80",
	} {
		if !strings.Contains(calls, call) {
			t.Errorf("no %s in\n%s", call, calls)
		}
	}
	if n := strings.Count(calls, "ip route replace"); n != 4 {
		t.Errorf("%d routes, and 4 were asked for:\n%s", n, calls)
	}
	const want = "# mesh\nnameserver 127.0.0.1\nnameserver 10.96.0.10\nnameserver 10.1.0.53\n" +
		"search demo.svc.cluster.local svc.cluster.local cluster.local hpc.example.org\noptions ndots:5\n"
	if got := s.read("resolv.conf"); got != want {
		t.Errorf("names are looked up by\n%s", got)
	}
	if strings.Contains(s.read("log"), "0a1b2c") {
		t.Error("it says the secret prefix")
	}
	// The kubelet ends it, and starts it once more: the original is not lost.
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	s.ends()
	if err := os.Remove(filepath.Join(s.folder, "scratch/mesh-ready")); err != nil {
		t.Fatal(err)
	}
	s.start()
	s.eventually("the mesh is up again", s.up)
	if got := s.read("resolv.conf"); got != want {
		t.Errorf("after another start names are looked up by\n%s", got)
	}
	s.write("end-wireguard-go", "")
	if code, last := s.ends(); code != 1 || last != "mesh: wireguard-go has ended" {
		t.Errorf("when wireguard-go had ended it ended with %d: %s", code, last)
	}
}

func TestMeshScriptWithoutDNSServer(t *testing.T) {
	filled["IngressEndpoint"] = ingress
	programs := all()
	delete(programs, "dnsmasq")
	s := newScene(t, programs)
	s.start()
	s.eventually("the mesh is up", s.up)
	if got := s.read("resolv.conf"); !strings.HasPrefix(got, "# mesh\nnameserver 10.96.0.10\nnameserver 10.96.0.10\nnameserver 10.1.0.53\nsearch demo.") {
		t.Errorf("names are looked up by\n%s", got)
	}
	if !strings.Contains(s.read("log"), "there is no dnsmasq") {
		t.Error("nobody is told")
	}
}

// Whatever is missing or fails, the last line says it.
func TestMeshScriptFailsWithWords(t *testing.T) {
	for _, test := range []struct {
		name    string
		without string
		with    []string // files in the folder
		env     string
		ingress string
		says    string
	}{
		{"no ip", "ip", nil, "", ingress, "mesh: the program ip (iproute2) is not in the image"},
		{"no wstunnel, and nothing to fetch it with", "wstunnel", nil, "", ingress, "mesh: wstunnel is not in the image and cannot be fetched from https://example.org/wstunnel"},
		{"no device", "", nil, "TUN=/proc/none/tun", ingress, "mesh: there is no /proc/none/tun, and it cannot be made"},
		{"an ingress without an address", "", nil, "", "no.such.invalid", "mesh: the name no.such.invalid of the local cluster's ingress has no IPv4 address here"},
		{"wireguard-go ends at once", "", []string{"end-wireguard-go"}, "", ingress, "mesh: wireguard-go has ended"},
		{"no handshake", "", []string{"no-handshake"}, "MESH_TIMEOUT=1", ingress, "mesh: no handshake with the local cluster (by ws://10.244.7.7:80) within 1 s"},
		{"wstunnel ends meanwhile", "", []string{"no-handshake", "end-wstunnel"}, "", ingress, "mesh: wstunnel has ended"},
		{"the port of DNS is taken", "", []string{"end-dnsmasq"}, "", ingress, "mesh: dnsmasq has ended"},
	} {
		t.Run(test.name, func(t *testing.T) {
			filled["IngressEndpoint"] = test.ingress
			programs := all()
			delete(programs, test.without)
			if test.name == "wireguard-go ends at once" {
				programs["wg"] = note + "exit 1\n"
			}
			s := newScene(t, programs, test.env)
			for _, name := range test.with {
				s.write(name, "")
			}
			s.start()
			if code, last := s.ends(); code != 1 || last != test.says || s.up() {
				t.Errorf("ended with %d, up: %v:\n%s\nwant %q", code, s.up(), s.read("log"), test.says)
			}
		})
	}
}

func TestMeshScriptFetches(t *testing.T) {
	filled["IngressEndpoint"] = ingress
	programs := all()
	delete(programs, "wstunnel")
	programs["curl"] = fetches
	s := newScene(t, programs)
	s.write("stay", stay)
	s.start()
	s.eventually("the mesh is up", s.up)
	if calls := s.read("calls"); !strings.Contains(calls, "curl -fsSL --retry 3 -o wstunnel.new https://example.org/wstunnel") || !strings.Contains(calls, "wstunnel client") {
		t.Errorf("calls are\n%s", calls)
	}
}
