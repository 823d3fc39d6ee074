package manifests

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
)

// Stand-ins for the programs that the script calls. Each records its call in the file
// "calls". A file "fail-NAME" makes a program fail, and a file "end-NAME" ends a
// program that would run on.
const (
	recordCall = "#!/bin/sh\necho \"${0##*/} $*\" >>\"$TEST/calls\"\n[ ! -e \"$TEST/fail-${0##*/}\" ] || exit 1\n"
	runOn      = "while [ ! -e \"$TEST/end-${0##*/}\" ]; do sleep 0.1; done\n"
	daemon     = recordCall + "echo $$ >>\"$TEST/processes\"\n" + runOn
	dnsmasq    = recordCall + "[ -e \"$TEST/end-dnsmasq\" ] || echo \"7: 0100007F:0035 00000000:0000 07\" >\"$UDP_SOCKETS\"\n" + runOn
	ip         = recordCall + `case "$*" in *"route get"*) echo "$4 via 10.1.0.1 dev eth0 src 10.1.0.2" ;; esac
`
	wg = recordCall + `case "$*" in *latest-handshakes) [ -e "$TEST/no-handshake" ] && echo "key	0" || echo "key	1700000000" ;; esac
`
	// A download creates a daemon at the path that follows -o or -O.
	downloader = recordCall + `while [ "$1" != -o ] && [ "$1" != -O ]; do shift; done; cat "$TEST/daemon" >"$2"
`
)

const remoteResolvConf = "search pods.svc.cluster.local svc.cluster.local cluster.local hpc.example.org\nnameserver 10.96.0.10\nnameserver 10.1.0.53\noptions ndots:5\n"

// meshContainer is a stand-in for the container that runs the script: a folder with
// its files, and a process.
type meshContainer struct {
	*testing.T
	folder  string
	shell   []string
	env     []string
	process *testkit.Process
}

// newMeshContainer returns a container with stand-ins for all programs. A program in
// replaced replaces one; an empty text removes it.
func newMeshContainer(t *testing.T, values map[string]any, replaced map[string]string, env ...string) *meshContainer {
	t.Helper()
	c := &meshContainer{T: t, folder: t.TempDir(), shell: []string{"/bin/sh"}}
	programs := map[string]string{"ip": ip, "wg": wg, "wireguard-go": daemon, "wstunnel": daemon, "dnsmasq": dnsmasq}
	maps.Copy(programs, replaced)
	for name, text := range programs {
		if text != "" {
			c.write("bin/"+name, text)
		}
	}
	// Of the machine's own programs, the script finds only those that every image has.
	for _, name := range strings.Fields("sh cat grep awk sort sleep date chmod mv mkdir env kill getent rm") {
		if path, err := exec.LookPath(name); err == nil && programs[name] == "" {
			if err := os.Symlink(path, c.path("bin/"+name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	filledIn := maps.Clone(filled)
	maps.Copy(filledIn, values)
	for name, text := range map[string]string{
		"resolv.conf": remoteResolvConf, "hosts": "127.0.0.1 localhost\n", "tun": "", "udp": "", "daemon": daemon, "scratch/none": "",
		// The machine's own programs must not be found in these folders.
		"mesh.sh": strings.ReplaceAll(meshScript(t, filledIn), ":/usr/sbin:/sbin", ""),
	} {
		c.write(name, text)
	}
	c.env = append([]string{
		"PATH=" + c.path("bin"), "TMPDIR=" + c.path("scratch"), "TEST=" + c.folder, "POD_NAMESPACE=demo",
		"RESOLV_CONF=" + c.path("resolv.conf"), "TUN=" + c.path("tun"), "HOSTS=" + c.path("hosts"), "UDP_SOCKETS=" + c.path("udp"),
	}, env...)
	return c
}

func (c *meshContainer) path(name string) string { return filepath.Join(c.folder, name) }

func (c *meshContainer) write(name, text string) {
	c.Helper()
	testkit.WriteScript(c.T, c.path(name), text)
}

// read returns the text of a file, or "" if it does not exist.
func (c *meshContainer) read(name string) string {
	text, _ := os.ReadFile(c.path(name))
	return string(text)
}

func (c *meshContainer) start() {
	c.Helper()
	cmd := exec.Command(c.shell[0], append(c.shell[1:], c.path("mesh.sh"))...)
	cmd.Env = c.env
	c.process = testkit.StartProcess(c.T, cmd)
}

// startUntilReady starts the script and waits until it reports the network as ready.
func (c *meshContainer) startUntilReady() {
	c.Helper()
	c.start()
	c.eventually("the network is ready", c.ready)
}

func (c *meshContainer) ready() bool {
	_, err := os.Stat(c.path("scratch/mesh-ready"))
	return err == nil
}

// wait waits for the end of the script. It returns the exit code and the last line of
// the log.
func (c *meshContainer) wait() (exitCode int, lastLine string) {
	c.Helper()
	exitCode, log := c.process.Wait()
	lines := strings.Split(strings.TrimSpace(log), "\n")
	return exitCode, lines[len(lines)-1]
}

// expectEnd waits for the end of the script and compares its exit code and last line.
func (c *meshContainer) expectEnd(exitCode int, lastLine string) {
	c.Helper()
	if code, line := c.wait(); code != exitCode || line != lastLine {
		c.Errorf("exit code %d, last line %q, want %d and %q; the log:\n%s", code, line, exitCode, lastLine, c.process.Output())
	}
}

// expectFile compares the text of a file.
func (c *meshContainer) expectFile(name, want string) {
	c.Helper()
	if got := c.read(name); got != want {
		c.Errorf("%s is\n%s\nwant\n%s", name, got, want)
	}
}

// expectCalls checks that all calls are among the recorded ones.
func (c *meshContainer) expectCalls(calls ...string) {
	c.Helper()
	for _, call := range calls {
		if recorded := c.read("calls"); !strings.Contains(recorded, call) {
			c.Errorf("missing call %q among:\n%s", call, recorded)
		}
	}
}

// countCalls returns how many recorded calls contain all of the texts.
func (c *meshContainer) countCalls(texts ...string) int {
	n := 0
	for call := range strings.Lines(c.read("calls")) {
		all := true
		for _, text := range texts {
			all = all && strings.Contains(call, text)
		}
		if all {
			n++
		}
	}
	return n
}

// noDaemonRuns reports whether all programs that the script started have ended.
func (c *meshContainer) noDaemonRuns() bool {
	for _, id := range strings.Fields(c.read("processes")) {
		if process, err := strconv.Atoi(id); err != nil || syscall.Kill(process, 0) == nil {
			return false
		}
	}
	return true
}

func (c *meshContainer) eventually(what string, condition func() bool) {
	c.Helper()
	testkit.Eventually(c.T, what, condition)
}
