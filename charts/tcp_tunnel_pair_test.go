//go:build linux

package charts

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

// pair is a gateway and a bastion of the charts, run by OpenSSH on this machine as no pod would: as an account
// that it has, in folders of the test, and on free ports of the loopback addresses.
type pair struct {
	folder           string
	account          *user.User
	sshPort, tunnel  int
	gateway, bastion map[string]string
}

// newPair renders and lays out the gateway; bastionOf does it for a bastion.
func newPair(t *testing.T) *pair {
	t.Helper()
	for _, program := range []string{"ssh", "sshd", "ssh-keygen"} {
		onMachine(t, program)
	}
	account, err := user.Current()
	if err == nil && account.Uid == "0" {
		// What runs as root would not show what a pod may not. (systemd says that "nobody" is locked.)
		account, err = user.Lookup("daemon")
	}
	if err != nil {
		t.Fatal(err)
	}
	// Short, for the path of a socket is; and others than root must reach it, which t.TempDir does not let them.
	folder, err := os.MkdirTemp("", "tunnel")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	p := &pair{folder: folder, account: account, sshPort: freePort(t), tunnel: freePort(t)}
	if err := os.Chmod(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	run(t, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", filepath.Join(folder, "id"))
	uid, _ := strconv.Atoi(account.Uid)
	p.gateway = mustRenderTunnel(t, gateway, map[string]any{
		"ssh":                map[string]any{"publicKey": read(t, folder, "id.pub"), "userName": account.Username},
		"podSecurityContext": map[string]any{"runAsUser": uid},
	})
	p.layOut(t, gateway, p.gateway)
	return p
}

// bastionOf renders a bastion that leads to the target and trusts the host key.
func (p *pair) bastionOf(t *testing.T, target, hostKey string) {
	t.Helper()
	host, port, err := net.SplitHostPort(target)
	if err != nil {
		t.Fatal(err)
	}
	targetPort, _ := strconv.Atoi(port)
	p.bastion = mustRenderTunnel(t, bastion, map[string]any{"tunnel": map[string]any{
		"gateway": map[string]any{"host": "127.0.0.1", "ssh": map[string]any{
			"port": p.sshPort, "userName": p.account.Username, "privateKey": read(t, p.folder, "id"), "hostKey": hostKey,
		}},
		"service": map[string]any{"gatewayPort": p.tunnel, "targetHost": host, "targetPort": targetPort},
	}})
	p.layOut(t, bastion, p.bastion)
}

// moved rewrites the paths and ports of a pod. A tunnel's port is on an address that needs GatewayPorts.
func (p *pair) moved(chart, text string) string {
	root := filepath.Join(p.folder, chart)
	return strings.NewReplacer("/etc/tunnel", root, "/tmp/", root+"/tmp/", "0.0.0.0", "127.0.0.2",
		"Port 2222\n", fmt.Sprintf("Port %d\nListenAddress 127.0.0.1\n", p.sshPort)).Replace(text)
}

// layOut writes the files as the kubelet does: root's, and the keys readable for a group of the pod.
func (p *pair) layOut(t *testing.T, chart string, files map[string]string) {
	t.Helper()
	uid, _ := strconv.Atoi(p.account.Uid)
	gid, _ := strconv.Atoi(p.account.Gid)
	root := filepath.Join(p.folder, chart)
	write := func(folder, name string, data []byte, mode os.FileMode, owner, group int) {
		path := filepath.Join(root, folder, name)
		if err := os.WriteFile(path, data, mode); err != nil {
			t.Fatal(err)
		}
		if os.Getuid() == 0 {
			if err := os.Chown(path, owner, group); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, folder := range []string{"config", "key", "tmp"} {
		if err := os.MkdirAll(filepath.Join(root, folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if os.Getuid() == 0 {
		if err := os.Chown(filepath.Join(root, "tmp"), uid, gid); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range configFiles(t, files) {
		write("config", name, []byte(p.moved(chart, text)), 0o644, 0, 0)
	}
	mode := os.FileMode(0o440)
	if os.Getuid() != 0 {
		mode = 0o400 // no other owner to give it to
	}
	for _, object := range decode(t, files["secret.yaml"]) {
		for name, data := range object.(*corev1.Secret).Data {
			_ = os.Remove(filepath.Join(root, "key", name))
			write("key", name, data, mode, 0, gid)
		}
	}
}

// command is that of the pod's container, or its probe, as the pod's user.
func (p *pair) command(t *testing.T, chart string, args []string) *exec.Cmd {
	t.Helper()
	for i := range args {
		args[i] = p.moved(chart, args[i])
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.SysProcAttr = &syscall.SysProcAttr{}
	if os.Getuid() == 0 {
		uid, _ := strconv.Atoi(p.account.Uid)
		gid, _ := strconv.Atoi(p.account.Gid)
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	}
	return cmd
}

func container(t *testing.T, files map[string]string) corev1.Container {
	t.Helper()
	return decode(t, files["deployment.yaml"])[0].(*appsv1.Deployment).Spec.Template.Spec.Containers[0]
}

// ready asks the bastion's readiness probe.
func (p *pair) ready(t *testing.T) bool {
	return p.command(t, bastion, container(t, p.bastion).ReadinessProbe.Exec.Command).Run() == nil
}

// reaches says whether a request to the tunnel's port comes through.
func (p *pair) reaches() bool {
	client := http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Get(fmt.Sprintf("http://127.0.0.2:%d/", p.tunnel))
	if err != nil {
		return false
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	return err == nil && string(body) == "hello"
}

// process is a container that runs.
type process struct {
	*exec.Cmd
	out  *output
	done chan struct{}
}

func (p *pair) start(t *testing.T, chart string) *process {
	t.Helper()
	files := map[string]map[string]string{gateway: p.gateway, bastion: p.bastion}[chart]
	c := &process{p.command(t, chart, container(t, files).Command), &output{}, make(chan struct{})}
	// A pipe of our own: exec's would keep Wait until the last of its children has closed it.
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	c.Stdout, c.Stderr = write, write
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	_ = write.Close()
	go func() { _, _ = io.Copy(c.out, read) }()
	go func() { _ = c.Wait(); close(c.done) }()
	t.Cleanup(func() {
		c.kill()
		if t.Failed() {
			t.Logf("the %s wrote\n%s", chart, c.out)
		}
	})
	return c
}

// kill ends it with all that it started, as the end of a container's first process does.
func (c *process) kill() {
	for _, pid := range descendants(c.Process.Pid) {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	<-c.done
}

// descendants of a process, itself first.
func descendants(pid int) []int {
	all := []int{pid}
	for i := 0; i < len(all); i++ {
		text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", all[i], all[i]))
		for _, field := range strings.Fields(string(text)) {
			child, _ := strconv.Atoi(field)
			all = append(all, child)
		}
	}
	return all
}

type output struct {
	mu   sync.Mutex
	text strings.Builder
}

func (o *output) Write(data []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(data)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); !holds(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("in vain we waited until", what)
		}
	}
}

func freePort(t *testing.T) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().(*net.TCPAddr).Port
}

func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	return string(out)
}

func read(t *testing.T, folder, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(folder, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func hello(t *testing.T) string {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") }))
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}
