package manifests

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Stand-ins for what the script calls. Each notes its call; "fail-NAME" in the
// folder makes one fail, "end-NAME" lets one end that would run on.
const (
	note = "#!/bin/sh\necho \"${0##*/} $*\" >>\"$CALLS/calls\"\n[ ! -e \"$CALLS/fail-${0##*/}\" ] || exit 1\n"
	stay = note + "echo $$ >>\"$CALLS/processes\"\n" + "while [ ! -e \"$CALLS/end-${0##*/}\" ]; do sleep 0.1; done\n"
	ip   = note + `case "$*" in *"route get"*) echo "$4 via 10.1.0.1 dev eth0 src 10.1.0.2" ;; esac
`
	wg = note + `case "$*" in *latest-handshakes) [ -e "$CALLS/no-handshake" ] && echo "key	0" || echo "key	1700000000" ;; esac
`
	// What is fetched goes to the argument behind -o or -O.
	fetches = note + `while [ "$1" != -o ] && [ "$1" != -O ]; do shift; done; cat "$CALLS/stay" >"$2"
`
	listens = note + `[ -e "$CALLS/end-dnsmasq" ] || echo "7: 0100007F:0035 00000000:0000 07" >"$UDP_SOCKETS"
while [ ! -e "$CALLS/end-dnsmasq" ]; do sleep 0.1; done
`
)

// scene is a container in which the script runs.
type scene struct {
	*testing.T
	folder string // of the stand-ins and what they note
	shell  []string
	env    []string
	cmd    *exec.Cmd
	log    string
}

func newScene(t *testing.T, programs map[string]string, env ...string) *scene {
	t.Helper()
	s := &scene{T: t, folder: t.TempDir(), shell: []string{"/bin/sh"}}
	s.log = filepath.Join(s.folder, "log")
	for name, text := range programs {
		s.write("bin/"+name, text)
	}
	// Of the machine's own programs only those that any image has.
	for _, name := range strings.Fields("sh cat grep awk sort sleep date chmod mv mkdir env kill getent rm") {
		if path, err := exec.LookPath(name); err == nil && programs[name] == "" {
			if err := os.Symlink(path, filepath.Join(s.folder, "bin", name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	s.write("resolv.conf", "search pods.svc.cluster.local svc.cluster.local cluster.local hpc.example.org\nnameserver 10.96.0.10\nnameserver 10.1.0.53\noptions ndots:5\n")
	s.write("tun", "")
	s.write("udp", "")
	s.write("hosts", "127.0.0.1 localhost\n")
	s.write("scratch/none", "")
	s.write("mesh.sh", meshScript(t))
	s.env = append([]string{
		"PATH=" + filepath.Join(s.folder, "bin"), "TMPDIR=" + filepath.Join(s.folder, "scratch"), "CALLS=" + s.folder, "POD_NAMESPACE=demo",
		"RESOLV_CONF=" + filepath.Join(s.folder, "resolv.conf"), "TUN=" + filepath.Join(s.folder, "tun"),
		"HOSTS=" + filepath.Join(s.folder, "hosts"), "UDP_SOCKETS=" + filepath.Join(s.folder, "udp"),
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
	s.cmd = exec.Command(s.shell[0], append(s.shell[1:], filepath.Join(s.folder, "mesh.sh"))...)
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

// alone says whether none of the programs that run beside the script is left.
func (s *scene) alone() bool {
	for _, word := range strings.Fields(s.read("processes")) {
		if id, err := strconv.Atoi(word); err != nil || syscall.Kill(id, 0) == nil {
			return false
		}
	}
	return true
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
	return map[string]string{"ip": ip, "wg": wg, "wireguard-go": stay, "wstunnel": stay, "dnsmasq": listens}
}

// shells are those of this machine that an image may have as /bin/sh.
func shells(t *testing.T) [][]string {
	found := [][]string{{"/bin/sh"}}
	for _, shell := range [][]string{{"dash"}, {"bash", "--posix"}, {"busybox", "sh"}} {
		path, err := exec.LookPath(shell[0])
		if err != nil {
			t.Logf("there is no %s", shell[0])
			continue
		}
		found = append(found, append([]string{path}, shell[1:]...))
	}
	return found
}

func TestMeshScriptComesUp(t *testing.T) {
	for _, shell := range shells(t) {
		t.Run(strings.Join(shell, " "), func(t *testing.T) { testComesUp(t, shell) })
	}
}

func testComesUp(t *testing.T, shell []string) {
	s := newScene(t, all())
	s.shell = shell
	if len(shell) > 1 && shell[1] == "sh" {
		// Some builds of busybox prefer their own ip to the one in PATH.
		s.write("mesh.sh", strings.Replace(s.read("mesh.sh"), "set -eu\n", "set -eu\nip() { \"$CALLS/bin/ip\" \"$@\"; }\n", 1))
	}
	original := s.read("resolv.conf")
	s.start()
	s.eventually("the mesh is up", s.up)
	calls := s.read("calls")
	for _, call := range []string{
		"ip route replace 10.244.7.7/32 via 10.1.0.1 dev eth0", "ip route replace 10.7.0.1/32 dev wgaa15f82b-4992",
		"ip route replace 10.244.0.0/16 dev wgaa15f82b-4992", "ip route replace 10.96.0.0/16 dev wgaa15f82b-4992",
		"--server=/cluster.local/10.96.0.10@wgaa15f82b-4992", "--server=10.96.0.10@eth0", "--server=10.1.0.53@eth0",
		"--rev-server=10.244.0.0/16,10.96.0.10@wgaa15f82b-4992", "--rev-server=10.96.0.0/16,10.96.0.10@wgaa15f82b-4992",
		"wstunnel client -L udp://127.0.0.1:51821:127.0.0.1:51820?timeout_sec=0 --http-upgrade-path-prefix 0a1b2c ws://10.244.7.7:80",
	} {
		if !strings.Contains(calls, call) {
			t.Errorf("no %s in\n%s", call, calls)
		}
	}
	if n := strings.Count(calls, "ip route replace"); n != 4 {
		t.Errorf("%d routes, and 4 were asked for:\n%s", n, calls)
	}
	const want = "# mesh\nnameserver 127.0.0.1\n" +
		"search demo.svc.cluster.local svc.cluster.local cluster.local hpc.example.org\noptions ndots:5\n"
	if got := s.read("resolv.conf"); got != want {
		t.Errorf("names are looked up by\n%s", got)
	}
	if strings.Contains(s.read("log"), "0a1b2c") {
		t.Error("it says the secret prefix")
	}
	// The kubelet ends it, and starts it once more: the original is not lost.
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	if code, _ := s.ends(); code != 143 {
		t.Errorf("when it was told to end it ended with %d", code)
	}
	s.eventually("what it started has ended", s.alone)
	if got := s.read("resolv.conf"); got != original {
		t.Errorf("without a mesh names are looked up by\n%s", got)
	}
	if err := os.Remove(filepath.Join(s.folder, "scratch/mesh-ready")); err != nil {
		t.Fatal(err)
	}
	s.write("udp", "")
	s.start()
	s.eventually("the mesh is up again", s.up)
	if got := s.read("resolv.conf"); got != want {
		t.Errorf("after another start names are looked up by\n%s", got)
	}
	s.write("end-wireguard-go", "")
	if code, last := s.ends(); code != 1 || last != "mesh: wireguard-go has ended" {
		t.Errorf("when wireguard-go had ended it ended with %d: %s", code, last)
	}
	s.eventually("what it started has ended", s.alone)
}

// The network does not stand without any of what carries it.
func TestMeshScriptEndsWithItsPrograms(t *testing.T) {
	for _, program := range []string{"wstunnel", "dnsmasq"} {
		t.Run(program, func(t *testing.T) {
			s := newScene(t, all())
			s.start()
			s.eventually("the mesh is up", s.up)
			s.write("end-"+program, "")
			if code, last := s.ends(); code != 1 || last != "mesh: "+program+" has ended" {
				t.Errorf("it ended with %d: %s", code, last)
			}
		})
	}
}

// The ingress must be found to bring the mesh back, and so without the DNS that goes through the mesh; a restart
// looks its address up anew.
func TestMeshScriptKeepsTheIngressAddress(t *testing.T) {
	fill(t, "IngressEndpoint", "pod.tunnels.example.org")
	programs := all()
	programs["getent"] = note + "echo \"10.244.7.7 STREAM pod.tunnels.example.org\"\necho \"fd00::7 STREAM\"\n"
	s := newScene(t, programs)
	s.write("hosts", "127.0.0.1 localhost\n10.244.6.6 pod.tunnels.example.org # mesh\n")
	s.start()
	s.eventually("the mesh is up", s.up)
	if got := s.read("hosts"); got != "127.0.0.1 localhost\n10.244.7.7 pod.tunnels.example.org # mesh\n" {
		t.Errorf("the hosts are\n%s", got)
	}
	s.write("hosts", "127.0.0.1 localhost\n") // as the kubelet does when a container starts
	s.eventually("the ingress is known again", func() bool {
		return s.read("hosts") == "127.0.0.1 localhost\n10.244.7.7 pod.tunnels.example.org # mesh\n"
	})
	if calls := s.read("calls"); !strings.Contains(calls, "ip route replace 10.244.7.7/32 via") || !strings.Contains(calls, "ws://pod.tunnels.example.org:80") {
		t.Errorf("calls are\n%s", calls)
	}
}

// Until the mesh is up again, names are looked up as they were without it.
func TestMeshScriptRestoresTheResolver(t *testing.T) {
	s := newScene(t, all())
	original := s.read("resolv.conf")
	s.write("scratch/resolv.conf.remote", original)
	s.write("resolv.conf", "# mesh\nnameserver 127.0.0.1\n")
	s.write("no-handshake", "")
	s.env = append(s.env, "MESH_TIMEOUT=1")
	s.start()
	if code, last := s.ends(); code != 1 || s.read("resolv.conf") != original {
		t.Errorf("it ended with %d: %s: and names are looked up by\n%s", code, last, s.read("resolv.conf"))
	}
}

func TestMeshScriptRoutesWhatIsAskedFor(t *testing.T) {
	for _, test := range []struct {
		name, pods, services string
		want                 int
	}{
		{"one range for both", "10.244.0.0/16", "10.244.0.0/16", 2},
		{"no ranges", "", "", 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			fill(t, "PodCIDRCluster", test.pods)
			fill(t, "ServiceCIDR", test.services)
			s := newScene(t, all())
			s.start()
			s.eventually("the mesh is up", s.up)
			got := 0
			for line := range strings.Lines(s.read("calls")) {
				if strings.HasPrefix(line, "ip route replace") && strings.Contains(line, "dev wgaa15f82b-4992") {
					got++
				}
			}
			if got != test.want {
				t.Errorf("%d routes into the mesh, want %d:\n%s", got, test.want, s.read("calls"))
			}
		})
	}
}

// The workload may have a DNS server of its own when the mesh comes back.
func TestMeshScriptFindsTheDNSPortTaken(t *testing.T) {
	s := newScene(t, all())
	s.write("udp", "7: 0100007F:0035 00000000:0000 07\n")
	s.start()
	const want = "mesh: dnsmasq cannot have 127.0.0.1:53, another program in the pod has it"
	if code, last := s.ends(); code != 1 || last != want || s.up() || strings.Contains(s.read("calls"), "dnsmasq ") {
		t.Errorf("it ended with %d:\n%s", code, s.read("log"))
	}
}

// wg names the line that it does not take.
func TestMeshScriptHidesTheKey(t *testing.T) {
	programs := all()
	programs["wg"] = note + "case $1 in setconf) cat \"$3\" >&2; exit 1 ;; esac\n"
	s := newScene(t, programs)
	s.start()
	if code, last := s.ends(); code != 1 || last != "mesh: wg does not take its configuration" || strings.Contains(s.read("log"), "PrivateKey") {
		t.Errorf("it ended with %d:\n%s", code, s.read("log"))
	}
}

func TestMeshScriptWithoutDNSServer(t *testing.T) {
	programs := all()
	delete(programs, "dnsmasq")
	s := newScene(t, programs)
	s.start()
	s.eventually("the mesh is up", s.up)
	if got := s.read("resolv.conf"); !strings.HasPrefix(got, "# mesh\nnameserver 10.96.0.10\nnameserver 10.1.0.53\nsearch demo.") {
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
		program string   // one of the programs,
		instead string   // and what is there in its place; nothing: it is missing
		with    []string // files in the folder
		env     string
		ingress string
		says    string
	}{
		{"no ip", "ip", "", nil, "", ingress, "mesh: the program ip (iproute2) is not in the image"},
		{"no wstunnel, and nothing to fetch it with", "wstunnel", "", nil, "", ingress, "mesh: wstunnel is not in the image and cannot be fetched from https://example.org/wstunnel"},
		{"no wg, and curl fails", "wg", "", []string{"fail-curl"}, "", ingress, "mesh: wg is not in the image and cannot be fetched from https://example.org/wg"},
		{"no device", "", "", nil, "TUN=/proc/none/tun", ingress, "mesh: there is no /proc/none/tun, and it cannot be made"},
		{"an ingress without an address", "", "", nil, "", "no.such.invalid", "mesh: the name no.such.invalid of the local cluster's ingress has no IPv4 address here"},
		{"wireguard-go ends at once", "wg", note + "exit 1\n", []string{"end-wireguard-go"}, "", ingress, "mesh: wireguard-go has ended"},
		{"no handshake", "", "", []string{"no-handshake"}, "MESH_TIMEOUT=1", ingress, "mesh: no handshake with the local cluster (by ws://10.244.7.7:80) within 1 s"},
		{"wstunnel ends meanwhile", "", "", []string{"no-handshake", "end-wstunnel"}, "", ingress, "mesh: wstunnel has ended"},
		{"the ingress' route cannot be kept", "ip", ip + "case $* in *\"replace 10.244.7.7/32\"*) exit 1 ;; esac\n", nil, "", ingress, "mesh: the route to the ingress, 10.244.7.7, cannot be kept"},
		{"dnsmasq does not listen", "dnsmasq", stay, nil, "MESH_TIMEOUT=1", ingress, "mesh: dnsmasq does not listen on 127.0.0.1:53 within 1 s"},
		{"dnsmasq ends at once", "", "", []string{"end-dnsmasq"}, "", ingress, "mesh: dnsmasq has ended"},
	} {
		t.Run(test.name, func(t *testing.T) {
			fill(t, "IngressEndpoint", test.ingress)
			programs := all()
			delete(programs, test.program)
			if test.instead != "" {
				programs[test.program] = test.instead
			}
			if test.program == "wg" {
				programs["curl"] = fetches
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
	for program, call := range map[string]string{
		"curl": "curl -fsSL --retry 3 --max-time 100 -o wstunnel.new https://example.org/wstunnel",
		"wget": "wget -q -T 30 -O wstunnel.new https://example.org/wstunnel",
	} {
		t.Run(program, func(t *testing.T) {
			programs := all()
			delete(programs, "wstunnel")
			delete(programs, "wireguard-go")
			programs[program] = fetches
			s := newScene(t, programs)
			s.write("stay", stay)
			s.start()
			s.eventually("the mesh is up", s.up)
			calls := s.read("calls")
			for _, call := range []string{call, "wstunnel client", "wireguard-go -f"} {
				if !strings.Contains(calls, call) {
					t.Errorf("no %s in\n%s", call, calls)
				}
			}
		})
	}
}
